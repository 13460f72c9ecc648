// Ranks of one process group as trainers of this process, each on its thread: real Gloo over loopback.

import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { Trainer, type AutomedError, type TrainerOptions } from '../../../../native/lib';
import { loadAddon } from '../../../../native/lib/native';
import {
  makeMicroFiles,
  MICRO_AUTOSAM,
  MICRO_CLASSIFICATION,
  noise,
  trainerOptions,
  type MicroFiles,
} from '../../../support/micro';

const { collectivesCompiled } = loadAddon().buildInfo();
/** Said by the name of the suite where it skips. */
const suite = collectivesCompiled ? describe : describe.skip;
const named = (name: string): string => (collectivesCompiled ? name : `${name} (skipped: built without Gloo)`);

let files: MicroFiles;
const open: Trainer[] = [];

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((trainer) => trainer.close()));
});
afterAll(() => files.remove());

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** One trainer, or several that form a process group. */
async function makeProcessGroup(worldSize: number, changes: Partial<TrainerOptions>): Promise<Trainer[]> {
  const masterPort = await freePort();
  const place = { worldSize, masterAddress: '127.0.0.1', masterPort, rendezvousTimeoutMs: 60_000 };
  const trainers = await Promise.all(
    Array.from({ length: worldSize }, (_, rank) =>
      Trainer.create(
        trainerOptions(files, {
          ...changes,
          processGroup: worldSize === 1 ? null : { ...place, rank, collectiveTimeoutMs: 60_000 },
        }),
      ),
    ),
  );
  open.push(...trainers);
  return trainers;
}

type Prepare = (trainer: Trainer) => Promise<unknown>;

const squares =
  (train: number, validation = 0): Prepare =>
  async (trainer) => {
    for (let n = 0; n < train + validation; n++) {
      const pixels = noise(64, 64, n + 1);
      const mask = new Uint8Array(64 * 64);
      for (let at = 0; at < 64 * 64; at++) {
        const [x, y] = [at % 64, Math.floor(at / 64)];
        if (Math.abs(x - 20 - 3 * (n % 7)) > 9 || Math.abs(y - 20 - 4 * (n % 5)) > 9) continue;
        mask[at] = 1;
        pixels.data.fill(255, at * 3, at * 3 + 3);
      }
      await trainer.addSegmentationSample(n < train ? 'train' : 'validation', pixels, mask);
    }
  };

const classes =
  (train: number, validation = 0): Prepare =>
  async (trainer) => {
    for (let n = 0; n < train + validation; n++) {
      const pixels = noise(64, 64, n + 1);
      pixels.data.fill(80 * (n % 3), 0, 64 * 32 * 3);
      await trainer.addClassificationSample(n < train ? 'train' : 'validation', pixels, n % 3);
    }
  };

const everyRank = async <T>(trainers: Trainer[], call: (trainer: Trainer) => Promise<T>): Promise<T[]> =>
  Promise.all(trainers.map(call));

/** Losses of the steps, which every rank must report alike; how long each waited for its samples is its own. */
async function losses(trainers: Trainer[], steps: number): Promise<number[]> {
  const values: number[] = [];
  for (let step = 0; step < steps; step++) {
    const outcomes = await everyRank(trainers, (trainer) => trainer.train(1));
    for (const outcome of outcomes) expect({ ...outcome, waitSeconds: 0 }).toEqual({ ...outcomes[0], waitSeconds: 0 });
    values.push(outcomes[0]!.loss);
  }
  return values;
}

/** Weights to start from: drawing them here would disturb the draws of the other ranks, whose generator is the same. */
async function initialHead(changes: Partial<TrainerOptions>): Promise<string> {
  const [trainer] = await makeProcessGroup(1, changes);
  const path = join(files.folder, 'initial.safetensors');
  await trainer!.exportWeights(path, null);
  return path;
}

function largestDifference(a: readonly number[], b: readonly number[]): number {
  expect(a).toHaveLength(b.length);
  return Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? Number.NaN))));
}

const AUGMENTED = { horizontalFlip: true, verticalFlip: true, rotationDegrees: 30 };

