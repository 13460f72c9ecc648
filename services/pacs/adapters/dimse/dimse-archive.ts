// An archive that is asked by C-FIND, and sends by C-GET or C-MOVE (PS3.4 annex C, study root).

import { automedError, type AutomedError } from '../../../common/errors';
import type { Logger } from '../../../common/logging';
import { READ_SYNTAXES } from '../../../imaging/dicom/transfer-syntax';
import type { Archive, RemoteInstance, Told, Wanted } from '../../domain/pull';
import type { Receiver } from '../receiver';
import {
  AssociationError,
  AssociationScu,
  type AssociationFault,
  type CalledAe,
  type ProposedContext,
  type StatusAnswer,
} from '../../../dicom-net/association-scu';
import { CFindRequest, CGetRequest, CMoveRequest, type Dataset } from '../../../dicom-net/library';

const FIND = '1.2.840.10008.5.1.4.1.2.2.1';
const MOVE = '1.2.840.10008.5.1.4.1.2.2.2';
const GET = '1.2.840.10008.5.1.4.1.2.2.3';
const QUERY_SYNTAXES = ['1.2.840.10008.1.2.1', '1.2.840.10008.1.2'];
/** Presentation contexts of one association (PS3.8: odd numbers of one byte). */
const MOST_CONTEXTS = 128;
/** Storage classes of an archive that does not say which ones it has: CT, MR, CR, DX, MG, US, SC, enhanced CT and MR, NM, PET, XA. */
const COMMON_CLASSES = ['2', '4', '1', '1.1', '1.2', '6.1', '7', '2.1', '4.1', '20', '128', '12.1'].map(
  (rest) => `1.2.840.10008.5.1.4.1.1.${rest}`,
);
const SUCCESS = 0x0000;
/** Some of what was asked for failed (0xB000): what is missing shows in the journal. */
const SOME_FAILED = 0xb000;

export interface DimseArchiveDeps {
  target: CalledAe;
  receiver: Receiver;
  log: Logger;
  by: 'get' | 'move';
}

interface SubOperations extends StatusAnswer {
  getCompleted(): number;
  getWarnings(): number;
}

const hex = (status: number): string => `0x${status.toString(16).toUpperCase().padStart(4, '0')}`;

/** What an association that did not come about, or ended, means for who asked. */
export function archiveError(fault: AssociationFault): AutomedError {
  switch (fault.kind) {
    case 'rejected': {
      const why =
        fault.reason === 3 ? 'does not know our AE title' : `refuses the association (reason ${fault.reason})`;
      return automedError(fault.permanent ? 'ILLEGAL_STATE' : 'SERVICE_UNAVAILABLE', `The archive ${why}.`);
    }
    case 'tls':
      return automedError('ILLEGAL_STATE', `Certificates of the connection do not hold (${fault.code}).`);
    case 'unreachable':
      return automedError('SERVICE_UNAVAILABLE', 'The archive cannot be reached.');
    case 'timeout':
      return automedError('SERVICE_UNAVAILABLE', 'The archive did not answer in time.');
    default:
      return automedError('SERVICE_UNAVAILABLE', 'The archive ended the association.');
  }
}

/** Text of an element of an answer; UIDs are padded. */
function text(dataset: InstanceType<typeof Dataset>, name: string): string {
  return (dataset.getElement(name) ?? '').toString().replace(/\0/g, '').trim();
}

/** A context for each class and syntax: only so objects come as they are stored. */
function storageContexts(classes: readonly string[], room: number): ProposedContext[] {
  const each = Math.max(1, Math.floor(room / Math.max(1, classes.length)));
  const few = READ_SYNTAXES.length <= each;
  return classes
    .slice(0, room)
    .flatMap((abstractSyntax): ProposedContext[] =>
      few
        ? READ_SYNTAXES.map((transferSyntax) => ({ abstractSyntax, transferSyntax, isStoredHere: true }))
        : [{ abstractSyntax, transferSyntax: READ_SYNTAXES, isStoredHere: true }],
    );
}

/** An archive that speaks DIMSE. */
export class DimseArchive implements Archive {
  constructor(private readonly deps: DimseArchiveDeps) {}

  async list({ study, series }: Wanted, signal: AbortSignal): Promise<RemoteInstance[]> {
    const context = { abstractSyntax: FIND, transferSyntax: QUERY_SYNTAXES };
    return this.over([context], signal, async (scu) => {
      const found: RemoteInstance[] = [];
      for (const each of series === undefined ? await this.seriesOf(scu, study) : [series]) {
        const asked = { StudyInstanceUID: study, SeriesInstanceUID: each, SOPInstanceUID: '', SOPClassUID: '' };
        const answers = await this.find(scu, CFindRequest.createImageFindRequest(asked));
        for (const answer of answers) {
          const sopInstance = text(answer, 'SOPInstanceUID');
          if (sopInstance !== '') found.push({ series: each, sopInstance, sopClass: text(answer, 'SOPClassUID') });
        }
      }
      return found;
    });
  }

