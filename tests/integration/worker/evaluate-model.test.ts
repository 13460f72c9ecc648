// Evaluations on the real addon: what the worker measures when it trains, the engine that serves must measure again.

import { copyFileSync, mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { z } from 'zod';
import { loadNativePredictor } from '../../../services/worker/adapters/native-predictor';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import type { PartMetrics } from '../../../services/scoring/results/evaluation';
import { writeDemoData, type DemoFolders } from '../../../services/synthetic/demo-data';
import { evaluateModel } from '../../../services/worker/domain/evaluation/evaluate-model';
import {
  FinishedEvaluations,
  readEvaluatedSamples,
  readEvaluation,
  removeEvaluation,
  type EvaluationResult,
} from '../../../services/worker/protocol/evaluation-results';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import {
  evaluateSpecSchema,
  trainSpecSchema,
  type FinishedEvent,
  type TrainSpecInput,
  type WorkerEvent,
} from '../../../services/worker/protocol/protocol';
import { baseArchitectureSchema, ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { MICRO_BASE } from '../../support/micro';

jest.setTimeout(120_000);

const root = temporaryFolder();
let store: ModelStore;
let data: DemoFolders;
let count = 0;

async function train(input: Pick<TrainSpecInput, 'task' | 'name' | 'data'> & Partial<TrainSpecInput>): Promise<void> {
  const spec = trainSpecSchema.parse({
    store: store.root,
    base: 'micro',
    threads: 1,
    seed: 7,
    jobFolder: join(root, `job-${(count += 1)}`),
    overrides: { epochs: 2, batchSize: 4, warmupSteps: 0 },
    reportImages: false,
    head: { mobilenetWidth: 0.25 },
    ...input,
  } satisfies TrainSpecInput);
  await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
}

function scoreOf({ metrics }: EvaluationResult, name: string): number | undefined {
  return metrics.intervals.estimates[name]?.value;
}

interface Evaluated {
  id: string;
  finished: FinishedEvent;
  events: WorkerEvent[];
}

async function evaluate(
  input: Partial<z.input<typeof evaluateSpecSchema>>,
  signal = new AbortController().signal,
): Promise<Evaluated> {
  const id = `evaluation-${(count += 1)}`;
  const events: WorkerEvent[] = [];
  const spec = evaluateSpecSchema.parse({ id, store: store.root, threads: 1, reportImages: false, ...input });
  const finished = await evaluateModel(spec, {
    store,
    loadPredictor: loadNativePredictor,
    emit: (event) => events.push(event),
    signal,
    codeVersion: 'test',
  });
  return { id, finished, events };
}

async function trainedMetrics(model: string, part: string): Promise<PartMetrics> {
  return (await store.resolveModel(model)).manifest.metrics[part] as PartMetrics;
}

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 12, testCount: 6 });
  const architecture = baseArchitectureSchema.parse(JSON.parse(MICRO_BASE));
  await store.registerBase(
    { name: 'micro', family: 'sam-med2d', architecture, parameters: 0, origin: 'a test', licence: 'none' },
    async (folder) => {
      await initNativeBase(architecture, 1, join(folder, 'weights.safetensors'));
    },
  );
  await train({ task: 'segmentation', name: 'lesion', structure: 'lesion', data: data.segmentation });
  await train({ task: 'classification', name: 'kind', data: data.classification });
});

