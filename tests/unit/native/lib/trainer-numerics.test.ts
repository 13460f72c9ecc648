// The numbers around a step: what is clipped, in which precision, and what batch norm evaluates with.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Trainer, type AutomedError, type TrainerOptions } from '../../../../native/lib';
import { makeMicroFiles, MICRO_CLASSIFICATION, noise, trainerOptions, type MicroFiles } from '../../../support/micro';
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

const failure = async (promise: Promise<unknown>): Promise<AutomedError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: AutomedError) => error,
  );

async function exported(trainer: Trainer): Promise<string> {
  const path = join(files.folder, 'exported.safetensors');
  await trainer.exportWeights(path, null);
  return path;
}

async function losses(trainer: Trainer, steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let i = 0; i < steps; i++) values.push((await trainer.train(1)).loss);
  return values;
}

const ENCODER_ONLY = '{"kind":"sam-medcls","features":"encoder","classes":3}';
const CLASSIFICATION = { task: 'classification', headArchitecture: MICRO_CLASSIFICATION } as const;

describe('gradient clipping', () => {
  /** Adam's first step hides the length of its gradient, the second does not. */
  async function trained(gradientClip: number): Promise<Buffer> {
    const trainer = await make({ gradientClip, learningRate: 1e-2 });
    await addSquares(trainer, 'train', 4);
    await losses(trainer, 2);
    return readFileSync(await exported(trainer));
  }

  it('changes what a step does when gradients are longer, and nothing when they are shorter', async () => {
    const free = await trained(0);
    expect((await trained(1e6)).equals(free)).toBe(true);
    expect((await trained(1e-3)).equals(free)).toBe(false);
  });

  it('is refused below 0', async () => {
    const error = await failure(make({ gradientClip: -1 }));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'gradientClip']);
  });
});

describe('a loss or a gradient that is not finite', () => {
  it('stops the run before it reaches the weights, and names what it was learning from', async () => {
    const options = { ...CLASSIFICATION, headArchitecture: ENCODER_ONLY, learningRate: 1e30 };
    const trainer = await make(options);
    for (let n = 0; n < 6; n++) await trainer.addClassificationSample('train', noise(64, 64, n + 1), n % 3);
    await trainer.train(1);
    const before = readFileSync(await exported(trainer));
    const error = await failure(trainer.train(2));
    expect([error.code, ['loss', 'gradient']]).toEqual(['ILLEGAL_STATE', expect.arrayContaining([error.field])]);
    expect(readFileSync(await exported(trainer)).equals(before)).toBe(true);
    expect(error.message).toContain(`batch 2 (samples ${(await trainer.recentSamples()).join(', ')})`);
  });
});

describe('mixed precision', () => {
  it('is refused where the device has none, and else learns; auto takes what there is', async () => {
    const automatic = await make({ precision: 'auto' });
    await addSquares(automatic, 'train', 2);
    expect(Number.isFinite((await automatic.train(1)).loss)).toBe(true);
    const outcome = await make({ precision: 'bf16' }).then(
      async (trainer) => {
        await addSquares(trainer, 'train', 2);
        return (await trainer.train(1)).loss;
      },
      (error: AutomedError) => [error.code, error.field],
    );
    if (typeof outcome === 'number') expect(Number.isFinite(outcome)).toBe(true);
    else expect(outcome).toEqual(['DEVICE_UNAVAILABLE', 'precision']);
    const unknown = await failure(make({ precision: 'half' }));
    expect([unknown.code, unknown.field]).toEqual(['INVALID_ARGUMENT', 'precision']);
  });
});

describe('batch norm', () => {
  const statistics = async (trainer: Trainer): Promise<Map<string, Buffer>> => {
    const tensors = readSafetensors(await exported(trainer));
    const running = [...tensors].filter(([name]) => name.endsWith('running_mean') || name.endsWith('running_var'));
    return new Map(running.map(([name, { data }]) => [name, data]));
  };

  it('is measured anew with the same result at any time, and training goes on as if it had not been', async () => {
    const changes = { ...CLASSIFICATION, horizontalFlip: true, batchNormMomentum: 0.01 };
    const start = async (): Promise<Trainer> => {
      const trainer = await make(changes);
      for (let n = 0; n < 7; n++) await trainer.addClassificationSample('train', noise(64, 64, n + 1), n % 3);
      return trainer;
    };
    const expected = await losses(await start(), 10);
    const measured = await start();
    expect(await losses(measured, 5)).toEqual(expected.slice(0, 5));
    const before = await statistics(measured);
    expect(before.size).toBeGreaterThan(10);
    expect(await measured.measureBatchNorm(2)).toBe(2);
    const first = await statistics(measured);
    for (const [name, data] of first) expect([name, data.equals(before.get(name)!)]).toEqual([name, false]);
    expect(await measured.measureBatchNorm(2)).toBe(2);
    expect(await statistics(measured)).toEqual(first);
    expect(await losses(measured, 5)).toEqual(expected.slice(5));
    // Seven samples are three batches of two and a rest that would count too much.
    expect(await measured.measureBatchNorm(99)).toBe(3);
  });

  it('has nothing to measure where a head has none', async () => {
    const trainer = await make({ ...CLASSIFICATION, headArchitecture: ENCODER_ONLY });
    await trainer.addClassificationSample('train', noise(64, 64), 0);
    expect(await trainer.measureBatchNorm(4)).toBe(0);
  });
});

describe('rotation by fixed angles', () => {
  it('needs a range for them to lie in', async () => {
    const error = await failure(make({ rotationSteps: 4 }));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'rotationSteps']);
  });
});
