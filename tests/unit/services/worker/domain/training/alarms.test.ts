// Four poisoned sets and the model that each of them makes, four sound ones: the files are real, what a model draws is drawn here.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { maskOverlap } from '../../../../../../services/scoring/metrics/metrics';
import { decodeSample } from '../../../../../../services/datasets/load/load-samples';
import type { Sample } from '../../../../../../services/datasets/samples/sample';
import { alarmsOf, type AlarmContext } from '../../../../../../services/worker/domain/training/alarms';
import { temporaryFolder } from '../../../../../support/data';
import { GREY, png } from '../../../../../support/images';

const SIZE = 32;
const folder = temporaryFolder();

type Disc = [x: number, y: number, radius: number];

function draw(discs: readonly Disc[]): Uint8Array {
  return Uint8Array.from({ length: SIZE * SIZE }, (_, at) =>
    discs.some(([x, y, radius]) => Math.hypot((at % SIZE) - x, Math.floor(at / SIZE) - y) < radius) ? 1 : 0,
  );
}

function write(name: string, mask: Uint8Array): string {
  mkdirSync(folder, { recursive: true });
  const path = join(folder, `${name}.png`);
  writeFileSync(path, png(SIZE, SIZE, GREY, 8, Buffer.from(mask.map((value) => 255 * value))));
  return path;
}

/** A sample for each mask; of one image where they share its name. */
function samplesOf(set: string, objects: readonly { image: number; discs: readonly Disc[] }[]): Sample[] {
  return objects.map(({ image, discs }, at) => {
    const all = objects.filter((other) => other.image === image).flatMap((other) => other.discs);
    const mask = write(`${set}-mask-${at}`, draw(discs));
    return {
      name: `images/${set}-${image}-${at}`,
      imagePath: write(`${set}-image-${image}`, draw(all)),
      masks: [{ paths: [mask] }],
    };
  });
}

interface Options {
  leaking?: readonly number[];
  followsPrompts?: boolean;
  early?: boolean;
}

/** What is found wrong with a model that draws so on the validation samples. */
async function diagnose(
  samples: readonly Sample[],
  model: (truth: Uint8Array, at: number) => Uint8Array,
  { leaking = [], followsPrompts = false, early = false }: Options = {},
) {
  const truths = await Promise.all(samples.map(async (sample) => (await decodeSample(sample)).masks as Uint8Array));
  const drawn = truths.map(model);
  const context: AlarmContext = {
    trainer: { predictMasks: (_part, index) => Promise.resolve(drawn[index] as Uint8Array) },
    samples,
    foreground: truths.map((mask) => mask.reduce((sum, value) => sum + value, 0) / mask.length),
    leaking: new Set(leaking.map((at) => samples[at]?.name ?? '')),
    followsPrompts,
  };
  const outcomes = drawn.map((mask, index) => ({
    ...{ index, loss: 0.5, point: null, probabilities: null, label: null },
    structures: [maskOverlap(mask, truths[index] as Uint8Array)],
  }));
  return alarmsOf(context, outcomes, early);
}

const DISCS = Array.from({ length: 10 }, (_, image) => ({ image, discs: [[8 + image, 12, 5]] as Disc[] }));
const TWO_EACH = Array.from({ length: 12 }, (_, at) => ({
  image: Math.floor(at / 2),
  discs: [[at % 2 === 0 ? 8 : 24, 16, 5]] as Disc[],
}));
const MOSTLY_EMPTY = DISCS.map((each, at) => (at < 6 ? { ...each, discs: [] } : each));
const SOME_EMPTY = DISCS.map((each, at) => (at < 1 ? { ...each, discs: [] } : each));
const TINY = DISCS.map(({ image }) => ({ image, discs: [[8 + image, 12, 1]] as Disc[] }));

const nothing = () => new Uint8Array(SIZE * SIZE);
const well = (truth: Uint8Array) => truth;
/** Right on empty images, half of each disc on others. */
const half = (truth: Uint8Array) => truth.map((value, at) => (at % 2 === 0 ? value : 0));

test('prompt-deaf: every prompt of an image gives the same mask', async () => {
  const samples = samplesOf('deaf', TWO_EACH);
  const both = () =>
    draw([
      [8, 16, 5],
      [24, 16, 5],
    ]);
  const [alarm, ...others] = await diagnose(samples, both, { followsPrompts: true });
  expect(alarm).toMatchObject({
    kind: 'prompt-deaf',
    value: 1,
    advice: expect.stringMatching(/IoU 1\.00 over 6 pairs/),
  });
  expect(others).toEqual([]);
});

test('draws nothing: masks that scaling made too small to be learnt', async () => {
  const [alarm, ...others] = await diagnose(samplesOf('tiny', TINY), nothing);
  expect(alarm).toMatchObject({ kind: 'draws-nothing', value: 1, advice: expect.stringMatching(/on 100 % of/) });
  expect(others).toEqual([]);
});

test('groups leak: validation images whose patients are in training, too', async () => {
  const [alarm, ...others] = await diagnose(samplesOf('leak', DISCS), well, { leaking: [0, 3, 4], early: true });
  expect(alarm).toMatchObject({ kind: 'groups-leak', value: 0.3, advice: expect.stringMatching(/^30 % of/) });
  expect(others).toEqual([]);
});

test('empty slices flatter: what is right on empty images hides what is not on others', async () => {
  const [alarm, ...others] = await diagnose(samplesOf('empty', MOSTLY_EMPTY), half, { early: true });
  expect(alarm).toMatchObject({ kind: 'empty-slices-flatter', advice: expect.stringMatching(/6 of 10 are empty/) });
  const { value = 0 } = alarm ?? {};
  // 6 of 10 images have a Dice of 1 beside about two thirds of those that show something.
  expect(value).toBeCloseTo(0.6 * (1 / 3), 1);
  expect(others).toEqual([]);
});

test.each([
  ['two objects in each image, each drawn alone', TWO_EACH, well, { followsPrompts: true }],
  ['small discs that are drawn', TINY, well, {}],
  ['images of which one in ten is empty', SOME_EMPTY, half, {}],
  ['discs whose groups are kept', DISCS, half, {}],
])('nothing is found wrong with a sound set: %s', async (name, objects, model, options) => {
  expect(await diagnose(samplesOf(`sound ${name}`.replaceAll(' ', '-'), objects), model, options)).toEqual([]);
});

test('a model that has only begun is not judged by what it draws, and one that draws elsewhere draws something', async () => {
  const samples = samplesOf('begun', DISCS);
  expect(await diagnose(samples, nothing, { early: true })).toEqual([]);
  expect(await diagnose(samples, () => draw([[30, 30, 2]]))).toEqual([]);
});
