// What a run needs to go on after its process died, whatever the moment: state.json in the job folder decides, and names only
// checkpoints that were complete on the disk before it was written.

import { createHash, randomUUID } from 'node:crypto';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { makeFolder } from '../../common/make-folder';
import { automedError } from '../../common/errors';
import { replaceFile, sweepTemporaries } from '../../store/durable';
import { epochMetricsSchema } from '../../scoring/results/epoch-metrics';

const STATE_FILE = 'state.json';
const CHECKPOINT = /^checkpoint-\d+(-\d+)?\.pt$/;
/** What a writer that died left of a checkpoint or of exported weights. */
const TORN = /^\.(checkpoint|head|base).*\.tmp$/;
export const EMBEDDINGS_FILE = 'embeddings.bin';

const stateSchema = z.object({
  /** Digest of what must be the same for a checkpoint to make sense: data, base, recipe, seed. */
  run: z.string(),
  /** The job that registers the result, at most once. */
  jobId: z.string(),
  phase: z.enum(['training', 'registering']),
  /** Epochs finished. */
  epochs: z.int().min(0),
  bestEpoch: z.int().min(0),
  history: z.array(epochMetricsSchema),
  /** Of the epoch that is running, what its checkpoint has seen; absent between epochs. */
  partial: z.object({ steps: z.int().min(1), images: z.int().min(1), lossSum: z.number() }).optional(),
});

export type JobState = z.infer<typeof stateSchema>;
export type EpochProgress = NonNullable<JobState['partial']>;

export function runDigest(facts: object): string {
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex');
}

/** @param steps of an epoch that is not over */
export function checkpointPath(jobFolder: string, epoch: number, steps?: number): string {
  return join(jobFolder, checkpointName(epoch, steps));
}

function checkpointName(epoch: number, steps?: number): string {
  return `checkpoint-${epoch}${steps === undefined ? '' : `-${steps}`}.pt`;
}

/** The checkpoint to go on from; undefined before the first. */
export function resumePoint({ epochs, partial }: JobState): string | undefined {
  if (partial) return checkpointName(epochs + 1, partial.steps);
  return epochs > 0 ? checkpointName(epochs) : undefined;
}

function checkRun(found: JobState, run: string): void {
  if (found.run === run) return;
  throw automedError(
    'ILLEGAL_STATE',
    'The job folder holds a run on other data, another base or with other numbers; it cannot be resumed.',
    { field: 'resume' },
  );
}

const freshState = (run: string, jobId: string | undefined): JobState => ({
  run,
  jobId: jobId ?? randomUUID(),
  phase: 'training',
  epochs: 0,
  bestEpoch: 0,
  history: [],
});

/** The state that openJob gives, for a rank that does not lead: it changes nothing in the folder. */
export async function readJob(jobFolder: string, run: string, resume: boolean, jobId?: string): Promise<JobState> {
  const found = resume ? await readState(jobFolder) : undefined;
  if (found) checkRun(found, run);
  return found ?? freshState(run, jobId);
}

/**
 * Prepares the job folder: with `resume` what an earlier process left is taken up, otherwise deleted. What that process was
 * writing when it died is deleted either way.
 * @param jobId of a new run (default: a random one); a resumed run keeps its own
 */
export async function openJob(jobFolder: string, run: string, resume: boolean, jobId?: string): Promise<JobState> {
  await makeFolder(jobFolder);
  await sweepTemporaries(jobFolder);
  const found = resume ? await readState(jobFolder) : undefined;
  if (!found) {
    await deleteRun(jobFolder);
    return freshState(run, jobId);
  }
  checkRun(found, run);
  const state = { ...found, jobId: jobId ?? found.jobId };
  for (const name of namedCheckpoints(state)) await checkPresent(jobFolder, name);
  await deleteOthers(jobFolder, (name) => CHECKPOINT.test(name) && keepable(name, state));
  return state;
}

async function readState(jobFolder: string): Promise<JobState | undefined> {
  const text = await readFile(join(jobFolder, STATE_FILE), 'utf8').catch(() => undefined);
  if (text === undefined) return undefined;
  try {
    return stateSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw automedError('CHECKPOINT_CORRUPT', 'The state.json of the job folder is damaged; the run must start over.', {
      field: 'resume',
      cause,
    });
  }
}

async function checkPresent(jobFolder: string, name: string): Promise<void> {
  const found = await stat(join(jobFolder, name)).catch(() => undefined);
  if (found?.isFile()) return;
  throw automedError('CHECKPOINT_CORRUPT', `The job folder lacks ${name}, which its state.json names.`, {
    field: 'resume',
  });
}

/** What a run cannot do without: where it goes on, and its best epoch. */
function namedCheckpoints(state: JobState): string[] {
  const resume = resumePoint(state);
  return [...new Set([...(resume ? [resume] : []), ...(state.bestEpoch > 0 ? [checkpointName(state.bestEpoch)] : [])])];
}

/** Whether a checkpoint is one of an epoch that is over, or the one to go on from. */
function keepable(name: string, state: JobState): boolean {
  const epoch = Number(/^checkpoint-(\d+)\.pt$/.exec(name)?.[1] ?? Infinity);
  return epoch <= state.epochs || name === resumePoint(state);
}

/**
 * Makes a checkpoint that was written before the one to resume from, then deletes what is not needed any more.
 * @param keep checkpoints of finished epochs to keep beside those that the state names, the newest first
 */
export async function saveJob(jobFolder: string, state: JobState, keep = 0): Promise<void> {
  await replaceFile(join(jobFolder, STATE_FILE), JSON.stringify(state));
  const wanted = new Set(namedCheckpoints(state));
  const further = Array.from({ length: state.epochs }, (_, at) => checkpointName(state.epochs - at));
  for (const name of further.filter((name) => !wanted.has(name)).slice(0, keep)) wanted.add(name);
  await deleteOthers(jobFolder, (name) => wanted.has(name));
}

/** Deletes the state before its checkpoints, so that none is left without them. */
async function deleteRun(jobFolder: string): Promise<void> {
  await rm(join(jobFolder, STATE_FILE), { force: true });
  await deleteOthers(jobFolder, () => false);
}

/** Deletes all that a finished run has no use for. Embeddings outlive a run that starts over: they know what they are of. */
export async function clearJob(jobFolder: string): Promise<void> {
  await deleteRun(jobFolder);
  for (const name of [EMBEDDINGS_FILE, `${EMBEDDINGS_FILE}.index`]) await rm(join(jobFolder, name), { force: true });
}

async function deleteOthers(jobFolder: string, wanted: (name: string) => boolean): Promise<void> {
  for (const name of await readdir(jobFolder)) {
    if ((CHECKPOINT.test(name) && !wanted(name)) || TORN.test(name)) await rm(join(jobFolder, name), { force: true });
  }
}