  private async seriesOf(scu: AssociationScu, study: string): Promise<string[]> {
    const asked = { StudyInstanceUID: study, SeriesInstanceUID: '', NumberOfSeriesRelatedInstances: '' };
    const answers = await this.find(scu, CFindRequest.createSeriesFindRequest(asked));
    return answers.map((answer) => text(answer, 'SeriesInstanceUID')).filter((uid) => uid !== '');
  }

  private async find(scu: AssociationScu, request: InstanceType<typeof CFindRequest>) {
    const found: InstanceType<typeof Dataset>[] = [];
    const last = await scu.requestAll<StatusAnswer & { getDataset(): InstanceType<typeof Dataset> | undefined }>(
      request,
      (answer) => {
        const dataset = answer.getDataset();
        if (dataset) found.push(dataset);
      },
    );
    if (last.getStatus() === SUCCESS) return found;
    throw automedError(
      'SERVICE_UNAVAILABLE',
      `The archive does not answer the query (status ${hex(last.getStatus())}).`,
    );
  }

  async fetch(wanted: Wanted, instances: readonly RemoteInstance[], told: Told, signal: AbortSignal): Promise<void> {
    const series = [...new Set(instances.map((instance) => instance.series))];
    if (this.deps.by === 'move') await this.move(wanted.study, series, told, signal);
    else await this.get(wanted.study, series, instances, told, signal);
  }

  private async get(
    study: string,
    series: readonly string[],
    instances: readonly RemoteInstance[],
    told: Told,
    signal: AbortSignal,
  ): Promise<void> {
    const { receiver, log, target } = this.deps;
    const named = [...new Set(instances.map(({ sopClass }) => sopClass))].filter((uid) => uid !== '');
    const classes = named.length > 0 ? named : COMMON_CLASSES;
    const contexts = [
      { abstractSyntax: GET, transferSyntax: QUERY_SYNTAXES },
      ...storageContexts(classes, MOST_CONTEXTS - 1),
    ];
    await this.over(contexts, signal, async (scu) => {
      const source = { way: 'pull' as const, calling: target.calledAe, called: target.callingAe };
      scu.receive({ receiver, log, source: () => source, told: (outcome) => told.outcome(outcome) });
      for (const each of series) {
        const request = CGetRequest.createSeriesGetRequest(study, each);
        request.setAddStorageSopClassesToAssociation(false);
        this.check(await scu.requestAll<SubOperations>(request, () => undefined), 'C-GET');
      }
    });
  }

  private async move(study: string, series: readonly string[], told: Told, signal: AbortSignal): Promise<void> {
    const context = { abstractSyntax: MOVE, transferSyntax: QUERY_SYNTAXES };
    let before = 0;
    await this.over([context], signal, async (scu) => {
      for (const each of series) {
        let completed = 0;
        const request = CMoveRequest.createSeriesMoveRequest(this.deps.target.callingAe, study, each);
        const last = await scu.requestAll<SubOperations>(request, (answer) => {
          completed = Math.max(completed, answer.getCompleted() + answer.getWarnings());
          told.sent(before + completed);
        });
        this.check(last, 'C-MOVE');
        before += completed;
      }
    });
  }

  private check(last: StatusAnswer, what: string): void {
    const status = last.getStatus();
    if (status === SUCCESS || status === SOME_FAILED) return;
    const unknown = status === 0xa801 ? ': it does not know our AE title as a destination' : '';
    throw automedError('SERVICE_UNAVAILABLE', `The archive fails the ${what} (status ${hex(status)})${unknown}.`);
  }

  private async over<T>(
    contexts: readonly ProposedContext[],
    signal: AbortSignal,
    work: (scu: AssociationScu) => Promise<T>,
  ): Promise<T> {
    try {
      const scu = await AssociationScu.open(this.deps.target, contexts);
      const onAbort = (): void => scu.abort();
      signal.addEventListener('abort', onAbort);
      try {
        if (!scu.accepts(contexts[0]?.abstractSyntax ?? '')) {
          throw automedError('ILLEGAL_STATE', 'The archive does not offer this service; say with --by another way.');
        }
        const result = await work(scu);
        await scu.release();
        return result;
      } catch (error) {
        scu.abort();
        throw error;
      } finally {
        signal.removeEventListener('abort', onAbort);
      }
    } catch (error) {
      throw error instanceof AssociationError ? archiveError(error.fault) : error;
    }
  }
}
