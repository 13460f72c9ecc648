// Sends objects by C-STORE as they are, byte by byte, and accounts for each of them.

import { readFile } from 'node:fs/promises';
import { readInstanceHeader } from '../../domain/instance-header';
import { failed, notTrusted, ofStatus, type Courier, type Sendable, type Sent } from '../../domain/delivery';
import { sendPrepared } from '../prepared';
import {
  AssociationError,
  AssociationScu,
  type AssociationFault,
  type CalledAe,
} from '../../../dicom-net/association-scu';
import { IMPLICIT_LITTLE_ENDIAN } from '../../../imaging/dicom/transfer-syntax';
import { VERIFICATION } from '../../../dicom-net/storage-scp';
import { dataSetOf } from '../../../dicom-net/part10';
import { CEchoRequest, CStoreRequest, Dataset, PresentationContextResult } from '../../../dicom-net/library';

/** A data set that the library sends without having read it. */
class RawDataset extends Dataset {
  constructor(
    object: Pick<Sendable, 'sopClass' | 'sopInstance'>,
    transferSyntax: string,
    private readonly bytes: Buffer,
  ) {
    super({ SOPClassUID: object.sopClass, SOPInstanceUID: object.sopInstance }, transferSyntax);
  }

  override getDenaturalizedDataset(): Buffer {
    return this.bytes;
  }
}

interface Loaded {
  object: Sendable;
  transferSyntax: string;
  dataSet: Buffer;
}

/** The data set of a file, which must be the object that it is taken for. */
async function load(object: Sendable): Promise<Loaded> {
  const file = await readFile(object.path);
  const { transferSyntax, sopClass, sopInstance } = readInstanceHeader(file);
  if (sopClass !== object.sopClass || sopInstance !== object.sopInstance) {
    throw new Error('the file is of another object than the journal says');
  }
  return { object, transferSyntax, dataSet: dataSetOf(file) };
}

/** Reasons of an A-ASSOCIATE-RJ by the other side's user (PS3.8, table 9-21). */
const REASONS: Readonly<Record<number, string>> = {
  3: 'does not know our AE title',
  7: 'is not called by the AE title that is configured for it',
};

function ofFault(fault: AssociationFault, first: boolean): Sent {
  switch (fault.kind) {
    case 'unreachable':
      return failed('away', 'UNREACHABLE', 'The receiver cannot be reached.');
    case 'timeout':
      return failed('transient', 'TIMEOUT', 'The receiver did not answer in time.');
    case 'tls':
      return notTrusted(fault.code);
    case 'rejected': {
      const why = REASONS[fault.reason] ?? `refuses the association (reason ${fault.reason})`;
      const code = fault.permanent ? 'NOT_AUTHORISED' : 'BUSY';
      return failed(fault.permanent ? 'permanent' : 'away', code, `The receiver ${why}.`);
    }
    case 'aborted':
    case 'closed':
      // Some receivers accept everybody, and abort when one who may not store does (Orthanc does so).
      return first
        ? failed(
            'suspect',
            'ABORTED',
            'The receiver ended the association at the first object: it may not know our AE title.',
          )
        : failed('transient', 'ABORTED', 'The receiver ended the association.');
  }
}

function contextsOf(loaded: readonly Loaded[]) {
  const pairs = new Map(
    loaded.map(({ object, transferSyntax }) => [
      `${object.sopClass} ${transferSyntax}`,
      { abstractSyntax: object.sopClass, transferSyntax },
    ]),
  );
  return [...pairs.values()];
}

function isAccepted({ association }: AssociationScu, { object, transferSyntax }: Loaded): boolean {
  return association.getPresentationContexts().some(({ context }) => {
    const result = context.getResult();
    const accepted = result === PresentationContextResult.Accept && context.getAcceptedTransferSyntaxUid();
    return context.getAbstractSyntaxUid() === object.sopClass && accepted === transferSyntax;
  });
}

/** Sends objects to one receiver. */
export class StoreScu implements Courier {
  constructor(private readonly target: CalledAe) {}

  send(objects: readonly Sendable[]): Promise<Sent[]> {
    return sendPrepared(objects, load, (loaded) => this.sendLoaded(loaded));
  }

  private async sendLoaded(loaded: readonly Loaded[]): Promise<Sent[]> {
    const sent: Sent[] = [];
    try {
      const scu = await AssociationScu.open(this.target, contextsOf(loaded));
      for (const each of loaded) sent.push(await store(scu, each));
      await scu.release();
    } catch (error) {
      if (!(error instanceof AssociationError)) throw error;
      const failure = ofFault(error.fault, sent.length === 0);
      while (sent.length < loaded.length) sent.push(failure);
    }
    return sent;
  }

  /** C-ECHO. @throws AssociationError */
  async echo(): Promise<number> {
    const contexts = [{ abstractSyntax: VERIFICATION, transferSyntax: IMPLICIT_LITTLE_ENDIAN }];
    const scu = await AssociationScu.open(this.target, contexts);
    const status = await scu.request(new CEchoRequest());
    await scu.release();
    return status;
  }
}

async function store(scu: AssociationScu, loaded: Loaded): Promise<Sent> {
  if (!isAccepted(scu, loaded)) {
    return failed('permanent', 'NOT_SUPPORTED', 'The receiver does not take objects of this kind in their encoding.');
  }
  const { object, transferSyntax, dataSet } = loaded;
  return ofStatus(await scu.request(new CStoreRequest(new RawDataset(object, transferSyntax, dataSet))));
}
