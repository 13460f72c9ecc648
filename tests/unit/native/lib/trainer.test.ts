import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { Trainer, type AutomedError, type TrainerOptions } from '../../../../native/lib';
import { makeMicroFiles, MICRO_CLASSIFICATION, noise, trainerOptions, type MicroFiles } from '../../../support/micro';

let files: MicroFiles;
const open: Trainer[] = [];

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((trainer) => trainer.close()));
});
afterAll(() => files.remove());

async function make(changes: Partial<TrainerOptions> = {}): Promise<Trainer> {
  const trainer = await Trainer.create(trainerOptions(files, changes));
  open.push(trainer);
  return trainer;
}

const CLASSIFICATION = { task: 'classification', headArchitecture: MICRO_CLASSIFICATION } as const;

const failure = async (promise: Promise<unknown>): Promise<AutomedError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: AutomedError) => error,
  );

/** A bright square on noise, and its mask. */
async function addSquares(trainer: Trainer, split: 'train' | 'validation', count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const pixels = noise(64, 64, n + 1);
    const mask = new Uint8Array(64 * 64);
    for (let y = 0; y < 24; y++) {
      for (let x = 0; x < 24; x++) {
        const at = (y + 5 * (n % 6)) * 64 + x + 6 * (n % 5);
        mask[at] = 1;
        pixels.data.fill(255, at * 3, at * 3 + 3);
      }
    }
    await trainer.addSegmentationSample(split, pixels, mask);
  }
}

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < steps; i++) values.push((await trainer.train(1)).loss);
  return values;
}

const dice = async (trainer: Trainer): Promise<number> => {
  const results = await trainer.evaluate('validation');
  return results.reduce((sum, result) => sum + (result.dice ?? Number.NaN), 0) / results.length;
};

