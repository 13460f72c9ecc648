// Objects written on threads of their own, so that whoever asks goes on receiving and answering meanwhile.

import { Piscina } from 'piscina';
import { availableCores } from '../../common/cores';
import { compiledThread } from '../../common/thread-entry';
import { copiedShared } from '../../imaging/copied';
import { ResultError } from '../errors';
import type { Findings } from '../report/report';
import type { DrawnMasks, ResultContext, ResultObject } from '../types';
import type { DrawTask, ReportTask, Written } from './result-thread';

/** More would take the cores that models run on. */
const MOST_THREADS = 2;
/** Threads that had nothing to do for so long end, milliseconds. */
const IDLE_MS = 10_000;

async function shareMasks(masks: DrawnMasks): Promise<DrawnMasks> {
  const structures: DrawnMasks['structures'][number][] = [];
  for (const { slices, ...structure } of masks.structures) {
    const shared: (Uint8Array | undefined)[] = [];
    for (const slice of slices) shared.push(slice && (await copiedShared(slice)));
    structures.push({ ...structure, slices: shared });
  }
  return { ...masks, structures };
}

/** The functions of the same names, each on a thread. Segmentations and label maps are proven there, too: see proveGeometry(). */
export class ResultPool {
  private threads: Piscina | undefined;
  /** Masks in memory that threads share: of one analysis several objects are made. */
  private readonly shared = new WeakMap<DrawnMasks, Promise<DrawnMasks>>();

  /** Objects that threads have finished. */
  get completed(): number {
    return this.threads?.completed ?? 0;
  }

  /** @throws as segmentationObject() and proveGeometry() */
  async segmentation(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined> {
    return this.run('segmentation', { context, masks: await this.share(masks) });
  }

  /** @throws as labelmapObject() and proveGeometry() */
  async labelmap(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined> {
    return this.run('labelmap', { context, masks: await this.share(masks) });
  }

  /** @throws as presentationObject() */
  async presentation(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined> {
    return this.run('presentation', { context, masks: await this.share(masks) });
  }

  /** @throws as reportObject() */
  async report(context: ResultContext, { masks, ...findings }: Findings): Promise<ResultObject> {
    const shared = masks && (await this.share(masks));
    const object = await this.run('report', { context, findings: { ...findings, masks: shared } });
    if (!object) throw new Error('a report is never empty');
    return object;
  }

  /** Ends the threads; what they were asked for is rejected. */
  async close(): Promise<void> {
    await this.threads?.destroy();
    this.threads = undefined;
  }

  private share(masks: DrawnMasks): Promise<DrawnMasks> {
    const shared = this.shared.get(masks) ?? shareMasks(masks);
    this.shared.set(masks, shared);
    return shared;
  }

  private async run(name: string, task: DrawTask | ReportTask): Promise<ResultObject | undefined> {
    this.threads ??= new Piscina({
      filename: compiledThread('dicom-results/threads/result-thread.js'),
      minThreads: 0,
      maxThreads: Math.min(MOST_THREADS, availableCores()),
      idleTimeout: IDLE_MS,
      execArgv: [],
    });
    const written = (await this.threads.run(task, { name })) as Written;
    if ('defect' in written) throw new ResultError(written.defect, written.message);
    const { object } = written;
    // A Buffer arrives as a plain array of bytes.
    return (
      object && { ...object, bytes: Buffer.from(object.bytes.buffer, object.bytes.byteOffset, object.bytes.length) }
    );
  }
}
