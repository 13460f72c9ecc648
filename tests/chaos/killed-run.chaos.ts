// kill -9 of the worker, the service or both, at random moments of one run: weights and loss curve come out as if nothing had
// happened. AUTOMED_CHAOS_SEED draws other moments, AUTOMED_CHAOS_KILLS more of them.

import { temporaryFolder } from '../support/data';
import { compareUnderTorment } from '../support/tormented-run';

const root = temporaryFolder();
const seed = Number(process.env['AUTOMED_CHAOS_SEED'] ?? 1);
const kills = Number(process.env['AUTOMED_CHAOS_KILLS'] ?? 20);

/** More than the kills leave time for: a life tells each epoch in two events or more. */
const EPOCHS = kills * 5;

test(`a run that is killed ${kills} times equals the one that is not, bit for bit`, async () => {
  const { peaceful, tormented, victims } = await compareUnderTorment(root, {
    kills,
    epochs: EPOCHS,
    mostEvents: 8,
    seed,
  });
  process.stderr.write(`killed (seed ${seed}): ${victims.join(', ')}\n`);
  expect(victims).toHaveLength(kills);
  expect(peaceful.state).toBe('TRAINING_JOB_STATE_SUCCEEDED');
  expect(tormented.state).toBe('TRAINING_JOB_STATE_SUCCEEDED');
  expect(tormented.sha256).toBe(peaceful.sha256);
  expect(tormented.curve).toEqual(peaceful.curve);
  expect(tormented.curve).toHaveLength(EPOCHS);
  expect(tormented.sequences).toEqual(tormented.sequences.map((_, index) => index + 1));
  expect(tormented.versions).toBe(1);
});
