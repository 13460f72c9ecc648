// A person clicks while the replicas that answer are killed: prompts live with the caller, the other replica goes on, and every
// mask is bit for bit what it would have been. AUTOMED_CHAOS_KILLS draws another number of rounds, AUTOMED_CHAOS_SEED other moments.

import { AutomedClient } from '../../services/client';
import { draws } from '../support/chaos';
import { temporaryFolder } from '../support/data';
import { startProgram, type Program } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';

const rounds = Number(process.env['AUTOMED_CHAOS_KILLS'] ?? 20);
const random = draws(Number(process.env['AUTOMED_CHAOS_SEED'] ?? 1));
const CLICKS = 20;
const SIDE = { width: 90, height: 70 };

const home = temporaryFolder();

interface Click {
  xPx: number;
  yPx: number;
  label: 'POINT_LABEL_FOREGROUND' | 'POINT_LABEL_BACKGROUND';
}

test(`${rounds} sessions of ${CLICKS} clicks, a replica killed in the middle of each: no click is lost, no mask differs`, async () => {
  await makeStore(home);
  const replica = (changes: Record<string, string> = {}): Promise<Program> =>
    startProgram('inference', { AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'warn', ...changes });
  const replicas = await Promise.all([replica(), replica()]);
  const gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: replicas.map(({ address }) => address).join(),
    AUTOMED_CLASSIFICATION_BACKENDS: '',
    AUTOMED_TRAINING_BACKENDS: '',
    AUTOMED_LOG_LEVEL: 'error',
  });
  const client = new AutomedClient(gateway.address, { attempts: 20 });
  const { png } = await discImage(SIDE.width, SIDE.height);
  const image = { encoded: png };

  let answered = 0;
  let different = 0;
  for (let round = 0; round < rounds; round += 1) {
    const clicks = Array.from({ length: CLICKS }, (): Click => {
      const label = random() < 0.7 ? 'POINT_LABEL_FOREGROUND' : 'POINT_LABEL_BACKGROUND';
      return { xPx: random() * SIDE.width, yPx: random() * SIDE.height, label };
    });
    const session = async (before: (click: number) => Promise<void>): Promise<string[]> => {
      const prompted = client.interactive.open({ model: 'tiny', image });
      const masks: string[] = [];
      for (let click = 0; click < CLICKS; click += 1) {
        await before(click);
        const { masks: found } = await prompted.predictMasks({ points: clicks.slice(0, click + 1) });
        masks.push(found.map(({ mask, predictedIou }) => `${mask?.png?.toString('base64')} ${predictedIou}`).join());
      }
      return masks;
    };
    const expected = await session(() => Promise.resolve());
    const victim = round % replicas.length;
    const at = Math.floor(random() * CLICKS);
    let again: Promise<Program> | undefined;
    const masks = await session(async (click) => {
      if (click !== at) return;
      const { address } = replicas[victim]!;
      // Not before it is gone: the address is taken again.
      await replicas[victim]!.stop('SIGKILL');
      again = replica({ AUTOMED_ADDRESS: address });
    });
    answered += masks.length;
    different += masks.filter((mask, click) => mask !== expected[click]).length;
    replicas[victim] = await again!;
  }
  process.stderr.write(`${answered} of ${rounds * CLICKS} clicks answered, ${different} masks differ\n`);
  expect({ answered, different }).toEqual({ answered: rounds * CLICKS, different: 0 });
  client.close();
  await gateway.stop();
  await Promise.all(replicas.map((each) => each.stop()));
});
