// What is kept of a frozen encoder must not change what a run learns.

import { existsSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Trainer, type EmbeddingStats, type TrainerOptions } from '../../../../native/lib';
import {
  makeMicroFiles,
  MICRO_AUTOSAM,
  MICRO_CLASSIFICATION,
  noise,
  trainerOptions,
  type MicroFiles,
} from '../../../support/micro';
import { addSquares } from '../../../support/squares';

let files: MicroFiles;
let caches = 0;
const open: Trainer[] = [];

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((trainer) => trainer.close()));
});
afterAll(() => files.remove());

const CLASSIFICATION = { task: 'classification', headArchitecture: MICRO_CLASSIFICATION } as const;
/** 16 x 4 x 4 float32, and its record. */
const EMBEDDING_BYTES = 1024 + 40;

async function make(changes: Partial<TrainerOptions> = {}, count = 6): Promise<Trainer> {
  const options = trainerOptions(files, changes);
  const trainer = await Trainer.create(options);
  open.push(trainer);
  if (options.task === 'segmentation') {
    await addSquares(trainer, 'train', count);
    await addSquares(trainer, 'validation', 2);
  } else {
    for (let n = 0; n < count; n++) await trainer.addClassificationSample('train', noise(64, 64, n + 1), n % 3);
    for (let n = 0; n < 2; n++) await trainer.addClassificationSample('validation', noise(64, 64, n + 50), n % 3);
  }
  return trainer;
}

const cache = (count = 1000): Partial<TrainerOptions> => ({
  embeddingCachePath: join(files.folder, `embeddings-${(caches += 1)}`),
  embeddingCacheBytes: count * EMBEDDING_BYTES,
  baseSha256: 'a'.repeat(64),
});

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < steps; i++) values.push((await trainer.train(1)).loss);
  return values;
}

const stats = async (trainer: Trainer): Promise<EmbeddingStats> => (await trainer.embeddingStats())!;

