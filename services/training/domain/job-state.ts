// What a run needs to go on after its process died: state.json in the job folder names the checkpoint it belongs to.

import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { automedError } from '../../common/errors';
import { replaceFile } from '../../store/durable';
import type { EpochMetrics } from '../protocol';

const STATE_FILE = 'state.json';
const CHECKPOINT = /^checkpoint-(\d+)\.pt$/;

export interface JobState {
  /** Digest of what must be the same for a checkpoint to make sense: data, base, recipe, seed. */
  run: string;
  /** Epochs finished. */
  epochs: number;
  bestEpoch: number;
  history: EpochMetrics[];
}

export function runDigest(facts: object): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

export function checkpointPath(jobFolder: string, epoch: number): string {
  return join(jobFolder, `checkpoint-${epoch}.pt`);
}

/**
 * Prepares the job folder; without `resume` what an earlier run left is deleted, unless `leads` says that another rank of the
 * gang does that.
 */
export async function openJob(jobFolder: string, run: string, resume: boolean, leads = true): Promise<JobState> {
  await mkdir(jobFolder, { recursive: true });
  const fresh: JobState = { run, epochs: 0, bestEpoch: 0, history: [] };
  if (!resume) {
    if (leads) await clearJob(jobFolder);
    return fresh;
  }
  const text = await readFile(join(jobFolder, STATE_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return fresh;
  const state = JSON.parse(text) as JobState;
  if (state.run !== run) {
    throw automedError(
      'ILLEGAL_STATE',
      'The job folder holds a run on other data, another base or with other numbers; it cannot be resumed.',
      { field: 'resume' },
    );
  }
  return state;
}

/** Makes an epoch's checkpoint the one to resume from, then deletes those that are neither it nor the best. */
export async function saveJob(jobFolder: string, state: JobState): Promise<void> {
  await replaceFile(join(jobFolder, STATE_FILE), JSON.stringify(state));
  const keep = new Set([state.epochs, state.bestEpoch]);
  await deleteCheckpoints(jobFolder, (epoch) => !keep.has(epoch));
}

/** Deletes state and checkpoints; the folder stays. */
export async function clearJob(jobFolder: string): Promise<void> {
  await rm(join(jobFolder, STATE_FILE), { force: true });
  await deleteCheckpoints(jobFolder, () => true);
}

async function deleteCheckpoints(jobFolder: string, unwanted: (epoch: number) => boolean): Promise<void> {
  for (const name of await readdir(jobFolder)) {
    const epoch = CHECKPOINT.exec(name)?.[1];
    if (epoch !== undefined && unwanted(Number(epoch))) await rm(join(jobFolder, name), { force: true });
  }
}