describe('training', () => {
  it('learns to find a bright square', async () => {
    const trainer = await make({ trainEncoder: true, learningRate: 3e-3, batchSize: 4 });
    await addSquares(trainer, 'train', 16);
    await addSquares(trainer, 'validation', 4);
    const before = await dice(trainer);
    await losses(trainer, 60);
    const after = await dice(trainer);
    expect(after).toBeGreaterThan(Math.max(0.7, before));
  });

  it('ends an epoch after every sample was seen once, the last batch being what is left', async () => {
    const trainer = await make({ batchSize: 2 });
    await addSquares(trainer, 'train', 5);
    expect(await trainer.train(2)).toMatchObject({ steps: 2, images: 4, epochDone: false });
    expect(await trainer.train(99)).toMatchObject({ steps: 1, images: 1, epochDone: true });
    expect(await trainer.train(1)).toMatchObject({ steps: 1, images: 2, epochDone: false });
  });

  it('repeats a run bit for bit with the same seed, and not with another', async () => {
    const run = async (seed: number): Promise<number[]> => {
      const trainer = await make({ ...CLASSIFICATION, seed, horizontalFlip: true, rotationDegrees: 40 });
      for (let n = 0; n < 6; n++) await trainer.addClassificationSample('train', noise(70, 60, n + 1), n % 3);
      return losses(trainer, 5);
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect(await run(2)).not.toEqual(first);
  });

  it('leaves a frozen encoder as it was and trains one that is not', async () => {
    for (const trainEncoder of [false, true]) {
      const trainer = await make({ trainEncoder });
      await addSquares(trainer, 'train', 4);
      await trainer.train(2);
      const base = join(files.folder, `base-${trainEncoder}.safetensors`);
      await trainer.exportWeights(join(files.folder, 'head.safetensors'), base);
      const encoder = (path: string): string => firstTensor(path, 'image_encoder.blocks.0.attn.qkv.weight');
      expect(encoder(base) === encoder(files.base)).toBe(!trainEncoder);
    }
  });

  it('stops when the loss is no number and says where', async () => {
    const trainer = await make({ trainEncoder: true, learningRate: 1e30 });
    await addSquares(trainer, 'train', 8);
    const error = await failure(trainer.train(4));
    expect([error.code, error.message]).toEqual(['ILLEGAL_STATE', expect.stringMatching(/epoch 1 at sample \d+/)]);
  });
});

describe('checkpoints', () => {
  it.each([
    ['segmentation with its encoder', { trainEncoder: true, horizontalFlip: true }],
    ['classification with dropout', { ...CLASSIFICATION, optimizer: 'adamw', weightDecay: 0.1, rotationDegrees: 40 }],
  ])('go on exactly as if the run had not stopped: %s', async (_, changes) => {
    const start = async (): Promise<Trainer> => {
      const trainer = await make(changes);
      if (trainerOptions(files, changes).task === 'segmentation') await addSquares(trainer, 'train', 7);
      else for (let n = 0; n < 7; n++) await trainer.addClassificationSample('train', noise(64, 64, n + 1), n % 3);
      return trainer;
    };
    const checkpoint = join(files.folder, 'checkpoint');
    const whole = await start();
    await losses(whole, 6); // into the second epoch
    await whole.saveCheckpoint(checkpoint);
    const expected = await losses(whole, 5);
    await whole.exportWeights(join(files.folder, 'whole'), null);
    const resumed = await start();
    await resumed.loadCheckpoint(checkpoint);
    expect(await losses(resumed, 5)).toEqual(expected);
    await resumed.exportWeights(join(files.folder, 'resumed'), null);
    expect(readFileSync(join(files.folder, 'resumed')).equals(readFileSync(join(files.folder, 'whole')))).toBe(true);
  });

  it('are refused when damaged, or made with other samples', async () => {
    const path = join(files.folder, 'damaged');
    const trainer = await make();
    await addSquares(trainer, 'train', 3);
    await trainer.saveCheckpoint(path);
    const other = await make();
    await addSquares(other, 'train', 4);
    expect((await failure(other.loadCheckpoint(path))).code).toBe('CHECKPOINT_MISMATCH');
    truncateSync(path, 2000);
    expect((await failure(trainer.loadCheckpoint(path))).code).toBe('CHECKPOINT_CORRUPT');
  });
});

describe('bad input', () => {
  it('refuses a mask of another size, a label out of range, an unknown split and an empty training set', async () => {
    const segmentation = await make();
    const mask = await failure(segmentation.addSegmentationSample('train', noise(8, 8), new Uint8Array(63)));
    expect([mask.name, mask.code, mask.field]).toEqual(['InvalidInputError', 'SHAPE_MISMATCH', 'mask']);
    const split = await failure(segmentation.addSegmentationSample('exam' as 'test', noise(8, 8), new Uint8Array(64)));
    expect([split.code, split.field]).toEqual(['INVALID_ARGUMENT', 'split']);
    expect((await failure(segmentation.train(1))).code).toBe('ILLEGAL_STATE');
    const classification = await make(CLASSIFICATION);
    const label = await failure(classification.addClassificationSample('train', noise(8, 8), 3));
    expect([label.code, label.field]).toEqual(['INVALID_ARGUMENT', 'label']);
  });

  it('refuses a head of the other task and an option out of range', async () => {
    expect((await failure(make({ task: 'classification' }))).code).toBe('WRONG_TASK');
    const batch = await failure(make({ batchSize: 0 }));
    expect([batch.code, batch.field]).toEqual(['INVALID_ARGUMENT', 'batchSize']);
    const optimizer = await failure(make({ optimizer: 'sgd' }));
    expect([optimizer.code, optimizer.field]).toEqual(['INVALID_ARGUMENT', 'optimizer']);
  });

  it('refuses to work after it was closed', async () => {
    const trainer = await make();
    await trainer.close();
    expect((await failure(trainer.train(1))).code).toBe('ILLEGAL_STATE');
  });
});

/** The bytes of one tensor of a safetensors file, as hex. */
function firstTensor(path: string, name: string): string {
  const file = readFileSync(path);
  const length = Number(file.readBigUInt64LE(0));
  const header = JSON.parse(file.subarray(8, 8 + length).toString()) as Record<
    string,
    { data_offsets: [number, number] }
  >;
  const [begin, end] = header[name]?.data_offsets ?? [0, 0];
  expect(end).toBeGreaterThan(begin);
  return file.subarray(8 + length + begin, 8 + length + end).toString('hex');
}