suite(named('a process group'), () => {
  // 27 samples: the last batch of an epoch holds three, so that one of four ranks has none. Of classes five (batch norm over
  // three values makes 2e-4 of the last bit), again with nothing for one of four. The learning rates are such that the runs can
  // be compared at all: Adam turns differences in the last bit into steps of its own, and at 1e-3 one process
  // with two threads moves away from one with one thread by as much (0.08 after 20 steps of SAM-MedCls).
  it.each([
    ['SAM-AutoMed', {}, squares(27)],
    ['SAM-MedCls without dropout', { task: 'classification', dropout: 0, learningRate: 2e-5 }, classes(29)],
  ] as [string, Partial<TrainerOptions>, Prepare][])(
    'of 2 and of 4 ranks gives the losses of one process with their whole batch: %s',
    async (_, changes, prepare) => {
      const classification = changes.task === 'classification';
      const options = {
        ...AUGMENTED,
        ...(classification ? { headArchitecture: MICRO_CLASSIFICATION } : {}),
        ...changes,
      };
      const headWeightsPath = await initialHead(options);
      const start = async (worldSize: number): Promise<number[]> => {
        const trainers = await makeProcessGroup(worldSize, { ...options, headWeightsPath, batchSize: 8 / worldSize });
        await everyRank(trainers, prepare);
        return losses(trainers, 20);
      };
      const alone = await start(1);
      expect(largestDifference(await start(2), alone)).toBeLessThan(1e-4);
      expect(largestDifference(await start(4), alone)).toBeLessThan(1e-4);
      expect(Math.abs(alone[0]! - alone[19]!)).toBeGreaterThan(0.005);
    },
  );

  it.each([
    ['SAM-AutoMed with its encoder', { train: 'encoder', learningRate: 1e-4 }],
    ['AutoSAM without dropout', { headArchitecture: MICRO_AUTOSAM, dropout: 0, learningRate: 1e-5 }],
  ] as [string, Partial<TrainerOptions>][])(
    'of 2 ranks gives the first losses of one process with their whole batch: %s',
    async (_, changes) => {
      const headWeightsPath = await initialHead(changes);
      const start = async (worldSize: number): Promise<number[]> => {
        const trainers = await makeProcessGroup(worldSize, { ...changes, headWeightsPath, batchSize: 4 / worldSize });
        await everyRank(trainers, squares(9));
        return losses(trainers, 5);
      };
      expect(largestDifference(await start(2), await start(1))).toBeLessThan(1e-4);
    },
  );

  it('takes one optimiser step for several batches of all ranks, what is left of an epoch included', async () => {
    const options = {
      task: 'classification',
      headArchitecture: MICRO_CLASSIFICATION,
      dropout: 0,
      learningRate: 2e-5,
    } as const;
    const headWeightsPath = await initialHead(options);
    const start = async (worldSize: number): Promise<number[]> => {
      const trainers = await makeProcessGroup(worldSize, {
        ...options,
        headWeightsPath,
        batchSize: 4 / worldSize,
        accumulationSteps: 2,
      });
      await everyRank(trainers, classes(19));
      return losses(trainers, 12);
    };
    expect(largestDifference(await start(2), await start(1))).toBeLessThan(1e-4);
  });

  it('starts every rank from the weights of rank 0, and keeps them alike', async () => {
    const trainers = await makeProcessGroup(2, { train: 'encoder' });
    await everyRank(trainers, squares(8));
    await losses(trainers, 3);
    const bytes = await everyRank(trainers, async (trainer) => {
      const index = trainers.indexOf(trainer);
      const [head, base] = [join(files.folder, `head-${index}`), join(files.folder, `base-${index}`)];
      await trainer.exportWeights(head, base);
      return [readFileSync(head), readFileSync(base)];
    });
    expect(bytes[1]).toEqual(bytes[0]);
  });

  it.each([
    ['segmentation', squares(4, 7), {}],
    ['a base that follows prompts', squares(4, 5), { headArchitecture: null, train: 'adapters' }],
    [
      'classification',
      classes(3, 5),
      { task: 'classification', headArchitecture: MICRO_CLASSIFICATION, headWeightsPath: null },
    ],
  ] as [string, Prepare, Partial<TrainerOptions>][])(
    'tells every rank the evaluation of all samples: %s',
    async (_, prepare, options) => {
      const headWeightsPath = options.headArchitecture === null ? null : await initialHead(options);
      const of = async (worldSize: number) => {
        const trainers = await makeProcessGroup(worldSize, { ...options, headWeightsPath });
        await everyRank(trainers, prepare);
        return everyRank(trainers, (trainer) => trainer.evaluate('validation'));
      };
      const [alone] = await of(1);
      for (const results of await of(3)) {
        expect(results).toHaveLength(alone!.length);
        results.forEach((result, index) => {
          const expected = alone![index]!;
          expect(result).toMatchObject({ index, label: expected.label });
          expect(result.loss).toBeCloseTo(expected.loss, 6);
          expect(result.structures ?? []).toEqual(expected.structures ?? []);
          expect(result.point ?? []).toEqual(expected.point ?? []);
          expect([...(result.probabilities ?? [])]).toEqual([...(expected.probabilities ?? [])]);
        });
      }
    },
  );

  it('goes on from a checkpoint as if it had not stopped, in the middle of an accumulated step too', async () => {
    const options = { train: 'encoder', accumulationSteps: 3, batchSize: 2, horizontalFlip: true } as const;
    const headWeightsPath = await initialHead(options);
    const start = async (): Promise<Trainer[]> => {
      const trainers = await makeProcessGroup(2, { ...options, headWeightsPath });
      await everyRank(trainers, squares(18));
      return trainers;
    };
    const checkpoint = join(files.folder, 'process group.pt');
    const whole = await start();
    await losses(whole, 6);
    await everyRank(whole, (trainer) => trainer.saveCheckpoint(checkpoint));
    const expected = await losses(whole, 6);
    const resumed = await start();
    await everyRank(resumed, (trainer) => trainer.loadCheckpoint(checkpoint));
    expect(largestDifference(await losses(resumed, 6), expected)).toBeLessThan(1e-5);
  });

  it('lets its ranks work alone once all have left', async () => {
    const trainers = await makeProcessGroup(2, { batchSize: 2 });
    await everyRank(trainers, squares(6, 3));
    await losses(trainers, 1);
    await everyRank(trainers, (trainer) => trainer.leaveProcessGroup());
    expect(await trainers[0]!.evaluate('validation')).toHaveLength(3);
    expect(await trainers[0]!.train(1)).toMatchObject({ images: 2 });
    await trainers[0]!.saveCheckpoint(join(files.folder, 'alone.pt'));
  });

  it('refuses to train when the ranks hold different samples', async () => {
    const trainers = await makeProcessGroup(2, {});
    await squares(6)(trainers[0]!);
    await squares(5)(trainers[1]!);
    const attempts = await Promise.allSettled(trainers.map((trainer) => trainer.train(1)));
    const mismatch = { status: 'rejected', reason: expect.objectContaining({ code: 'CHECKPOINT_MISMATCH' }) };
    expect(attempts).toEqual([mismatch, mismatch]);
  });

  it('stops on every rank when the loss of one is no number', async () => {
    const trainers = await makeProcessGroup(2, { train: 'encoder', learningRate: 1e30 });
    await everyRank(trainers, squares(8));
    const attempts = await Promise.allSettled(
      trainers.map(async (trainer) => {
        for (let step = 0; step < 3; step++) await trainer.train(1);
      }),
    );
    const stopped = { status: 'rejected', reason: expect.objectContaining({ code: 'ILLEGAL_STATE' }) };
    expect(attempts).toEqual([stopped, stopped]);
  });

  it('fails with a typed error on the ranks that are left when one is lost', async () => {
    const trainers = await makeProcessGroup(2, {});
    await everyRank(trainers, squares(8));
    await losses(trainers, 1);
    await trainers[1]!.close();
    await expect(trainers[0]!.train(1)).rejects.toMatchObject({
      code: 'DEVICE_UNAVAILABLE',
      message: expect.stringContaining('another rank'),
    });
  });
});

it('the trainer refuses a place outside the process group, and dropout of everything, by name', async () => {
  const processGroup = {
    worldSize: 2,
    masterAddress: '127.0.0.1',
    masterPort: 1,
    rendezvousTimeoutMs: 1,
    collectiveTimeoutMs: 1,
  };
  const refusal = async (changes: Partial<TrainerOptions>): Promise<unknown> =>
    Trainer.create(trainerOptions(files, changes)).then(
      () => 'no error',
      ({ code, field }: AutomedError) => [code, field],
    );
  expect(await refusal({ processGroup: { ...processGroup, rank: 2 } })).toEqual(['INVALID_ARGUMENT', 'rank']);
  expect(await refusal({ processGroup: { ...processGroup, rank: 0, masterPort: 0 } })).toEqual([
    'INVALID_ARGUMENT',
    'masterPort',
  ]);
  expect(await refusal({ dropout: 1 })).toEqual(['INVALID_ARGUMENT', 'dropout']);
});
