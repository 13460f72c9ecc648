// An order of labels on made-up embeddings: where it helps and where it cannot, measured as for people.

import { Random } from '../../../../services/common/random';
import { orderLabels, statementOf, tooFewLabelled } from '../../../../services/next-labels/label-order';
import type { KeptImage } from '../../../../services/next-labels/kept-image';
import { simulate, smoothed, stepsTo, meanWithInterval } from '../../../../services/next-labels/simulation';

const { signal } = new AbortController();

function image(name: string, features: readonly number[], label: number, classes: number): KeptImage {
  const targets = new Float32Array(classes);
  targets[label] = 1;
  const rows = Float32Array.from(features);
  return { name, descriptor: rows.slice(), rows, count: 1, targets };
}

/** Of six clusters, two of which hold nearly all images: labels drawn at random miss the rare ones for long. */
function skewed(count: number): KeptImage[] {
  const random = new Random(5);
  return Array.from({ length: count }, (_, at) => {
    const label = random.chance(0.9) ? random.integer(0, 1) : random.integer(2, 5);
    const features = Array.from({ length: 8 }, (_each, k) => (k === label ? 3 : 0) + random.range(-0.5, 0.5));
    return image(`i${at}`, features, label, 6);
  });
}

/** Labels that the features say nothing of. */
function noise(count: number): KeptImage[] {
  const random = new Random(9);
  return Array.from({ length: count }, (_, at) => {
    const features = Array.from({ length: 4 }, () => random.range(-1, 1));
    return image(`n${at}`, features, random.integer(0, 3), 4);
  });
}

test('helps where some kinds of images are rare, and says with how many labels', async () => {
  const benefit = await simulate(skewed(300), { masks: false, signal });
  expect(benefit).toMatchObject({ helps: true, seeds: 5, poolCount: 210, testCount: 90, labels: 105 });
  expect(benefit.share).toBeLessThanOrEqual(0.75);
  expect(benefit.low).toBeLessThanOrEqual(benefit.share);
  expect(benefit.high).toBeLessThan(1);
  expect(statementOf(benefit)).toMatch(/^This order helps\. .* of the labels of random order .*95 % interval/);
});

test('says that it does not help where embeddings say nothing of the labels', async () => {
  const benefit = await simulate(noise(200), { masks: false, signal });
  expect(benefit.helps).toBe(false);
  expect(statementOf(benefit)).toMatch(/^This order does not help on this data set/);
});

test('the same images and seed give the same figures', async () => {
  const options = { masks: false, seed: 3, signal };
  expect(await simulate(skewed(120), options)).toEqual(await simulate(skewed(120), options));
});

test('asks for what is unlike the labelled images, and not for its copies', async () => {
  const labelled = skewed(40).map((each) => ({ ...each, name: `labelled ${each.name}` }));
  const rare = image('rare', [0, 0, 0, 0, 0, 0, 9, 9], 0, 6);
  const copies = ['copy 1', 'copy 2', 'copy 3'].map((name) => ({ ...image(name, [3, 0, 0, 0, 0, 0, 0, 0], 0, 6) }));
  const other = image('other', [0, 0, 0, 0, 0, 0, 9, -9], 0, 6);
  const options = { masks: false, count: 2, seed: 0, signal, onProgress: () => undefined };
  const order = await orderLabels(labelled, [...copies, rare, other], options);
  const names = order.images.map(({ name }) => name);
  expect(names).toContain('other');
  expect(names.filter((name) => name.startsWith('copy')).length).toBeLessThanOrEqual(1);
  expect(order).toMatchObject({ unlabelled: 5, labelled: 40, benefit: null });
  expect(tooFewLabelled(40)).toMatch(/was not measured: 40 images/);
});

test('groups are never on both sides, and progress ends where it was announced', async () => {
  const told: [number, number][] = [];
  const grouped = skewed(90).map((each, at) => ({ ...each, group: `patient ${Math.floor(at / 30)}` }));
  const onProgress = (done: number, total: number): void => void told.push([done, total]);
  const { poolCount, testCount } = await simulate(grouped, { masks: false, signal, onProgress });
  expect([poolCount, testCount]).toEqual([60, 30]);
  expect(told.at(-1)).toEqual([20, 20]);
});

test('ends when it is not wanted any more', async () => {
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  await expect(simulate(skewed(120), { masks: false, signal: stop.signal, onProgress })).rejects.toThrow(/abort/i);
});

test('steps to a score lie on the line between two points', () => {
  expect(stepsTo([0.5, 0.6, 0.8], 0.7)).toBeCloseTo(2.5, 12);
  expect(stepsTo([0.5, 0.6], 0.4)).toBe(1);
  expect(stepsTo([0.5, 0.6], 0.9)).toBe(2);
  expect(smoothed([0, 3, 6])).toEqual([1.5, 3, 4.5]);
});

test('the interval is that of Student over the seeds', () => {
  // Mean 3, deviation 1.5811, 5 values: 3 plus and minus 2.776 x 0.7071.
  const { share, low, high } = meanWithInterval([1, 2, 3, 4, 5]);
  expect(share).toBe(3);
  expect(low).toBeCloseTo(1.037, 3);
  expect(high).toBeCloseTo(4.963, 3);
});
