import { readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { initBase, Trainer, type AutomedError, type ProcessGroup, type TrainerOptions } from '../../../../native/lib';
import {
  makeMicroEngine,
  makeMicroFiles,
  MICRO_AUTOSAM,
  MICRO_BASE,
  MICRO_CLASSIFICATION,
  MICRO_SEGMENTATION,
  noise,
  trainerOptions,
  type MicroFiles,
} from '../../../support/micro';
import { readSafetensors } from '../../../support/pth';
import { addSquares } from '../../../support/squares';

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

const ENCODER_ONLY = '{"kind":"sam-medcls","features":"encoder","classes":3}';

const failure = async (promise: Promise<unknown>): Promise<AutomedError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: AutomedError) => error,
  );

/** How well one mask, prompted with the box of its square, agrees with it. */
async function singleMaskDice(base: string, architecture: string): Promise<number> {
  const { engine } = await makeMicroEngine(files);
  try {
    const loaded = await engine.loadBase(base, architecture);
    const pixels = noise(64, 64, 99);
    const inside = (at: number): boolean => at % 64 >= 12 && at % 64 < 36 && at >= 64 * 20 && at < 64 * 44;
    for (let at = 0; at < 64 * 64; at++) if (inside(at)) pixels.data.fill(255, at * 3, at * 3 + 3);
    const boxes = Float32Array.of(12, 20, 36, 44);
    const none = { points: null, labels: null, mask: null, multimask: false, threshold: 0.5 };
    const { masks } = await engine.predictMasks(loaded, pixels, { ...none, boxes });
    const drawn = masks[0]!.mask;
    let [both, sum] = [0, 24 * 24];
    for (let at = 0; at < 64 * 64; at++) {
      const on = drawn[at] === 1;
      sum += on ? 1 : 0;
      both += on && inside(at) ? 1 : 0;
    }
    return (2 * both) / sum;
  } finally {
    await engine.close();
  }
}

/** A bright square with a brighter one inside, and a mask of each. */
async function addNested(trainer: Trainer, split: 'train' | 'validation', n: number): Promise<void> {
  const pixels = noise(64, 64, n + 1);
  const masks = new Uint8Array(2 * 64 * 64);
  for (let y = 0; y < 28; y++) {
    for (let x = 0; x < 28; x++) {
      const at = (y + 5 * (n % 6)) * 64 + x + 6 * (n % 5);
      const inner = x >= 7 && x < 21 && y >= 7 && y < 21;
      masks[at] = 1;
      if (inner) masks[4096 + at] = 1;
      pixels.data.fill(inner ? 255 : 0, at * 3, at * 3 + 3);
    }
  }
  await trainer.addSegmentationSample(split, pixels, masks);
}

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < steps; i++) values.push((await trainer.train(1)).loss);
  return values;
}

const dice = async (trainer: Trainer): Promise<number> => {
  const results = await trainer.evaluate('validation');
  return results.reduce((sum, result) => sum + (result.structures?.[0]?.dice ?? Number.NaN), 0) / results.length;
};

