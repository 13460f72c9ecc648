// Whole runs on the real addon, with the tiny base and a handful of pictures: what matters is that every path ends in the
// right place, not how well the models do.

import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { createBase } from '../../../services/worker/domain/bases/create-base';
import { writeDemoData, type DemoFolders } from '../../../services/synthetic/demo-data';
import { evaluateBase } from '../../../services/worker/domain/evaluation/evaluate-base';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import {
  evaluateBaseSpecSchema,
  trainSpecSchema,
  type FinishedEvent,
  type TrainSpec,
  type TrainSpecInput,
  type WorkerEvent,
} from '../../../services/worker/protocol/protocol';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';

jest.setTimeout(240_000);

const root = temporaryFolder();
let store: ModelStore;
let data: DemoFolders;
let jobs = 0;

const overrides = { epochs: 2, batchSize: 4, warmupSteps: 2 };

function specOf(input: Partial<TrainSpecInput>): TrainSpec {
  return trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data: join(data.segmentation, 'train'),
    store: store.root,
    base: 'tiny',
    threads: 1,
    seed: 7,
    validationFraction: 0.25,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides,
    ...input,
  } satisfies TrainSpecInput);
}

async function run(
  spec: TrainSpec,
  onEvent: (event: WorkerEvent) => void = () => undefined,
  signal: AbortSignal = new AbortController().signal,
): Promise<FinishedEvent> {
  return runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: onEvent,
    signal,
    codeVersion: 'test',
  });
}

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 12, testCount: 6 });
  await createBase(store, { name: 'tiny', arch: 'tiny', seed: 1 }, initNativeBase);
});

describe('createBase', () => {
  it('gives the same bytes for the same seed, and others for another', async () => {
    const [same, other] = [
      await createBase(store, { name: 'again', arch: 'tiny', seed: 1 }, initNativeBase),
      await createBase(store, { name: 'again', arch: 'tiny', seed: 2 }, initNativeBase),
    ];
    const { manifest } = await store.resolveBase('tiny');
    expect(same.manifest.weights.sha256).toBe(manifest.weights.sha256);
    expect(other.manifest.weights.sha256).not.toBe(manifest.weights.sha256);
    expect(manifest.parameters).toBeGreaterThan(1_000_000);
  });

  it('refuses an unknown architecture', async () => {
    await expect(createBase(store, { name: 'x', arch: 'giant', seed: 1 }, initNativeBase)).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'arch',
    });
  });
});