describe('an evaluation of a segmentation model', () => {
  it('gives the scores that its training recorded, on the same part', async () => {
    for (const part of ['validation', 'test'] as const) {
      const { id } = await evaluate({ model: 'lesion', data: data.segmentation, part });
      const trained = (await trainedMetrics('lesion', part)) as PartMetrics & { mdsc: number; miou: number };
      const result = await readEvaluation(store.root, id);
      expect(result.metrics.images).toBe(trained.images);
      // Not to the last digit: training measures in batches, and kernels, which differ by batch size and instruction set,
      // round differently, so that a logit next to the threshold can fall on its other side. A pixel is worth about 1e-5.
      expect(scoreOf(result, 'mdsc')).toBeCloseTo(trained.mdsc, 4);
      expect(scoreOf(result, 'miou')).toBeCloseTo(trained.miou, 4);
      // Masks of some kind: nothing drawn at all would agree for nothing.
      expect(trained.mdsc).toBeGreaterThan(0.01);
    }
  });

  it('of a training with a threshold gives what that training measured, at that threshold', async () => {
    await train({ task: 'segmentation', name: 'strict', data: data.segmentation, threshold: 0.7 });
    const trained = (await trainedMetrics('strict', 'test')) as PartMetrics & { mdsc: number };
    const of = async (threshold?: number) => {
      const { id } = await evaluate({
        model: 'strict',
        data: data.segmentation,
        part: 'test',
        ...(threshold === undefined ? {} : { threshold }),
      });
      return readEvaluation(store.root, id);
    };
    const own = await of();
    expect(own.threshold).toBe(0.7);
    expect(scoreOf(own, 'mdsc')).toBeCloseTo(trained.mdsc, 4);
    expect(Math.abs((scoreOf(await of(0.5), 'mdsc') ?? NaN) - trained.mdsc)).toBeGreaterThan(0.01);
  });

  it('is the same when it is run again, and tells which weights and data it is of', async () => {
    const [first, second] = [
      await evaluate({ model: 'lesion', data: data.segmentation }),
      await evaluate({ model: 'lesion', data: data.segmentation }),
    ];
    const [one, two] = [await readEvaluation(store.root, first.id), await readEvaluation(store.root, second.id)];
    expect(two.metrics).toEqual(one.metrics);
    expect(one.dataset.fingerprint).toBe(two.dataset.fingerprint);
    const { manifest } = await store.resolveModel('lesion');
    expect(one).toMatchObject({
      model: { name: 'lesion', version: 1, sha256: manifest.weights.sha256 },
      base: { name: 'micro', version: 1 },
      spec: { part: 'test', seed: 7, validationFraction: 0.2 },
      threshold: 0.5,
      metrics: { images: 6, intervals: { unit: 'image', units: 6 } },
    });
    expect(first.events.at(-1)).toEqual({ type: 'preparing', done: 6, total: 6 });
    expect(first.finished).toMatchObject({ type: 'finished', model: 'lesion@1' });
  });

  it('lists every image with its size and scores, the worst first', async () => {
    const { id } = await evaluate({ model: 'lesion', data: data.segmentation, part: 'all', threshold: 0.2 });
    const samples = await readEvaluatedSamples(store.root, id);
    expect(samples).toHaveLength(18);
    expect(samples.map(({ score }) => score)).toEqual(samples.map(({ score }) => score).sort((a, b) => a - b));
    expect(samples[0]?.widthPx).toBeGreaterThan(0);
    expect(samples[0]?.structures[0]).toMatchObject({ specificity: expect.any(Number) });
    const scores = await new FinishedEvaluations(store.root).evaluatedModel(id);
    expect(scores.metrics['mdsc']).toBeCloseTo(samples.reduce((sum, { score }) => sum + score, 0) / 18, 10);
    const { manifest } = await store.resolveModel('lesion');
    const bound = { sha256: manifest.weights.sha256, baseSha256: manifest.base.sha256, threshold: 0.2, part: 'all' };
    expect(scores).toMatchObject(bound);
    expect(await new FinishedEvaluations(store.root).evaluationData(id)).toMatchObject({ part: 'all', seed: 7 });
  });

  it('shows pictures in its report only where they are wanted, and leaves nothing when it is removed', async () => {
    const html = ({ id }: Evaluated): string =>
      readFileSync(join(store.root, 'evaluations', id, 'report', 'report.html'), 'utf8');
    const pictures = await evaluate({ model: 'lesion', data: data.segmentation, worstCount: 1, reportImages: true });
    expect(html(pictures)).toContain('data:image/png');
    const none = await evaluate({ model: 'lesion', data: data.segmentation });
    expect(html(none)).not.toContain('data:image');
    await removeEvaluation(store.root, none.id);
    expect(readdirSync(join(store.root, 'evaluations'))).not.toContain(none.id);
    await removeEvaluation(store.root, none.id);
    await expect(readEvaluation(store.root, none.id)).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'evaluation' });
    await expect(readEvaluation(store.root, '../models')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it('names an image that it cannot use and goes on, or stops when it is strict', async () => {
    const folder = join(root, 'damaged');
    const { segmentation } = await writeDemoData(folder, { seed: 4, trainCount: 3, testCount: 3 });
    writeFileSync(join(segmentation, 'test', 'images', 'test-0001.jpg'), 'no image');
    const { id, events } = await evaluate({ model: 'lesion', data: segmentation });
    expect((await readEvaluation(store.root, id)).dataset.skipped).toBe(1);
    const warned = events.find((event) => event.type === 'log' && event.level === 'warn');
    expect(warned).toMatchObject({ message: expect.stringMatching(/test-0001/) });
    await expect(evaluate({ model: 'lesion', data: segmentation, strict: true })).rejects.toMatchObject({
      code: 'INVALID_ARGUMENT',
      field: 'data',
    });
  });

  it('refuses masks of which it is not certain what they show, unless their values are stated', async () => {
    const folder = join(root, 'labels');
    const { segmentation } = await writeDemoData(folder, { seed: 5, trainCount: 3, testCount: 3 });
    const mask = join(segmentation, 'test', 'masks', 'test-0001.png');
    const { width, height } = await sharp(mask).metadata();
    const labels = Buffer.from(Array.from({ length: width * height }, (_, at) => at % 3));
    writeFileSync(
      mask,
      await sharp(labels, { raw: { width, height, channels: 1 } })
        .png()
        .toBuffer(),
    );
    await expect(evaluate({ model: 'lesion', data: segmentation, part: 'test' })).rejects.toMatchObject({
      field: 'data',
      message: expect.stringMatching(/not certain what 1 mask shows: it holds 0, 1, 2.*test-0001/),
    });
    const allowed = await evaluate({ model: 'lesion', data: segmentation, part: 'test', allowDataProblems: true });
    expect((await readEvaluation(store.root, allowed.id)).dataset.skipped).toBe(1);
    const stated = await evaluate({ model: 'lesion', data: segmentation, part: 'test', maskValues: '2,255' });
    expect((await readEvaluation(store.root, stated.id)).dataset.skipped).toBe(0);
  });

  it('counts what is lost at the size of the model, and keeps what was found in the data', async () => {
    const folder = join(root, 'specks');
    const { segmentation } = await writeDemoData(folder, { seed: 6, trainCount: 3, testCount: 3 });
    const mask = join(segmentation, 'test', 'masks', 'test-0001.png');
    const { width, height } = await sharp(mask).metadata();
    const speck = Buffer.alloc(width * height);
    speck[0] = 255;
    const raw = { width, height, channels: 1 } as const;
    writeFileSync(mask, await sharp(speck, { raw }).toColourspace('b-w').png().toBuffer());
    const { id, events } = await evaluate({ model: 'lesion', data: segmentation, part: 'test' });
    const { metrics, dataset } = await readEvaluation(store.root, id);
    expect(metrics.intervals.estimates).toMatchObject({
      vanished_masks: { value: 1 },
      vanished_lesions: { value: 1, lesions: 3 },
    });
    expect(dataset.findings).toMatchObject([{ kind: 'vanishing-mask', severity: 'warning' }]);
    const told = events.filter((event) => event.type === 'log' && event.level === 'warn');
    expect(JSON.stringify(told)).toMatch(/1 of 3 masks show something that is lost/);
  });

  it('refuses structures that the model does not draw, and a part without images', async () => {
    const structures = [{ name: 'cup', masks: 'masks' }];
    await expect(evaluate({ model: 'lesion', data: data.segmentation, structures })).rejects.toMatchObject({
      field: 'structures',
      message: 'lesion@1 draws lesion, and no cup.',
    });
    const without = join(data.segmentation, 'train');
    await expect(evaluate({ model: 'lesion', data: without, part: 'test' })).rejects.toMatchObject({ field: 'part' });
    await expect(evaluate({ model: 'absent', data: without })).rejects.toMatchObject({
      code: 'NOT_FOUND',
      field: 'model',
    });
  });

  it('of a model of one structure takes the only masks of a layout, whatever it calls them', async () => {
    const folder = join(root, 'polyps');
    for (const [from, to] of [
      ['images', 'Original'],
      ['masks', 'Ground Truth'],
    ] as const) {
      mkdirSync(join(folder, to), { recursive: true });
      const files = readdirSync(join(data.segmentation, 'test', from)).sort();
      for (const [at, file] of files.entries()) {
        copyFileSync(join(data.segmentation, 'test', from, file), join(folder, to, `${at + 1}.png`));
      }
    }
    await train({ task: 'segmentation', name: 'unnamed', data: data.segmentation });
    const { id } = await evaluate({ model: 'unnamed', data: folder, part: 'all' });
    const result = await readEvaluation(store.root, id);
    expect(result.labels.structures).toEqual(['foreground']);
    const trained = (await trainedMetrics('unnamed', 'test')) as PartMetrics & { mdsc: number };
    expect(scoreOf(result, 'mdsc')).toBeCloseTo(trained.mdsc, 4);
  });

  it('compares the masks of several structures by name, in whatever order they are given', async () => {
    const [first, second] = [
      { name: 'lesion', masks: 'masks' },
      { name: 'again', masks: 'masks' },
    ] as const;
    const overrides = { epochs: 1, batchSize: 4, warmupSteps: 0 };
    await train({ task: 'segmentation', name: 'two', data: data.segmentation, structures: [first, second], overrides });
    const { id } = await evaluate({ model: 'two', data: data.segmentation, structures: [second, first] });
    const result = await readEvaluation(store.root, id);
    const { structures } = (await trainedMetrics('two', 'test')) as { structures: { name: string; mdsc: number }[] };
    for (const { name, mdsc } of structures) {
      expect(scoreOf(result, `structure.${name}.mdsc`)).toBeCloseTo(mdsc, 4);
    }
    await expect(evaluate({ model: 'two', data: data.segmentation })).rejects.toMatchObject({
      field: 'structures',
      message: 'two@1 draws lesion, again: say where the masks of each are.',
    });
    await expect(evaluate({ model: 'two', data: data.segmentation, structures: [first] })).rejects.toMatchObject({
      message: 'two@1 draws lesion, again: say where the masks of again are.',
    });
  });

  it('ends as cancelled, with nothing left behind', async () => {
    const before = readdirSync(join(store.root, 'evaluations'));
    const signal = AbortSignal.abort();
    await expect(evaluate({ model: 'lesion', data: data.segmentation }, signal)).rejects.toMatchObject({
      code: 'CANCELLED',
    });
    expect(readdirSync(join(store.root, 'evaluations'))).toEqual(before);
  });
});

describe('an evaluation of a classification model', () => {
  it('gives the scores that its training recorded, and each image with its class by name', async () => {
    const { id } = await evaluate({ model: 'kind', data: data.classification });
    const trained = (await trainedMetrics('kind', 'test')) as PartMetrics & { accuracy: number; macroF1: number };
    const result = await readEvaluation(store.root, id);
    expect(scoreOf(result, 'accuracy')).toBeCloseTo(trained.accuracy, 6);
    expect(scoreOf(result, 'macro_f1')).toBeCloseTo(trained.macroF1, 6);
    expect(scoreOf(result, 'class.square.recall')).toBeUndefined();
    const [worst] = await readEvaluatedSamples(store.root, id);
    expect(result.labels.classes).toContain(worst?.label);
    expect(worst?.probabilities).toHaveLength(3);
    expect(worst?.probabilities[result.labels.classes.indexOf(worst.label ?? '')]).toBe(worst?.score);
  });

  it('finds its classes by name when the data has fewer of them', async () => {
    const part = join(root, 'two-classes');
    const classes = readdirSync(join(data.classification, 'test')).sort();
    for (const [index, name] of classes.slice(1).entries()) {
      mkdirSync(join(part, name), { recursive: true });
      const from = join(data.classification, 'test', name);
      for (const file of readdirSync(from)) writeFileSync(join(part, name, file), readFileSync(join(from, file)));
      expect(index).toBeLessThan(2);
    }
    const { id } = await evaluate({ model: 'kind', data: part, part: 'all' });
    const samples = await readEvaluatedSamples(store.root, id);
    expect(new Set(samples.map(({ label }) => label))).toEqual(new Set(classes.slice(1)));
    const [first = ''] = classes;
    mkdirSync(join(part, `${first}-of-another-kind`));
    writeFileSync(join(part, `${first}-of-another-kind`, 'x.png'), '');
    await expect(evaluate({ model: 'kind', data: part, part: 'all' })).rejects.toMatchObject({
      field: 'data',
      message: expect.stringContaining(`${first}-of-another-kind`),
    });
    rmSync(part, { recursive: true });
  });
});
