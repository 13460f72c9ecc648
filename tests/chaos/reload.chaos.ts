// An alias moves back and forth under load: no request fails, and the memory of versions that were left comes back.
// AUTOMED_CHAOS_CYCLES draws another number of moves.

import { setTimeout as sleep } from 'node:timers/promises';
import { segmentationClient } from '../support/api-clients';
import { temporaryFolder } from '../support/data';
import { residentMib, startProgram } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';

const cycles = Number(process.env['AUTOMED_CHAOS_CYCLES'] ?? 50);
const CALLERS = 3;
/** Moves before memory is first looked at: LibTorch and V8 take what they keep for good. */
const WARM_UP = 5;
/** Memory goes back after a pause, and V8 cleans up when it has nothing to do. */
const SETTLE_MS = 4_000;

const home = temporaryFolder();

test(`${cycles} reloads under load: no request fails, memory is back to within 5 %, and stays there in as many again`, async () => {
  const made = await makeStore(home);
  const { store } = made;
  for (const seed of [2, 3]) await made.addSegmentation('polyp', seed);
  await store.setAlias('polyp', 'production', 1);
  const { png } = await discImage(90, 70);
  const program = await startProgram('inference', {
    AUTOMED_HOME: home,
    AUTOMED_RESOLVE_TTL_MS: '50',
    AUTOMED_LOG_LEVEL: 'warn',
  });

  const failures: unknown[] = [];
  let answered = 0;
  let serving = 0;
  let stop = false;
  const caller = async (): Promise<void> => {
    const client = segmentationClient(program.address);
    while (!stop) {
      try {
        const { model } = await client.unary('Segment', { model: 'polyp@production', image: { encoded: png } });
        answered += 1;
        serving = model?.version ?? 0;
      } catch (error) {
        failures.push(error);
        await sleep(20);
      }
    }
    client.close();
  };
  const callers = Array.from({ length: CALLERS }, caller);
  const move = async (cycle: number): Promise<void> => {
    const version = (cycle % 2) + 1;
    await store.setAlias('polyp', 'production', version);
    while (serving !== version) await sleep(5);
  };
  for (let cycle = 1; cycle <= WARM_UP; cycle += 1) await move(cycle);
  await sleep(SETTLE_MS);
  const before = residentMib(program);
  const after: number[] = [];
  for (let cycle = WARM_UP + 1; cycle <= WARM_UP + 2 * cycles; cycle += 1) {
    await move(cycle);
    if ((cycle - WARM_UP) % cycles !== 0) continue;
    await sleep(SETTLE_MS);
    after.push(residentMib(program));
  }
  stop = true;
  await Promise.all(callers);

  const memory = [before, ...after].map((mib) => mib.toFixed(0)).join(', ');
  process.stderr.write(
    `${answered} answered, ${failures.length} failed; MiB before, after ${cycles} reloads and after ${2 * cycles}: ${memory}\n`,
  );
  expect(failures).toEqual([]);
  expect(after).toHaveLength(2);
  for (const each of after) expect(each).toBeLessThan(before * 1.05);
  await program.stop();
});
