// Mixed load for AUTOMED_SOAK_MINUTES (30): resident memory must not grow by more than the samples scatter.

import { setTimeout as sleep } from 'node:timers/promises';
import { AutomedClient } from '../../services/client';
import { temporaryFolder } from '../support/data';
import { residentMib, startProgram } from '../support/stack';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';

const minutes = Number(process.env['AUTOMED_SOAK_MINUTES'] ?? 30);
const SAMPLES = 60;
/** Of the time, before memory is looked at: caches fill, V8 and LibTorch take what they keep. */
const WARM_UP = 0.2;
const home = temporaryFolder();

/** Least squares: slope for each sample, and its standard error. */
function slopeOf(values: readonly number[]): { slope: number; error: number } {
  const count = values.length;
  const meanX = (count - 1) / 2;
  const meanY = values.reduce((sum, each) => sum + each, 0) / count;
  const spread = values.reduce((sum, _, x) => sum + (x - meanX) ** 2, 0);
  const slope = values.reduce((sum, y, x) => sum + (x - meanX) * (y - meanY), 0) / spread;
  const rest = values.reduce((sum, y, x) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  return { slope, error: Math.sqrt(rest / (count - 2) / spread) };
}

test(`${minutes} minutes of mixed load: no call fails, resident memory stays`, async () => {
  const made = await makeStore(home);
  await made.addSegmentation('polyp');
  await made.addClassification('tumour');
  const inference = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'warn' });
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
  await sleep(minutes * 60_000 * WARM_UP);
  const samples = { inference: [] as number[], gateway: [] as number[] };
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    await sleep((minutes * 60_000 * (1 - WARM_UP)) / SAMPLES);
    samples.inference.push(residentMib(inference));
    samples.gateway.push(residentMib(gateway));
  }
  await Promise.all(callers);
  for (const [name, values] of Object.entries(samples)) {
    const { slope, error } = slopeOf(values);
    const hourly = (each: number): string => ((each * SAMPLES * 60) / (minutes * (1 - WARM_UP))).toFixed(1);
    process.stderr.write(
      `${name}: ${values.at(-1)?.toFixed(0)} MiB, ${hourly(slope)} +- ${hourly(2 * error)} MiB an hour\n`,
    );
    // Samples of one process hang together, so that the error is too small: ten of them, or a hundredth of the memory.
    expect(slope * SAMPLES).toBeLessThan(Math.max(10 * error * SAMPLES, (values[0] ?? 0) / 100));
  }
  process.stderr.write(`${answered} answered in ${minutes} minutes\n`);
  client.close();
  await gateway.stop();
  await inference.stop();
});
