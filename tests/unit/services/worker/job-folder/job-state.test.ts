import { existsSync, mkdirSync, mkdtempSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  checkpointPath,
  clearJob,
  EMBEDDINGS_FILE,
  openJob,
  resumePoint,
  runDigest,
  saveJob,
  type JobState,
} from '../../../../../services/worker/job-folder/job-state';
import { temporaryFolder } from '../../../../support/data';

const root = temporaryFolder();
const run = runDigest({ seed: 1 });

const metrics = (epoch: number) => ({ epoch, trainLoss: 1, validationLoss: 1, learningRate: 1, score: 1 });

const stateOf = (changes: Partial<JobState>): JobState => ({
  run,
  jobId: 'job',
  phase: 'training',
  epochs: 0,
  bestEpoch: 0,
  history: Array.from({ length: changes.epochs ?? 0 }, (_, at) => metrics(at + 1)),
  ...changes,
});

/** A job folder with these checkpoints. */
function folderWith(...checkpoints: [epoch: number, steps?: number][]): string {
  const folder = mkdtempSync(join(root, 'job-'));
  for (const [epoch, steps] of checkpoints) writeFileSync(checkpointPath(folder, epoch, steps), '');
  return folder;
}

const namesIn = (folder: string): string[] => readdirSync(folder).sort();

describe('the state of a job', () => {
  it('names the checkpoint to resume from and keeps that and the best one', async () => {
    const folder = folderWith([1], [2], [3]);
    await saveJob(folder, stateOf({ epochs: 3, bestEpoch: 1 }));
    expect(namesIn(folder)).toEqual(['checkpoint-1.pt', 'checkpoint-3.pt', 'state.json']);
    expect(await openJob(folder, run, true)).toMatchObject({ epochs: 3, bestEpoch: 1, jobId: 'job' });
  });

  it('names a checkpoint within an epoch, beside the best', async () => {
    const folder = folderWith([1], [2], [3, 10], [3, 20]);
    const partial = { steps: 20, images: 160, lossSum: 12.300000000000001 };
    await saveJob(folder, stateOf({ epochs: 2, bestEpoch: 1, partial }));
    expect(namesIn(folder)).toEqual(['checkpoint-1.pt', 'checkpoint-3-20.pt', 'state.json']);
    const state = await openJob(folder, run, true);
    expect(state.partial).toEqual(partial);
    expect(resumePoint(state)).toBe('checkpoint-3-20.pt');
  });

  it('keeps as many more as it is told to, the newest first', async () => {
    const folder = folderWith([1], [2], [3], [4], [5]);
    await saveJob(folder, stateOf({ epochs: 5, bestEpoch: 2 }), 2);
    expect(namesIn(folder).slice(0, -1)).toEqual([2, 3, 4, 5].map((epoch) => `checkpoint-${epoch}.pt`));
  });

  it('drops what a process left that died before it named its checkpoint, or while it wrote one', async () => {
    const folder = folderWith([1], [2, 5]);
    await saveJob(folder, stateOf({ epochs: 1, bestEpoch: 1, partial: { steps: 5, images: 40, lossSum: 1 } }));
    for (const [epoch, steps] of [[2, 10], [2]] as [number, number?][]) {
      writeFileSync(checkpointPath(folder, epoch, steps), '');
    }
    writeFileSync(join(folder, '.checkpoint-2-15.pt.0123456789abcdef.tmp'), 'half');
    expect(resumePoint(await openJob(folder, run, true))).toBe('checkpoint-2-5.pt');
    expect(namesIn(folder)).toEqual(['checkpoint-1.pt', 'checkpoint-2-5.pt', 'state.json']);
  });

  it('is refused by a run with other numbers', async () => {
    const folder = folderWith([1]);
    await saveJob(folder, stateOf({ epochs: 1, bestEpoch: 1 }));
    await expect(openJob(folder, runDigest({ seed: 2 }), true)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('is refused when it is damaged, or a checkpoint that it names is gone', async () => {
    const folder = folderWith([2]);
    await saveJob(folder, stateOf({ epochs: 2, bestEpoch: 1 }));
    await expect(openJob(folder, run, true)).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      message: expect.stringContaining('checkpoint-1.pt'),
    });
    writeFileSync(join(folder, 'state.json'), '{"run":');
    await expect(openJob(folder, run, true)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT', field: 'resume' });
  });

  it('is deleted when the run starts over, and embeddings are not: they know what they are of', async () => {
    const folder = folderWith([1]);
    writeFileSync(join(folder, EMBEDDINGS_FILE), '');
    await saveJob(folder, stateOf({ epochs: 1, bestEpoch: 1 }));
    expect(await openJob(folder, run, false)).toMatchObject({ epochs: 0, history: [] });
    expect(namesIn(folder)).toEqual([EMBEDDINGS_FILE]);
  });

  it('keeps the id of its job over a resumption, unless another is given', async () => {
    const folder = join(root, 'new');
    const fresh = await openJob(folder, run, true);
    await saveJob(folder, fresh);
    expect(await openJob(folder, run, true)).toEqual(fresh);
    expect((await openJob(folder, run, true, 'given')).jobId).toBe('given');
    expect((await openJob(join(root, 'other'), run, false)).jobId).not.toBe(fresh.jobId);
  });

  it('leaves nothing of its own in the folder in the end', async () => {
    const folder = folderWith([1], [2, 3]);
    for (const name of [EMBEDDINGS_FILE, `${EMBEDDINGS_FILE}.index`]) writeFileSync(join(folder, name), '');
    mkdirSync(join(folder, 'notes'));
    await saveJob(folder, stateOf({ epochs: 1, bestEpoch: 1 }));
    await clearJob(folder);
    expect(namesIn(folder)).toEqual(['notes']);
    expect(existsSync(folder)).toBe(true);
  });
});
