// Keeps an object that was received: header, journal, then the answer. Bytes are on the disk before the journal names them.

import { open } from 'node:fs/promises';
import { errnoOf } from '../../store/durable';
import type { Logger } from '../../common/logging';
import {
  readInstanceHeader,
  RefusedObject,
  requireAnnounced,
  type Announced,
  type InstanceHeader,
} from '../domain/instance-header';
import type { ObjectUids, Outcome, Refusal, Source } from '../../dicom-net/reception';
import type { ArrivalJournal, RoomGauge } from '../domain/reception';
import type { Spool, SpoolFile, Spooled } from './spool';
import { holdsPixels } from './whole-file';

export interface ReceiverDeps {
  spool: Spool;
  journal: ArrivalJournal;
  room: RoomGauge;
  log: Logger;
  /** Hears of every outcome. */
  count?: (outcome: Outcome, source: Source) => void;
}

/** A header of many frames is longer than what was kept in memory, bytes. */
const LONGER_HEADS = [4 * 1024 * 1024, 64 * 1024 * 1024];

/** Receives objects into the spool and the journal. */
export class Receiver {
  constructor(private readonly deps: ReceiverDeps) {}

  get hasRoom(): boolean {
    return this.deps.room.hasRoom();
  }

  /**
   * Begins an object. @param beginning what stands before its data set in the file
   * @throws errors of the file system as they are; ENOSPC above the watermark, whoever was let in before
   */
  async begin(beginning: Buffer): Promise<SpoolFile> {
    if (!this.hasRoom) throw Object.assign(new Error('the disk is above its watermark'), { code: 'ENOSPC' });
    return this.deps.spool.create(beginning);
  }

  /** What an object comes to that could not be begun. */
  refuse(error: unknown, source: Source, uids: ObjectUids | undefined): Outcome {
    const outcome = { ...this.refusal(error), uids };
    this.deps.count?.(outcome, source);
    return outcome;
  }

  /**
   * Ends an object that has come whole. What this answers is final: `kept` survives a power cut, and what was refused is gone.
   * @param announced UIDs that the sender named outside the object
   */
  async finish(file: SpoolFile, source: Source, announced?: Announced): Promise<Outcome> {
    let uids: ObjectUids | undefined;
    const read = async (header: InstanceHeader, spooled: Spooled): Promise<void> => {
      uids = { sopClass: header.sopClass, sopInstance: header.sopInstance };
      if (announced) requireAnnounced(header, announced);
      if (announced?.mayBeCut) await this.requireWhole(header, spooled);
    };
    const outcome = await this.keep(file, source, read).catch(async (error: unknown): Promise<Outcome> => {
      await file.discard();
      return { ...this.refusal(error), uids };
    });
    this.deps.count?.(outcome, source);
    return outcome;
  }

  private async keep(
    file: SpoolFile,
    source: Source,
    check: (header: InstanceHeader, spooled: Spooled) => Promise<void>,
  ): Promise<Outcome> {
    const { spool, journal, log } = this.deps;
    const spooled = await file.finish();
    log.debug({ event: 'object-on-disk' }, 'an object is on the disk');
    const header = await this.headerOf(spooled);
    const { sopClass, sopInstance } = header;
    await check(header, spooled);
    log.debug({ event: 'object-identified' }, 'its header fits what was announced');
    const kept = journal.record({ header, source, file: spooled.name, sha256: spooled.sha256, bytes: spooled.bytes });
    if (kept === 'known') await spool.remove(spooled.name);
    return { kept, uids: { sopClass, sopInstance } };
  }

  private async requireWhole({ pixels }: InstanceHeader, { name, bytes }: Spooled): Promise<void> {
    if (!pixels || (await holdsPixels(this.deps.spool.path(name), pixels, bytes))) return;
    throw new RefusedObject('unreadable', 'The file ends before its pixels do.');
  }

  private async headerOf({ name, head, bytes }: Spooled): Promise<InstanceHeader> {
    for (const longer of [...LONGER_HEADS, undefined]) {
      try {
        return readInstanceHeader(head);
      } catch (error) {
        const more = error instanceof RefusedObject && error.problem === 'unreadable' && head.length < bytes;
        if (!more || longer === undefined) throw error;
        head = await firstBytes(this.deps.spool.path(name), longer);
      }
    }
    throw new Error('unreachable');
  }

  private refusal(error: unknown): { refused: Refusal; message: string } {
    if (error instanceof RefusedObject) return { refused: error.problem, message: error.message };
    const code = errnoOf(error);
    if (code === 'ENOSPC' || code === 'EDQUOT' || code === 'SQLITE_FULL') {
      this.deps.log.error({ event: 'disk-full' }, 'the disk is full: objects are refused');
      return { refused: 'disk-full', message: 'The disk is full.' };
    }
    this.deps.log.error({ err: error }, 'an object could not be kept');
    return { refused: 'failed', message: 'The object could not be kept.' };
  }
}

async function firstBytes(path: string, count: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(Math.min(size, count)), 0, Math.min(size, count), 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
