// A run that belongs to a job: alone in its folder, on the versions that its first attempt resolved, and never registered
// twice, however often its workers died.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { automedError, NotFoundError } from '../../../common/errors';
import { isRandom, type ModelStore, type StoredBase, referenceOf } from '../../../store';
import { replaceFile } from '../../../store/durable';
import type { FinishedEvent, TrainSpec } from '../../protocol/protocol';
import { createBase, type InitBase } from '../bases/create-base';
import { finishedBefore } from '../../job-folder/finished-before';
import { LOCK_FILE } from '../../job-folder/folders';
import { clearJob } from '../../job-folder/job-state';
import { runTraining, type RunDependencies } from './run-training';
import { isMadeWhenMissing } from '../../protocol/preflight';
import { INTERACTIVE } from '../../protocol/systems';

const PINNED_FILE = 'pinned.json';
const LOCK_POLL_MS = 100;

export interface JobDependencies extends RunDependencies {
  /** Takes the lock of a file; undefined while another process has it. */
  tryLock: (path: string) => { release(): void } | undefined;
  initBase: InitBase;
}

/** Waits for an earlier worker of the job; a run that is no job's has nobody to wait for. */
async function lockFolder(spec: TrainSpec, { tryLock, emit }: JobDependencies): Promise<{ release(): void }> {
  for (let told = false; ; told = true) {
    const lock = tryLock(join(spec.jobFolder, LOCK_FILE));
    if (lock) return lock;
    if (spec.jobId === undefined) {
      throw automedError(
        'ILLEGAL_STATE',
        'Another run is at work in this job folder; wait for it, or use another one.',
        {
          field: 'jobFolder',
        },
      );
    }
    const message = 'waiting for an earlier worker of this job, which has not ended yet';
    if (!told) emit({ type: 'log', level: 'info', message });
    // Not ended by the signal: what the earlier worker registers decides how the job ends.
    await sleep(LOCK_POLL_MS);
  }
}

/** The name of an architecture stands for a base of random weights where the encoder is trained from nothing. */
async function resolveBase(spec: TrainSpec, { store, initBase, emit }: JobDependencies): Promise<StoredBase> {
  try {
    return await store.resolveBase(spec.base);
  } catch (error) {
    const { base: name, seed } = spec;
    if (!(error instanceof NotFoundError) || !isMadeWhenMissing(spec)) throw error;
    const made = await createBase(store, { name, arch: name, seed }, initBase);
    emit({ type: 'log', level: 'info', message: `created the base ${referenceOf(made)} with random weights` });
    return made;
  }
}

/** The base that the run stands on; says when its weights are random and stay so. */
async function usableBase(spec: TrainSpec, dependencies: JobDependencies): Promise<StoredBase> {
  const base = await resolveBase(spec, dependencies);
  if (isRandom(base.manifest) && spec.train !== 'encoder') {
    const message = `${referenceOf(base)} has random weights, and its encoder is not trained; --train encoder trains it`;
    dependencies.emit({ type: 'log', level: 'warn', message });
  }
  return base;
}

/** Those that rank 0 writes; its part of the process group ends with it, so nobody waits for a rank 0 that is gone. */
async function pinnedByLeader(spec: TrainSpec, { signal }: JobDependencies): Promise<TrainSpec> {
  if (spec.jobId === undefined) return spec;
  for (;;) {
    const text = await readFile(join(spec.jobFolder, PINNED_FILE), 'utf8').catch(() => undefined);
    if (text !== undefined) return { ...spec, ...(JSON.parse(text) as Partial<TrainSpec>) };
    signal.throwIfAborted();
    await sleep(LOCK_POLL_MS);
  }
}

/** The versions that the references meant at the first attempt: a run must not change its base half-way. */
async function pinned(spec: TrainSpec, dependencies: JobDependencies): Promise<TrainSpec> {
  if (spec.jobId === undefined) return spec;
  const path = join(spec.jobFolder, PINNED_FILE);
  const text = await readFile(path, 'utf8').catch(() => undefined);
  if (text !== undefined) return { ...spec, ...(JSON.parse(text) as Partial<TrainSpec>) };
  const pins = {
    base: referenceOf(await usableBase(spec, dependencies)),
    ...(spec.startFrom === undefined
      ? {}
      : { startFrom: referenceOf(await dependencies.store.resolveModel(spec.startFrom)) }),
  };
  await replaceFile(path, JSON.stringify(pins));
  return { ...spec, ...pins };
}

/** Takes away the base of a job that is stopped before its model was there: nobody would stand on it. */
async function discardBase(store: ModelStore, { jobId, system }: TrainSpec): Promise<void> {
  if (jobId === undefined || system === INTERACTIVE) return;
  const { base, model } = await store.findByJob(jobId);
  if (base && !model) await store.deleteBase(base.manifest.name, base.manifest.version);
}

/**
 * Runs a training, alone in its folder; of a process group rank 0 holds the lock. Of a job that has registered its result it
 * only tells that.
 */
export async function runJob(spec: TrainSpec, dependencies: JobDependencies): Promise<FinishedEvent> {
  const { store } = dependencies;
  if ((dependencies.processGroup?.rank ?? 0) > 0) {
    const told = await finishedBefore(store, spec);
    if (told) return told;
    const toRun = await pinnedByLeader(spec, dependencies);
    // A process group that is to stop before it has come together would wait for its rank 0.
    if (dependencies.signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.');
    return runTraining(toRun, dependencies);
  }
  const lock = await lockFolder(spec, dependencies);
  try {
    const finished = await finishedBefore(store, spec);
    if (finished) {
      await clearJob(spec.jobFolder);
      return finished;
    }
    if (dependencies.signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.');
    return await runTraining(await pinned(spec, dependencies), dependencies);
  } catch (error) {
    // An earlier worker may have died between the base and the model.
    if (dependencies.signal.aborted) await discardBase(store, spec);
    throw error;
  } finally {
    lock.release();
  }
}