describe('a segmentation run', () => {
  it('tells its progress and registers a model with its report', async () => {
    const events: WorkerEvent[] = [];
    const terms = { lesion: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };
    const spec = specOf({ data: data.segmentation, structure: 'lesion', terms });
    const finished = await run(spec, (event) => events.push(event));
    const { manifest, folder } = await store.resolveModel(finished.model!);
    expect(manifest).toMatchObject({
      task: 'segmentation',
      structures: ['lesion'],
      terms,
      base: { name: 'tiny', version: 1 },
      training: { epochs: 2, batchSize: 4, seed: 7 },
      dataset: { samples: { train: 9, validation: 3, test: 6 }, skipped: 0 },
      metrics: { validation: { images: 3 }, test: { images: 6 } },
    });
    const figures = ['curves', 'overlap-test', 'overlap-validation'].flatMap((name) => [`${name}.png`, `${name}.svg`]);
    const others = ['gallery.png', 'metrics.json', 'report.html'];
    expect(readdirSync(join(folder, 'report')).sort()).toEqual([...figures, ...others].sort());
    expect(manifest.metrics['test']).toMatchObject({
      intervals: {
        ...{ unit: 'image', units: 6, resamples: 2000, seed: 7 },
        estimates: { vanished_masks: { value: 0 }, vanished_lesions: { value: 0, lesions: 6 } },
      },
    });
    const card = readFileSync(join(folder, 'MODEL_CARD.md'), 'utf8');
    expect(card).toContain(manifest.dataset.fingerprint);
    expect(card).toContain('| mDSC |');
    expect(events.filter(({ type }) => type === 'epoch')).toHaveLength(2);
    expect(events.find(({ type }) => type === 'started')).toMatchObject({ samples: { train: 9 }, firstEpoch: 1 });
    expect(events.filter(({ type }) => type === 'step').at(-1)).toMatchObject({ epoch: 2, progress: 1 });
    expect(readdirSync(spec.jobFolder)).toEqual([]);
    await store.verify(await store.resolveModel(finished.model!));
  });

  it('leaves out files that cannot be read, by name, or stops when it is strict', async () => {
    const folder = join(root, 'damaged');
    const { segmentation } = await writeDemoData(folder, { seed: 4, trainCount: 8, testCount: 0 });
    const part = join(segmentation, 'train');
    const broken = join(part, 'images', 'train-0002.jpg');
    writeFileSync(broken, readFileSync(broken).subarray(0, 500));
    const events: WorkerEvent[] = [];
    const finished = await run(
      specOf({ data: part, overrides: { ...overrides, epochs: 1 }, reportImages: false }),
      (event) => events.push(event),
    );
    expect(events.find(({ type }) => type === 'started')).toMatchObject({ skipped: 1 });
    expect(events.find(({ type }) => type === 'log')).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/train-0002\.jpg/),
    });
    expect(existsSync(join(finished.report!, 'gallery.png'))).toBe(false);
    expect(readFileSync(join(finished.report!, 'report.html'), 'utf8')).not.toContain('data:image');
    await expect(run(specOf({ data: part, strict: true }))).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'data',
      message: expect.stringContaining('train-0002.jpg'),
    });
  });

  it('that is cancelled and resumed ends with the weights of one that was not', async () => {
    const whole = await run(specOf({ name: 'whole', overrides: { ...overrides, epochs: 3 } }));
    const spec = specOf({ name: 'pieces', overrides: { ...overrides, epochs: 3 } });
    const cancellation = new AbortController();
    const stopped = run(
      spec,
      (event) => {
        if (event.type === 'epoch' && event.metrics.epoch === 2) cancellation.abort();
      },
      cancellation.signal,
    );
    await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
    const starts: WorkerEvent[] = [];
    const pieces = await run({ ...spec, resume: true }, (event) => {
      if (event.type === 'started') starts.push(event);
    });
    expect(starts).toMatchObject([{ firstEpoch: 3 }]);
    const shaOf = async (reference: string): Promise<string> =>
      (await store.resolveModel(reference)).manifest.weights.sha256;
    expect(await shaOf(pieces.model!)).toBe(await shaOf(whole.model!));
  });

  it('that trains the encoder registers the base too, and binds the model to it', async () => {
    const before = (await store.resolveBase('tiny@1')).manifest.weights.sha256;
    const finished = await run(specOf({ train: 'encoder', baseName: 'tiny-lesion', base: 'tiny@1' }));
    expect(finished.base).toBe('tiny-lesion@1');
    const base = await store.resolveBase('tiny-lesion');
    const { manifest } = await store.resolveModel(finished.model!);
    expect(manifest.base).toEqual({ name: 'tiny-lesion', version: 1, sha256: base.manifest.weights.sha256 });
    expect(base.manifest.weights.sha256).not.toBe(before);
    expect((await store.resolveBase('tiny@1')).manifest.weights.sha256).toBe(before);
    expect(readFileSync(join(base.folder, 'MODEL_CARD.md'), 'utf8')).toMatch(/^# tiny\\-lesion\n/);
  });

  it('needs a base that exists and a recipe of its task', async () => {
    await expect(run(specOf({ base: 'absent' }))).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'base' });
    await expect(run(specOf({ recipe: 'paper-classification' }))).rejects.toMatchObject({ code: 'WRONG_TASK' });
  });
});

