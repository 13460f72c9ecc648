import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  differenceFromGolden,
  ModelStore,
  readGolden,
  writeGolden,
  type Golden,
  type GoldenAnswer,
  type StoredModel,
} from '../../../../services/store';
import { modelDraft, temporaryFolder, writeWeights } from '../../../support/data';
import { noise } from '../../../support/micro';

const folder = temporaryFolder();
const mask = Uint8Array.from({ length: 60 }, (_, at) => (at < 20 ? 1 : 0));
const golden: Golden = {
  source: 'sample',
  pixels: { data: noise(10, 6).data, width: 10, height: 6, channels: 3, sampleType: 'uint8' },
  answer: { masks: [{ mask, meanProbability: 0.25 }], probabilities: [] },
};

async function register(name: string, kept?: Golden): Promise<StoredModel> {
  const store = await ModelStore.open(folder);
  return store.registerModel(modelDraft(name), async (into) => {
    await writeWeights('w')(into);
    return kept ? { golden: await writeGolden(into, kept) } : {};
  });
}

test('a golden image is read back as it was written, and a version without one has none', async () => {
  expect(await readGolden(await register('with', golden))).toEqual(golden);
  expect(await readGolden(await register('without'))).toBeUndefined();
});

test.each(['golden.json', 'pixels.gz'])('a %s that changed is found', async (file) => {
  const stored = await register('changed', golden);
  writeFileSync(join(stored.folder, 'golden', file), '{}');
  await expect(readGolden(stored)).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
});

const drawn = (pixels: number, meanProbability: number): GoldenAnswer => ({
  masks: [{ mask: Uint8Array.from({ length: 60 }, (_, at) => (at < pixels ? 1 : 0)), meanProbability }],
  probabilities: [],
});
const classes = (...probabilities: number[]): Golden => ({ ...golden, answer: { masks: [], probabilities } });

test('answers within the tolerance agree, and others say what is wrong', () => {
  expect(differenceFromGolden(golden, drawn(20, 0.2505), 'float32')).toBeUndefined();
  expect(differenceFromGolden(golden, drawn(19, 0.25), 'float32')).toMatch(/mask 1 with a Dice of 0\.974/);
  expect(differenceFromGolden(golden, drawn(20, 0.26), 'float32')).toMatch(/probability of 0\.2600 instead of 0\.2500/);
  expect(differenceFromGolden(golden, drawn(20, NaN), 'float32')).toMatch(/NaN/);
  const sorted = classes(0.3, 0.7);
  expect(differenceFromGolden(sorted, classes(0.3005, 0.6995).answer, 'float32')).toBeUndefined();
  expect(differenceFromGolden(sorted, classes(0.31, 0.69).answer, 'float32')).toMatch(/class 1 .* 0\.3100/);
  expect(differenceFromGolden(sorted, golden.answer, 'float32')).toMatch(/another number/);
});

test('a base in reduced precision may be further off', () => {
  expect(differenceFromGolden(golden, drawn(19, 0.26), 'bfloat16')).toBeUndefined();
  expect(differenceFromGolden(golden, drawn(17, 0.25), 'bfloat16')).toMatch(/Dice/);
  expect(differenceFromGolden(classes(0.3, 0.7), classes(0.31, 0.69).answer, 'bfloat16')).toBeUndefined();
});
