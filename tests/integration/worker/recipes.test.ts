// What the numbers of a recipe do to a whole run, on the real addon with a micro base.

import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { initBase } from '../../../native/lib';
import { ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import {
  trainSpecSchema,
  type TrainSpec,
  type TrainSpecInput,
  type WorkerEvent,
} from '../../../services/worker/protocol/protocol';
import type { EpochMetrics } from '../../../services/scoring/results/epoch-metrics';
import { baseDraft, temporaryFolder } from '../../support/data';
import { MICRO_ARCHITECTURE, MICRO_BASE } from '../../support/micro';

jest.setTimeout(240_000);

const root = temporaryFolder();
let store: ModelStore;
let data: string;
let jobs = 0;

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 0 });
  data = join(segmentation, 'train');
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initBase(MICRO_BASE, 1, join(folder, WEIGHTS_FILE));
  });
});

const specOf = (overrides: TrainSpecInput['overrides'], input: Partial<TrainSpecInput> = {}): TrainSpec =>
  trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data,
    store: store.root,
    base: 'micro',
    threads: 1,
    seed: 5,
    validationFraction: 0.25,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    head: { mobilenetWidth: 0.25 },
    overrides: { epochs: 2, batchSize: 3, warmupSteps: 0, ...overrides },
    reportImages: false,
    ...input,
  } satisfies TrainSpecInput);

interface Told {
  epochs: EpochMetrics[];
  log: string[];
}

async function run(spec: TrainSpec, onEvent: (event: WorkerEvent) => void = () => undefined): Promise<Told> {
  const told: Told = { epochs: [], log: [] };
  await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: (event) => {
      if (event.type === 'epoch') told.epochs.push(event.metrics);
      if (event.type === 'log') told.log.push(event.message);
      onEvent(event);
    },
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  return told;
}

describe('a run', () => {
  it('ends early when its score stands still, and registers its best epoch', async () => {
    // A learning rate at which nothing changes but the statistics of batch norm, which are measured to the same result.
    const overrides = { epochs: 9, patience: 2, minDelta: 0.5, learningRate: 1e-12, batchNorm: 'reestimate' } as const;
    const { epochs, log } = await run(specOf(overrides, { name: 'early' }));
    expect(epochs.map(({ epoch }) => epoch)).toEqual([1, 2, 3]);
    expect(log).toContainEqual(expect.stringMatching(/after epoch 3: 2 epochs brought no better score/));
    const { manifest } = await store.resolveModel('early');
    expect(manifest.training).toMatchObject({ bestEpoch: 1, epochs: 9, patience: 2 });
  });

  it('lets its learning rate fall by steps of epochs', async () => {
    const overrides = {
      epochs: 3,
      schedule: 'step',
      scheduleEpochs: 1,
      scheduleFactor: 0.5,
      learningRate: 1e-3,
    } as const;
    const { epochs } = await run(specOf(overrides));
    expect(epochs.map(({ learningRate }) => learningRate)).toEqual([1e-3, 5e-4, 2.5e-4]);
  });

  it('that diverges names the images it diverged on, and leaves its checkpoints', async () => {
    const spec = specOf({ learningRate: 1e30, batchSize: 2 }, { checkpointSteps: 1 });
    await expect(run(spec)).rejects.toMatchObject({
      code: 'ILLEGAL_STATE',
      message: expect.stringMatching(
        /^The (loss|gradient) .* in epoch \d+ at step \d+ \(images .*train-\d+\.jpg, .*train-\d+/,
      ),
    });
    expect(readdirSync(spec.jobFolder)).toEqual(expect.arrayContaining(['state.json', 'checkpoint-1-1.pt']));
  });

  it('keeps as many checkpoints as it is told to until it ends', async () => {
    const spec = specOf({ epochs: 4 }, { keepCheckpoints: 9 });
    const seen: string[][] = [];
    await run(spec, ({ type }) => {
      if (type === 'epoch') seen.push(readdirSync(spec.jobFolder).filter((name) => name.endsWith('.pt')));
    });
    expect(seen.map((names) => names.length)).toEqual([1, 2, 3, 4]);
    expect(readdirSync(spec.jobFolder)).toEqual([]);
  });

  it('says what its embedding cache cannot hold, and learns the same without it', async () => {
    const overrides = { horizontalFlip: true, verticalFlip: false };
    const small = await run(specOf(overrides, { embeddingCacheBytes: 4 * (1024 + 40) }));
    // Six images to learn from in two flips, two to validate.
    expect(small.log).toEqual([expect.stringMatching(/holds 4 of up to 14 embeddings/)]);
    const none = await run(specOf(overrides, { embeddingCacheBytes: 0 }));
    const whole = await run(specOf(overrides));
    expect([none.log, whole.log]).toEqual([[], []]);
    expect(small.epochs).toEqual(none.epochs);
    expect(whole.epochs).toEqual(none.epochs);
  });

  it('says when rotation shows every image anew, which fixed angles do not', async () => {
    const free = await run(specOf({ rotationDegrees: 20 }));
    expect(free.log).toEqual([expect.stringMatching(/rotationSteps/)]);
    expect((await run(specOf({ rotationDegrees: 20, rotationSteps: 3 }))).log).toEqual([]);
  });
});
