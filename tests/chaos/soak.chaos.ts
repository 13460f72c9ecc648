// Mixed load for AUTOMED_SOAK_MINUTES (30): the slope of resident memory must not be told from 0. `npm run test:soak` runs this alone.

import { setTimeout as sleep } from 'node:timers/promises';
import { AutomedClient } from '../../services/client';
import { temporaryFolder } from '../support/data';
import { childrenOf, residentMib, startProgram } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';

const minutes = Number(process.env['AUTOMED_SOAK_MINUTES'] ?? 30);
const SAMPLES = 60;
/** Neighbouring samples hang together; means of five of them hardly do. */
const TOGETHER = 5;
/** Student's t of 95 % for the 12 means and two parameters. */
const T_95 = 2.228;
/** Of the time, before memory is looked at: caches fill, V8 and LibTorch take what they keep. */
const WARM_UP = 0.2;
const TEARDOWN_MS = 5 * 60_000;
const home = temporaryFolder();

/** Least squares over the means of neighbouring samples: growth from the first sample to the last, and half its 95 % interval. */
function growthOf(samples: readonly number[]): { growth: number; half: number } {
  const means = Array.from({ length: SAMPLES / TOGETHER }, (_, at) =>
    mean(samples.slice(at * TOGETHER, (at + 1) * TOGETHER)),
  );
  const [middle, level] = [(means.length - 1) / 2, mean(means)];
  const spread = sum(means.map((_, x) => (x - middle) ** 2));
  const slope = sum(means.map((y, x) => (x - middle) * (y - level))) / spread;
  const rest = sum(means.map((y, x) => (y - level - slope * (x - middle)) ** 2));
  const error = Math.sqrt(rest / (means.length - 2) / spread);
  return { growth: slope * means.length, half: T_95 * error * means.length };
}

const sum = (values: readonly number[]): number => values.reduce((total, each) => total + each, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;

test(
  `${minutes} minutes of mixed load: no call fails, resident memory stays`,
  async () => {
    const made = await makeStore(home);
    await made.addSegmentation('polyp');
    await made.addClassification('tumour');
    const inference = await startProgram('inference', {
      AUTOMED_HOME: home,
      AUTOMED_LOG_LEVEL: 'warn',
      AUTOMED_DECODE_PROCESSES: '1',
    });
    const gateway = await startProgram('gateway', {
      AUTOMED_SEGMENTATION_BACKENDS: inference.address,
      AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
      AUTOMED_TRAINING_BACKENDS: '',
      AUTOMED_LOG_LEVEL: 'warn',
    });
    const client = new AutomedClient(gateway.address);
    const pictures = await Promise.all([90, 200, 400].map((side, seed) => discImage(side, side, seed)));
    const end = Date.now() + minutes * 60_000;
    let answered = 0;
    const callers = [0, 1, 2].map(async (kind) => {
      for (let call = 0; Date.now() < end; call += 1) {
        const image = { encoded: pictures[call % pictures.length]!.png };
        if (kind === 0) await client.segmentation.segment({ model: 'polyp', image });
        else if (kind === 1) await client.classification.classify({ model: 'tumour', image });
        else await client.interactive.predictMasks({ model: 'tiny', image, points: [{ xPx: call % 90, yPx: 40 }] });
        answered += 1;
      }
    });
    const load = Promise.all(callers);
    load.catch(() => undefined); // awaited below
    await sleep(minutes * 60_000 * WARM_UP);
    const samples = { inference: [] as number[], gateway: [] as number[], decoder: [] as number[] };
    const [decoder] = childrenOf(inference);
    for (let sample = 0; sample < SAMPLES; sample += 1) {
      await sleep((minutes * 60_000 * (1 - WARM_UP)) / SAMPLES);
      samples.inference.push(residentMib(inference));
      samples.gateway.push(residentMib(gateway));
      samples.decoder.push(residentMib({ child: { pid: decoder } }));
    }
    await load;
    for (const [name, values] of Object.entries(samples)) {
      const { growth, half } = growthOf(values);
      const told = [values[0], values.at(-1), growth - half, growth + half].map((each) => (each ?? 0).toFixed(1));
      process.stderr.write(
        `${name}: ${told[0]} to ${told[1]} MiB, growth with 95 % between ${told[2]} and ${told[3]} MiB\n`,
      );
      // Less than a hundredth is below what half an hour can tell from steps of the allocator.
      if (growth > (values[0] ?? 0) / 100) expect(growth - half).toBeLessThanOrEqual(0);
    }
    process.stderr.write(`${answered} answered in ${minutes} minutes\n`);
    client.close();
    await gateway.stop();
    await inference.stop();
  },
  minutes * 60_000 + TEARDOWN_MS,
);