describe('kept embeddings', () => {
  it.each([
    ['segmentation with flips', 50, { horizontalFlip: true, verticalFlip: true }],
    ['segmentation with rotation by fixed angles', 20, { rotationDegrees: 30, rotationSteps: 3 }],
    ['classification', 50, { ...CLASSIFICATION, horizontalFlip: true }],
    ['a base that learns to follow prompts', 6, { headArchitecture: null }],
  ] as [string, number, Partial<TrainerOptions>][])(
    'change nothing of the losses nor of the scores: %s, %i steps',
    async (_, steps, changes) => {
      // One after the other: dropout draws from the random state of the process, which a new trainer seeds.
      const plain = await make(changes);
      const expected = await losses(plain, steps);
      const kept = await make({ ...changes, ...cache() });
      // On a CPU the encoder computes image by image either way, so that they agree to the last bit.
      expect(await losses(kept, steps)).toEqual(expected);
      expect(await kept.evaluate('validation')).toEqual(await plain.evaluate('validation'));
      const { hits, misses, kept: count } = await stats(kept);
      expect(misses).toBe(count);
      expect(hits).toBeGreaterThan(0);
      expect(await plain.embeddingStats()).toBeNull();
    },
  );

  it('are computed once for each image and flip, and serve evaluation too', async () => {
    const trainer = await make(cache());
    await losses(trainer, 6);
    expect(await stats(trainer)).toMatchObject({ kept: 6, hits: 6, misses: 6, capacity: 1000, problem: null });
    // The validation images are two of the training images.
    await trainer.evaluate('validation');
    await trainer.predictMasks('validation', 1);
    expect(await stats(trainer)).toMatchObject({ kept: 6, hits: 9, misses: 6 });
  });

  it('are as many for each image as the augmentation has ways to show it', async () => {
    for (const [changes, ways] of [
      [{ rotationDegrees: 40, rotationSteps: 2 }, 2],
      [{ horizontalFlip: true, verticalFlip: true }, 4],
    ] as const) {
      const trainer = await make({ ...changes, ...cache(), batchSize: 2 }, 2);
      await losses(trainer, 20);
      expect(await stats(trainer)).toMatchObject({ kept: 2 * ways, misses: 2 * ways, hits: 40 - 2 * ways });
    }
  });

  it('outlive the process, and a resumed run learns from them what it would have learned', async () => {
    const changes = { ...cache(), horizontalFlip: true };
    const checkpoint = join(files.folder, 'kept-checkpoint');
    const first = await make(changes);
    await losses(first, 2);
    await first.saveCheckpoint(checkpoint);
    const expected = await losses(first, 8);
    await first.close();
    const again = await make(changes);
    await again.loadCheckpoint(checkpoint);
    expect(await losses(again, 8)).toEqual(expected);
    expect((await stats(again)).misses).toBe(0);
  });

  it('of another base are not used', async () => {
    const changes = cache();
    const first = await make(changes);
    await losses(first, 3);
    await first.close();
    const other = await make({ ...changes, baseSha256: 'b'.repeat(64) });
    await losses(other, 3);
    expect(await stats(other)).toMatchObject({ kept: 6, hits: 0 });
  });

  it.each([
    ['another angle', { rotationDegrees: 5, rotationSteps: 3 }, { rotationDegrees: 40, rotationSteps: 3 }],
    ['other steps of an angle', { rotationDegrees: 30, rotationSteps: 3 }, { rotationDegrees: 30, rotationSteps: 5 }],
    ['other flips', { horizontalFlip: true }, { horizontalFlip: true, verticalFlip: true }],
  ] as [string, Partial<TrainerOptions>, Partial<TrainerOptions>][])(
    'of %s are not used: the run learns what it would learn without them',
    async (_, before, changes) => {
      const kept = cache();
      const first = await make({ ...before, ...kept });
      await losses(first, 10);
      await first.close();
      const alone = await make(changes);
      const expected = await losses(alone, 10);
      await alone.close();
      expect(await losses(await make({ ...changes, ...kept }), 10)).toEqual(expected);
    },
  );

  it('that a crash or a damaged disk tore are computed again', async () => {
    const changes = cache();
    const first = await make(changes);
    const expected = await losses(first, 3);
    await first.close();
    truncateSync(changes.embeddingCachePath!, 2500);
    const again = await make(changes);
    expect(await losses(again, 3)).toEqual(expected);
    expect(await stats(again)).toMatchObject({ kept: 6, hits: 2, misses: 4 });
  });

  it('stay within their budget; the rest is computed each time', async () => {
    const changes = cache(4);
    const [plain, kept] = [await make(), await make(changes)];
    expect(await losses(kept, 9)).toEqual(await losses(plain, 9));
    expect(await stats(kept)).toMatchObject({ capacity: 4, kept: 4, hits: 8, misses: 10 });
    expect(readFileSync(changes.embeddingCachePath!).length).toBe(4 * 1024);
  });

  it('are those of evaluation alone when images are rotated freely', async () => {
    const trainer = await make({ ...cache(), rotationDegrees: 30 });
    await losses(trainer, 6);
    expect(await stats(trainer)).toMatchObject({ kept: 0, hits: 0, misses: 0 });
    for (let i = 0; i < 2; i++) await trainer.evaluate('validation');
    expect(await stats(trainer)).toMatchObject({ kept: 2, hits: 2, misses: 2 });
  });

  it('are none when the encoder learns, or is not used', async () => {
    const headArchitecture =
      '{"kind":"sam-medcls","features":"mobilenet","mobilenet":{"width":0.25,"se":"plain"},"classes":3}';
    for (const changes of [{ train: 'adapters' as const }, { ...CLASSIFICATION, headArchitecture }]) {
      const kept = cache();
      const trainer = await make({ ...changes, ...kept });
      expect(await trainer.embeddingStats()).toBeNull();
      expect(existsSync(kept.embeddingCachePath!)).toBe(false);
    }
    expect(await (await make({ headArchitecture: MICRO_AUTOSAM, ...cache() })).embeddingStats()).not.toBeNull();
  });
});