describe('training', () => {
  it('learns to find a bright square', async () => {
    const trainer = await make({ train: 'encoder', learningRate: 3e-3, batchSize: 4 });
    await addSquares(trainer, 'train', 16);
    await addSquares(trainer, 'validation', 4);
    const before = await dice(trainer);
    await losses(trainer, 60);
    const after = await dice(trainer);
    expect(after).toBeGreaterThan(Math.max(0.7, before));
  });

  it('teaches a base to follow a box and a point, its point embeddings included', async () => {
    const trainer = await make({ headArchitecture: null, train: 'encoder', learningRate: 2e-3, batchSize: 4 });
    await addSquares(trainer, 'train', 16);
    await addSquares(trainer, 'validation', 4);
    const mean = async (): Promise<[number, number]> => {
      const results = await trainer.evaluate('validation');
      const of = (key: 'structures' | 'point'): number =>
        results.reduce((sum, result) => sum + (result[key]?.[0]?.dice ?? Number.NaN), 0) / results.length;
      return [of('structures'), of('point')];
    };
    const before = await mean();
    // 30 steps end on the steepest part of the curve, where rounding decides the score.
    await losses(trainer, 60);
    const after = await mean();
    expect(after[0]).toBeGreaterThan(Math.max(0.8, before[0]));
    expect(after[1]).toBeGreaterThan(Math.max(0.8, before[1]));
    const base = join(files.folder, 'prompted.safetensors');
    await trainer.exportWeights(null, base);
    for (const name of ['point_embeddings.0', 'point_embeddings.1', 'point_embeddings.2', 'not_a_point_embed']) {
      const key = `prompt_encoder.${name}.weight`;
      expect(firstTensor(base, key)).not.toBe(firstTensor(files.base, key));
    }
    const gaussian = 'prompt_encoder.pe_layer.positional_encoding_gaussian_matrix';
    expect(firstTensor(base, gaussian)).toBe(firstTensor(files.base, gaussian));
    expect((await failure(trainer.exportWeights(join(files.folder, 'no-head'), null))).code).toBe('ILLEGAL_STATE');
  });

  it('teaches a base without adapters the single mask that it answers with, as SAM does', async () => {
    const architecture = JSON.stringify({ ...JSON.parse(MICRO_BASE), adapter: false });
    const start = join(files.folder, 'sam.safetensors');
    await initBase(architecture, 5, start);
    const sam = { baseArchitecture: architecture, baseWeightsPath: start, headArchitecture: null } as const;
    const trainer = await make({ ...sam, train: 'encoder', learningRate: 2e-3, batchSize: 4 });
    await addSquares(trainer, 'train', 16);
    await losses(trainer, 30);
    const trained = join(files.folder, 'trained-sam.safetensors');
    await trainer.exportWeights(null, trained);
    const key = 'mask_decoder.output_hypernetworks_mlps.0.layers.0.weight';
    expect(firstTensor(trained, key)).not.toBe(firstTensor(start, key));
    const before = await singleMaskDice(start, architecture);
    expect(await singleMaskDice(trained, architecture)).toBeGreaterThan(Math.max(0.7, before));
  });

  it('learns two structures that overlap, and draws them both', async () => {
    const headArchitecture = MICRO_SEGMENTATION.replace('}}', '},"structures":2}');
    const trainer = await make({ headArchitecture, structures: 2, train: 'encoder', learningRate: 3e-3, batchSize: 4 });
    for (const [split, count] of [
      ['train', 16],
      ['validation', 4],
    ] as const) {
      for (let n = 0; n < count; n++) await addNested(trainer, split, n);
    }
    await losses(trainer, 80);
    const results = await trainer.evaluate('validation');
    const mean = (k: number): number =>
      results.reduce((sum, { structures }) => sum + (structures?.[k]?.dice ?? Number.NaN), 0) / results.length;
    expect(Math.min(mean(0), mean(1))).toBeGreaterThan(0.6);
    const masks = await trainer.predictMasks('validation', 0);
    expect(masks.length).toBe(2 * 64 * 64);
    const both = [...masks.subarray(0, 4096).keys()].filter((at) => masks[at] === 1 && masks[at + 4096] === 1);
    expect(both.length).toBeGreaterThan(20);
    const wrong = await failure(make({ headArchitecture, structures: 1 }));
    expect([wrong.code, wrong.field]).toEqual(['INVALID_ARGUMENT', 'structures']);
  });

  it('takes one optimiser step for several batches, and for what is left at the end of an epoch', async () => {
    const weights = async (trainer: Trainer): Promise<Buffer> => {
      const path = join(files.folder, 'accumulated');
      await trainer.exportWeights(path, null);
      return readFileSync(path);
    };
    const trainer = await make({
      ...CLASSIFICATION,
      headArchitecture: ENCODER_ONLY,
      accumulationSteps: 2,
      batchSize: 1,
    });
    for (let n = 0; n < 3; n++) await trainer.addClassificationSample('train', noise(64, 64, n + 1), n);
    const states = [await weights(trainer)];
    for (let n = 0; n < 3; n++) {
      await trainer.train(1);
      states.push(await weights(trainer));
    }
    expect(states.slice(1).map((state, n) => !state.equals(states[n] as Buffer))).toEqual([false, true, true]);
  });

  it('leaves everything of SAM as it is under AutoSAM, and refuses to train its encoder', async () => {
    const trainer = await make({ headArchitecture: MICRO_AUTOSAM });
    await addSquares(trainer, 'train', 4);
    await addSquares(trainer, 'validation', 2);
    await trainer.train(2);
    const base = join(files.folder, 'autosam-base.safetensors');
    await trainer.exportWeights(join(files.folder, 'autosam.safetensors'), base);
    expect(readFileSync(base).equals(readFileSync(files.base))).toBe(true);
    // Stretched to [0, 1] its map always has something above a half.
    for (const index of [0, 1]) expect((await trainer.predictMasks('validation', index)).includes(1)).toBe(true);
    const refused = await failure(make({ headArchitecture: MICRO_AUTOSAM, train: 'encoder' }));
    expect([refused.code, refused.field]).toEqual(['INVALID_ARGUMENT', 'train']);
  });

  it("starts AutoSAM's HarDNet from another's, and nothing else of it", async () => {
    const first = join(files.folder, 'hardnet.safetensors');
    await (await make({ headArchitecture: MICRO_AUTOSAM, seed: 1 })).exportWeights(first, null);
    const second = join(files.folder, 'hardnet-second.safetensors');
    const options = { headArchitecture: MICRO_AUTOSAM, seed: 2, backboneWeightsPath: first };
    await (await make(options)).exportWeights(second, null);
    const [given, taken] = [readSafetensors(first), readSafetensors(second)];
    const names = [...given.keys()];
    const differing = names.filter((name) => Buffer.compare(given.get(name)!.data, taken.get(name)!.data) !== 0);
    expect([...taken.keys()]).toEqual(names);
    expect(differing.filter((name) => name.startsWith('backbone.'))).toEqual([]);
    expect(differing).toContain('decoder.up1.conv1.weight');
    const refused = await failure(
      make({ ...CLASSIFICATION, headArchitecture: ENCODER_ONLY, backboneWeightsPath: first }),
    );
    expect([refused.code, refused.field]).toEqual(['INVALID_ARGUMENT', 'backboneWeightsPath']);
  });

  it('trains adapters only where there are some', async () => {
    const plain = join(files.folder, 'plain.safetensors');
    const baseArchitecture = MICRO_BASE.replace('"adapter":true', '"adapter":false');
    await initBase(baseArchitecture, 1, plain);
    const refused = await failure(make({ baseArchitecture, baseWeightsPath: plain, train: 'adapters' }));
    expect([refused.code, refused.field]).toEqual(['INVALID_ARGUMENT', 'train']);
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

  it('leaves a frozen encoder as it was, and trains its adapters alone or all of it', async () => {
    for (const part of ['head', 'adapters', 'encoder'] as const) {
      const trainer = await make({ train: part });
      await addSquares(trainer, 'train', 4);
      await trainer.train(2);
      const base = join(files.folder, `base-${part}.safetensors`);
      await trainer.exportWeights(join(files.folder, 'head.safetensors'), base);
      const same = (name: string): boolean => firstTensor(base, name) === firstTensor(files.base, name);
      expect(same('image_encoder.blocks.0.attn.qkv.weight')).toBe(part !== 'encoder');
      expect(same('image_encoder.blocks.0.Adapter.spatial.0.weight')).toBe(part === 'head');
    }
  });

  it('stops when the loss is no number and says where', async () => {
    const trainer = await make({ train: 'encoder', learningRate: 1e30 });
    await addSquares(trainer, 'train', 8);
    const error = await failure(trainer.train(4));
    expect([error.code, error.field]).toEqual(['ILLEGAL_STATE', 'loss']);
    const [, batch = '', samples = ''] = /epoch 1, batch (\d+) \(samples (\d+, \d+)\)/.exec(error.message) ?? [];
    expect(Number(batch)).toBeGreaterThan(1);
    expect((await trainer.recentSamples()).join(', ')).toBe(samples);
  });
});

describe('checkpoints', () => {
  it.each([
    ['segmentation with its encoder', { train: 'encoder', horizontalFlip: true }],
    ['gradients of several batches for a step', { accumulationSteps: 4, batchSize: 1 }],
    ['a base that learns to follow prompts', { headArchitecture: null, train: 'adapters' }],
    ['AutoSAM', { headArchitecture: MICRO_AUTOSAM }],
    ['classification with dropout', { ...CLASSIFICATION, optimizer: 'adamw', weightDecay: 0.1, rotationDegrees: 40 }],
  ] as [string, Partial<TrainerOptions>][])('go on exactly as if the run had not stopped: %s', async (_, changes) => {
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
    const paths = (name: string): [string | null, string | null] =>
      changes.headArchitecture === null ? [null, join(files.folder, name)] : [join(files.folder, name), null];
    await whole.exportWeights(...paths('whole'));
    const resumed = await start();
    await resumed.loadCheckpoint(checkpoint);
    expect(await losses(resumed, 5)).toEqual(expected);
    await resumed.exportWeights(...paths('resumed'));
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
    const optimizer = await failure(make({ optimizer: 'sgd' as 'adam' }));
    expect([optimizer.code, optimizer.field]).toEqual(['INVALID_ARGUMENT', 'optimizer']);
    expect(optimizer.message).toBe('optimizer must be adam or adamw');
    const misspelled = await failure(make({ learning_rate: 1 } as Partial<TrainerOptions>));
    expect([misspelled.code, misspelled.field]).toEqual(['INVALID_ARGUMENT', 'learning_rate']);
    const processGroup = { rank: 0, worldSize: 1, masterAddress: '', masterPort: 70_000 } as ProcessGroup;
    const port = await failure(make({ processGroup }));
    expect([port.code, port.field]).toEqual(['INVALID_ARGUMENT', 'masterPort']);
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
