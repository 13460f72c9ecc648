// The end of a run: the best epoch's weights, scores and report become a model version.

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  standardPreprocessing,
  WEIGHTS_FILE,
  type HeadArchitecture,
  type ModelDraft,
  type ModelStore,
  type StoredBase,
  type StoredModel,
} from '../../store';
import type { TrainSpec } from '../protocol';
import { examplesPng } from '../report/pictures';
import { writeReport, type Report } from '../report/write-report';
import { scoreOf, summarise, type PartMetrics } from './evaluation';
import type { JobState } from './job-state';
import { mostProbable } from './metrics';
import type { SampleOutcome, TrainerPort } from './ports';
import type { PreparedData } from './prepare-data';
import type { Recipe } from './recipes';

export interface RunResult {
  spec: TrainSpec;
  recipe: Recipe;
  base: StoredBase;
  head: HeadArchitecture;
  data: PreparedData;
  state: JobState;
  codeVersion: string;
  seconds: number;
}

function describeSample(name: string, outcome: SampleOutcome, classes: readonly string[]): Report['samples'][number] {
  const { dice, iou, probabilities, label, loss } = outcome;
  return probabilities === null
    ? { name, loss, dice, iou }
    : { name, loss, label: classes[label ?? 0], predicted: classes[mostProbable(probabilities)] };
}

/** Scores the parts with the weights that the trainer holds; the pictures show the test part where there is one. */
export async function buildReport(trainer: TrainerPort, { spec, data, state }: RunResult): Promise<Report> {
  const metrics: Record<string, PartMetrics> = {};
  const shown = data.parts.test.length > 0 ? 'test' : 'validation';
  let outcomes: SampleOutcome[] = [];
  for (const part of shown === 'test' ? (['validation', 'test'] as const) : (['validation'] as const)) {
    outcomes = await trainer.evaluate(part);
    metrics[part] = summarise(outcomes, data.classes);
  }
  const names = data.parts[shown];
  return {
    history: state.history,
    metrics,
    samples: outcomes.map((outcome) => describeSample(names[outcome.index]?.name ?? '', outcome, data.classes)),
    ...(spec.reportImages ? { examples: await examplesPng(trainer, shown, names, outcomes) } : {}),
  };
}

function draftModel(result: RunResult, base: StoredBase, metrics: Record<string, PartMetrics>): ModelDraft {
  const { spec, recipe, head, data, state, codeVersion, seconds } = result;
  const { name, version, weights, architecture } = base.manifest;
  const counts = Object.fromEntries(Object.entries(data.parts).map(([part, samples]) => [part, samples.length]));
  const shared = {
    name: spec.name,
    base: { name, version, sha256: weights.sha256 },
    preprocessing: standardPreprocessing(architecture),
    architecture: head,
    training: {
      recipe: spec.recipe,
      ...recipe,
      seed: spec.seed,
      trainEncoder: spec.trainEncoder,
      bestEpoch: state.bestEpoch,
      seconds: Math.round(seconds),
    },
    metrics,
    dataset: {
      fingerprint: data.fingerprint,
      samples: counts,
      skipped: data.skipped,
      groupColumn: data.groupColumn ?? null,
    },
    codeVersion,
    licence: spec.licence,
  };
  return spec.task === 'segmentation'
    ? { ...shared, task: 'segmentation', structures: [spec.structure], threshold: spec.threshold }
    : { ...shared, task: 'classification', classes: data.classes };
}

/** Registers the encoder as trained as the next version of its base, leaving the head's weights at `headPath`. */
async function registerTrainedBase(
  store: ModelStore,
  trainer: TrainerPort,
  { spec, base, state }: RunResult,
  headPath: string,
): Promise<StoredBase> {
  const { name, version, family, architecture, parameters, licence } = base.manifest;
  return store.registerBase(
    {
      name: spec.baseName ?? name,
      family,
      architecture,
      parameters,
      origin: `${name}@${version}, trained with the model ${spec.name} (best epoch ${state.bestEpoch})`,
      licence,
    },
    (folder) => trainer.exportWeights(headPath, join(folder, WEIGHTS_FILE)),
  );
}

export interface Registered {
  model: StoredModel;
  /** The new version of the base, when the encoder was trained. */
  base?: StoredBase;
  metrics: Record<string, unknown>;
}

/** Exports what the trainer holds and registers it. */
export async function registerResult(store: ModelStore, trainer: TrainerPort, result: RunResult): Promise<Registered> {
  const report = await buildReport(trainer, result);
  const headPath = join(result.spec.jobFolder, 'head.safetensors');
  const trained = result.spec.trainEncoder ? await registerTrainedBase(store, trainer, result, headPath) : undefined;
  const draft = draftModel(result, trained ?? result.base, report.metrics);
  const model = await store.registerModel(draft, async (folder) => {
    const weights = join(folder, WEIGHTS_FILE);
    await (trained ? copyFile(headPath, weights) : trainer.exportWeights(weights, null));
    await writeReport(folder, report);
  });
  await rm(headPath, { force: true });
  const scores = Object.fromEntries(
    Object.entries(report.metrics).map(([part, metrics]) => [part, { ...metrics, score: scoreOf(metrics) }]),
  );
  return {
    model,
    ...(trained ? { base: trained } : {}),
    metrics: { ...scores, bestEpoch: result.state.bestEpoch, seconds: Math.round(result.seconds) },
  };
}
