import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { checkpointPath, openJob, runDigest, saveJob } from '../../../../../services/training/domain/job-state';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();
const run = runDigest({ seed: 1 });

describe('the state of a job', () => {
  it('names the checkpoint to resume from and keeps that and the best one', async () => {
    for (const epoch of [1, 2, 3]) writeFileSync(checkpointPath(folder, epoch), '');
    await saveJob(folder, { run, epochs: 3, bestEpoch: 1, history: [] });
    expect([1, 2, 3].map((epoch) => existsSync(checkpointPath(folder, epoch)))).toEqual([true, false, true]);
    expect(await openJob(folder, run, true)).toMatchObject({ epochs: 3, bestEpoch: 1 });
  });

  it('is refused by a run with other numbers', async () => {
    await expect(openJob(folder, runDigest({ seed: 2 }), true)).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  });

  it('is deleted when the run starts over', async () => {
    expect(await openJob(folder, run, false)).toMatchObject({ epochs: 0, history: [] });
    expect(existsSync(checkpointPath(folder, 3))).toBe(false);
    expect(existsSync(join(folder, 'state.json'))).toBe(false);
  });
});
