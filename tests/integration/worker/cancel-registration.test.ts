// A run that is cancelled while its result is being registered ends in one of two states: both of base and model, or neither.

import { join } from 'node:path';
import { tryLock } from '../../../services/common/file-lock';
import { answerNatively } from '../../../services/worker/adapters/native-golden';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import type { AnswerGolden } from '../../../services/worker/domain/register/make-golden';
import type { CreateTrainer } from '../../../services/worker/domain/ports/trainer';
import { runJob } from '../../../services/worker/domain/training/run-job';
import {
  trainSpecSchema,
  type FinishedEvent,
  type TrainSpec,
  type TrainSpecInput,
} from '../../../services/worker/protocol/protocol';
import { ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { baseDraft, temporaryFolder, writeWeights } from '../../support/data';
import { MICRO_ARCHITECTURE } from '../../support/micro';

jest.setTimeout(120_000);

const root = temporaryFolder();
let store: ModelStore;
let data: string;
let runs = 0;

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 1 });
  data = join(segmentation, 'train');
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initNativeBase(MICRO_ARCHITECTURE, 1, join(folder, WEIGHTS_FILE));
  });
});

function specOf(input: Partial<TrainSpecInput> = {}): TrainSpec {
  const name = `run-${(runs += 1)}`;
  return trainSpecSchema.parse({
    task: 'segmentation',
    name,
    jobId: `job-of-${name}`,
    data,
    store: store.root,
    base: 'micro',
    train: 'encoder',
    baseName: `base-of-${name}`,
    threads: 1,
    jobFolder: join(root, name),
    head: { mobilenetWidth: 0.25 },
    overrides: { epochs: 1, batchSize: 4, warmupSteps: 0 },
    reportImages: false,
    resume: true,
    ...input,
  } satisfies TrainSpecInput);
}

interface Moments {
  controller?: AbortController;
  /** After weights were exported. */
  onExport?: () => void;
  /** When the model's golden image is answered, which is after its base was published. */
  answerGolden?: AnswerGolden;
}

function run(
  spec: TrainSpec,
  { controller = new AbortController(), onExport, answerGolden }: Moments,
): Promise<FinishedEvent> {
  const createTrainer: CreateTrainer = async (settings) => {
    const trainer = await createNativeTrainer(settings);
    const exportWeights = trainer.exportWeights.bind(trainer);
    return Object.assign(trainer, {
      exportWeights: async (...paths: Parameters<typeof exportWeights>) => {
        await exportWeights(...paths);
        onExport?.();
      },
    });
  };
  return runJob(spec, {
    store,
    createTrainer,
    namedHead: namedNativeHead,
    initBase: initNativeBase,
    tryLock,
    emit: () => undefined,
    signal: controller.signal,
    codeVersion: 'test',
    answerGolden,
  });
}

/** What of a run is in the store. */
async function kept({ jobId }: TrainSpec): Promise<string[]> {
  return Object.keys(await store.findByJob(jobId!)).sort();
}

test.each([
  ['the encoder was trained', {}],
  ['the encoder is frozen', { train: 'head', baseName: undefined }],
  ['the base itself is trained', { system: 'interactive', baseName: undefined }],
] as [string, Partial<TrainSpecInput>][])('before anything is published, nothing is, when %s', async (_, input) => {
  const controller = new AbortController();
  const spec = specOf(input);
  const cancelled = run(spec, { controller, onExport: () => controller.abort() });
  await expect(cancelled).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await kept(spec)).toEqual([]);
  // Nothing was lost: who only paused goes on.
  await run(spec, {});
  expect(await kept(spec)).toContain(spec.system === 'interactive' ? 'base' : 'model');
});

test('once the base is published it is too late: the run ends with its model', async () => {
  const controller = new AbortController();
  const spec = specOf();
  const answerGolden: AnswerGolden = (...asked) => {
    controller.abort();
    return answerNatively(...asked);
  };
  const { model } = await run(spec, { controller, answerGolden });
  expect(model).toBe(`${spec.name}@1`);
  expect(await kept(spec)).toEqual(['base', 'model']);
});

test.each([false, true])('a model that cannot be registered leaves no base behind (cancelled: %s)', async (cancels) => {
  const controller = new AbortController();
  const spec = specOf();
  let before: string[] = [];
  const answerGolden: AnswerGolden = async () => {
    before = await kept(spec);
    if (cancels) controller.abort();
    throw new Error('the disk is full');
  };
  const failed = run(spec, { controller, answerGolden });
  await expect(failed).rejects.toMatchObject(cancels ? { code: 'CANCELLED' } : { message: 'the disk is full' });
  expect(before).toEqual(['base']);
  expect(await kept(spec)).toEqual([]);
});

test('the base of a worker that died before its model is taken away when the job is cancelled', async () => {
  const { manifest } = await store.resolveBase('micro');
  const trainedFrom = { name: 'micro', version: 1, sha256: manifest.weights.sha256 };
  const spec = specOf();
  const draft = { ...baseDraft(spec.baseName!), trainedFrom, training: { job: spec.jobId! } };
  await store.registerBase(draft, writeWeights('half'));
  const controller = new AbortController();
  controller.abort();
  await expect(run(spec, { controller })).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(await kept(spec)).toEqual([]);
});
