import { maskOverlap } from '../../../../services/scoring/metrics/metrics';
import { DEMO_DATA, TEST_OFFSET, writeDemoData } from '../../../../services/synthetic/demo-data';
import { readClassificationFolder, readSegmentationFolder } from '../../../../services/datasets/layouts/data-folder';
import { decodeSample } from '../../../../services/datasets/load/load-samples';
import {
  LESION_CLASSES,
  syntheticLesion,
  type SyntheticLesion,
} from '../../../../services/synthetic/synthetic-lesions';
import { temporaryFolder } from '../../../support/data';

/** Otsu's threshold: the grey level that separates the histogram into the two most distinct halves. */
function otsuThreshold(grey: Uint8Array): number {
  const histogram = new Float64Array(256);
  for (const level of grey) histogram[level]! += 1 / grey.length;
  const total = histogram.reduce((sum, share, level) => sum + share * level, 0);
  let [weight, mean, best, threshold] = [0, 0, -1, 0];
  histogram.forEach((share, level) => {
    weight += share;
    mean += share * level;
    if (weight <= 0 || weight >= 1) return;
    const between = (total * weight - mean) ** 2 / (weight * (1 - weight));
    if (between > best) [best, threshold] = [between, level];
  });
  return threshold;
}

// Jest's sandbox makes every look at a global slow.
const { round } = Math;

function greyOf({ image, width, height }: SyntheticLesion): Uint8Array {
  const grey = new Uint8Array(width * height);
  for (let at = 0; at < grey.length; at += 1) {
    grey[at] = round(0.299 * image[at * 3]! + 0.587 * image[at * 3 + 1]! + 0.114 * image[at * 3 + 2]!);
  }
  return grey;
}

/** Dice of Otsu's mask, of the dark side or of whichever side fits the true mask better. */
function otsuDice(lesion: SyntheticLesion): { dark: number; oracle: number } {
  const grey = greyOf(lesion);
  const threshold = otsuThreshold(grey);
  const sides = [grey.map((level) => (level <= threshold ? 1 : 0)), grey.map((level) => (level > threshold ? 1 : 0))];
  const [dark = 0, bright = 0] = sides.map((side) => maskOverlap(side, lesion.mask).dice);
  return { dark, oracle: Math.max(dark, bright) };
}

const unseen = (index: number): SyntheticLesion =>
  syntheticLesion(DEMO_DATA.seed, TEST_OFFSET + index, LESION_CLASSES[index % 3]!);

describe('synthetic lesions', () => {
  it('are the same for the same seed and number, and differ otherwise', () => {
    const first = syntheticLesion(1, 2, 'round');
    expect(Buffer.compare(syntheticLesion(1, 2, 'round').image, first.image)).toBe(0);
    expect(Buffer.compare(syntheticLesion(1, 3, 'round').image, first.image)).not.toBe(0);
    expect(Buffer.compare(syntheticLesion(2, 2, 'round').image, first.image)).not.toBe(0);
  });

  it('cover a small part of the picture and lie inside it', () => {
    for (let index = 0; index < 12; index += 1) {
      const { mask, width, height } = unseen(index);
      const area = mask.reduce((sum, value) => sum + value, 0) / (width * height);
      expect(mask).toHaveLength(width * height);
      expect(area).toBeGreaterThan(0.02);
      expect(area).toBeLessThan(0.35);
    }
  });

  it('are not found by thresholding: Otsu stays below 0.5 mDSC even when told which side the lesion is on', () => {
    const dices = Array.from({ length: DEMO_DATA.testCount }, (_, index) => otsuDice(unseen(index)));
    const mean = (side: 'dark' | 'oracle'): number => dices.reduce((sum, dice) => sum + dice[side], 0) / dices.length;
    expect(mean('oracle')).toBeLessThan(0.5);
    expect(mean('dark')).toBeLessThan(0.3);
  }, 60_000);
});

describe('the demonstration set', () => {
  const folder = temporaryFolder();

  it('is written as both layouts, with masks that fit, and kept when complete', async () => {
    const options = { seed: 5, trainCount: 6, testCount: 3 };
    const { segmentation, classification } = await writeDemoData(folder, options);
    const segments = await readSegmentationFolder(segmentation);
    const classes = await readClassificationFolder(classification);
    expect([segments.parts.train.length, segments.parts.test.length, segments.problems]).toEqual([6, 3, []]);
    expect([classes.parts.train.length, classes.parts.test.length]).toEqual([6, 3]);
    expect(classes.classes).toEqual([...LESION_CLASSES]);
    const { masks } = await decodeSample(segments.parts.train[0]!);
    expect(Buffer.compare(Buffer.from(masks!), Buffer.from(syntheticLesion(5, 0, LESION_CLASSES[0]).mask))).toBe(0);
    const written: number[] = [];
    await writeDemoData(folder, options, (done) => written.push(done));
    expect(written).toEqual([]);
    await writeDemoData(folder, { ...options, trainCount: 3 }, (done) => written.push(done));
    expect(written).toHaveLength(6);
  });
});