describe('a run of several structures', () => {
  it('registers a model that names them, with the scores of each', async () => {
    const part = join(data.segmentation, 'train');
    const structures = [
      { name: 'lesion', masks: 'masks' },
      { name: 'again', masks: 'masks' },
    ];
    const finished = await run(specOf({ name: 'two', data: part, structures, overrides: { ...overrides, epochs: 1 } }));
    const { manifest } = await store.resolveModel(finished.model!);
    expect(manifest).toMatchObject({
      structures: ['lesion', 'again'],
      architecture: { kind: 'sam-automed', structures: 2 },
      metrics: { validation: { structures: [{ name: 'lesion' }, { name: 'again' }] } },
    });
    await expect(run(specOf({ structures, system: 'autosam' }))).rejects.toMatchObject({ field: 'structures' });
    const twice = structures.map(({ masks }) => ({ name: 'lesion', masks }));
    await expect(run(specOf({ structures: twice }))).rejects.toMatchObject({ field: 'structures' });
  });
});

describe('a run that trains the base', () => {
  it('registers a base with its descent and scores for both prompts, which measuring it again gives', async () => {
    const spec = specOf({
      system: 'interactive',
      name: 'prompted',
      train: 'adapters',
      base: 'tiny@1',
      data: data.segmentation,
      overrides: { ...overrides, epochs: 1 },
      reportImages: false,
    });
    const finished = await run(spec);
    expect([finished.model, finished.base]).toEqual([undefined, 'prompted@1']);
    const { manifest } = await store.resolveBase('prompted');
    expect(manifest).toMatchObject({
      trainedFrom: { name: 'tiny', version: 1 },
      training: { system: 'interactive', train: 'adapters' },
      metrics: { test: { images: 6, point: { mdsc: expect.any(Number) } } },
    });
    expect(existsSync(join(finished.report!, 'metrics.json'))).toBe(true);
    const { seed, validationFraction, threads } = spec;
    const again = evaluateBaseSpecSchema.parse({
      store: store.root,
      base: 'prompted',
      data: data.segmentation,
      seed,
      validationFraction,
      threads,
      jobFolder: join(root, 'measure'),
    });
    const signal = new AbortController().signal;
    const createTrainer = createNativeTrainer;
    const measured = await evaluateBase(again, { store, createTrainer, emit: () => undefined, signal });
    const { mdsc, point } = measured.metrics['test'] as { mdsc: number; point: { mdsc: number } };
    const scores = manifest.metrics?.['test'] as { mdsc: number; point: { mdsc: number } };
    expect(mdsc).toBeCloseTo(scores.mdsc, 4);
    expect(point.mdsc).toBeCloseTo(scores.point.mdsc, 4);
  });
});

describe('a limited run', () => {
  it('keeps to its limit, and keeps a share for the test where the folder has none', async () => {
    const counts: { train: number; validation: number; test: number }[] = [];
    const part = { data: join(data.segmentation, 'train'), limit: 10, testFraction: 0.2 };
    await run(specOf({ ...part, overrides: { ...overrides, epochs: 1 }, reportImages: false }), (event) => {
      if (event.type === 'started') counts.push(event.samples);
    });
    expect(counts).toEqual([{ train: 6, validation: 2, test: 2 }]);
  });
});

describe('a classification run', () => {
  it('registers a model with its classes and confusion matrices', async () => {
    const finished = await run(specOf({ task: 'classification', name: 'lesion-type', data: data.classification }));
    const { manifest, folder } = await store.resolveModel(finished.model!);
    expect(manifest).toMatchObject({
      task: 'classification',
      classes: ['lobulated', 'round', 'spiculated'],
      architecture: { kind: 'sam-medcls', classes: 3 },
      metrics: { test: { images: 6 } },
    });
    expect(readdirSync(join(folder, 'report'))).toEqual(
      expect.arrayContaining(['confusion-test.svg', 'roc-validation.png', 'calibration-test.svg', 'gallery.png']),
    );
  });

  it('can start from a model of its task, and from the MobileNet of one of the other', async () => {
    const spec = specOf({ task: 'classification', name: 'again', data: data.classification });
    expect((await run({ ...spec, startFrom: 'lesion-type' })).model).toBe('again@1');
    expect((await run({ ...spec, startFrom: 'whole' })).model).toBe('again@2');
    const other = { ...spec, startFrom: 'whole', head: { ...spec.head, se: 'plain' as const } };
    await expect(run(other)).rejects.toMatchObject({ code: 'CHECKPOINT_MISMATCH' });
  });
});
