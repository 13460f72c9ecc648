// One training run from specification to registered model.

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { automedError } from '../../common/errors';
import {
  classificationHead,
  segmentationHead,
  type HeadArchitecture,
  type ModelStore,
  type StoredBackbone,
  type StoredBase,
  type StoredModel,
} from '../../store';
import type { FinishedEvent, TrainSpec } from '../protocol';
import { runEpochs } from './epoch-loop';
import { checkpointPath, clearJob, openJob, runDigest } from './job-state';
import type { CreateTrainer, TrainerPort } from './ports';
import { listSamples, loadSamples, type Emit, type PreparedData } from './prepare-data';
import { recipeFor, type Recipe } from './recipes';
import { registerResult, type Registered } from './register-result';

export interface RunDependencies {
  store: ModelStore;
  createTrainer: CreateTrainer;
  emit: Emit;
  /** Ends the run at the next step with CANCELLED; checkpoints stay for a resume. */
  signal: AbortSignal;
  codeVersion: string;
}

interface Plan {
  spec: TrainSpec;
  recipe: Recipe;
  base: StoredBase;
  start: StoredModel | undefined;
  backbone: StoredBackbone | undefined;
}

function headFor(spec: TrainSpec, base: StoredBase, classes: readonly string[]): HeadArchitecture {
  const { architecture } = base.manifest;
  const head =
    spec.task === 'segmentation' ? segmentationHead(architecture) : classificationHead(architecture, classes.length);
  const { mobilenetWidth, se, attention } = spec.head;
  head.mobilenet.width = mobilenetWidth ?? head.mobilenet.width;
  head.mobilenet.se = se ?? head.mobilenet.se;
  if (head.kind === 'sam-medcls') head.attention = attention ?? head.attention;
  return head;
}

/** The model to start from: all of it when it does the same task, its MobileNet when it does the other. */
async function startModel(store: ModelStore, spec: TrainSpec): Promise<StoredModel | undefined> {
  if (spec.startFrom === undefined) return undefined;
  const stored = await store.resolveModel(spec.startFrom);
  await store.verify(stored);
  return stored;
}

async function startBackbone(store: ModelStore, spec: TrainSpec): Promise<StoredBackbone | undefined> {
  if (spec.backbone === undefined) return undefined;
  if (spec.startFrom !== undefined) {
    throw automedError('INVALID_ARGUMENT', 'A run starts from a model or from a backbone, not from both.', {
      field: 'backbone',
    });
  }
  const stored = await store.resolveBackbone(spec.backbone);
  await store.verify(stored);
  return stored;
}

/** Resolves everything that can be wrong before a single image is decoded. */
async function makePlan(spec: TrainSpec, store: ModelStore): Promise<Plan> {
  const recipe = recipeFor(spec.task, spec.recipe, spec.overrides);
  const base = await store.resolveBase(spec.base);
  await store.verify(base);
  return { spec, recipe, base, start: await startModel(store, spec), backbone: await startBackbone(store, spec) };
}

/** The facts that make a checkpoint fit: same samples in the same order, same model, same numbers. */
function digestOf({ spec, recipe, base, start, backbone }: Plan, head: HeadArchitecture, data: PreparedData): string {
  return runDigest({
    task: spec.task,
    seed: spec.seed,
    trainEncoder: spec.trainEncoder,
    recipe,
    base: base.manifest.weights.sha256,
    start: (start ?? backbone)?.manifest.weights.sha256 ?? null,
    head,
    data: data.fingerprint,
  });
}

async function trainAndRegister(
  plan: Plan,
  head: HeadArchitecture,
  trainer: TrainerPort,
  data: PreparedData,
  { store, emit, signal, codeVersion }: RunDependencies,
): Promise<Registered> {
  const { spec, recipe, base } = plan;
  const started = performance.now();
  const initial = await openJob(spec.jobFolder, digestOf(plan, head, data), spec.resume);
  if (initial.epochs > 0) await trainer.loadCheckpoint(checkpointPath(spec.jobFolder, initial.epochs));
  emit({
    type: 'started',
    samples: {
      train: data.parts.train.length,
      validation: data.parts.validation.length,
      test: data.parts.test.length,
    },
    skipped: data.skipped,
    classes: data.classes,
    trainableParameters: trainer.trainableParameterCount,
    epochs: recipe.epochs,
    firstEpoch: initial.epochs + 1,
  });
  const trainCount = data.parts.train.length;
  const { jobFolder } = spec;
  const state = await runEpochs(
    { trainer, recipe, trainCount, classes: data.classes, jobFolder, signal, emit },
    initial,
  );
  if (state.bestEpoch !== state.epochs || initial.epochs === recipe.epochs) {
    await trainer.loadCheckpoint(checkpointPath(jobFolder, state.bestEpoch));
  }
  const seconds = (performance.now() - started) / 1000;
  return registerResult(store, trainer, { spec, recipe, base, head, data, state, codeVersion, seconds });
}

/** Runs a job to its registered model. Errors are AutomedErrors; a cancelled run rejects with CANCELLED. */
export async function runTraining(spec: TrainSpec, dependencies: RunDependencies): Promise<FinishedEvent> {
  const { store, createTrainer, emit, signal } = dependencies;
  const plan = await makePlan(spec, store);
  const folder = await listSamples(spec);
  const head = headFor(spec, plan.base, folder.classes);
  await mkdir(spec.jobFolder, { recursive: true });
  const sameTask = plan.start?.manifest.task === spec.task;
  const trainer = await createTrainer({
    task: spec.task,
    device: spec.device,
    threads: spec.threads,
    baseArchitecture: plan.base.manifest.architecture,
    baseWeightsPath: plan.base.weightsPath,
    headArchitecture: head,
    headWeightsPath: sameTask ? (plan.start?.weightsPath ?? null) : null,
    backboneWeightsPath: plan.backbone?.weightsPath ?? (sameTask ? null : (plan.start?.weightsPath ?? null)),
    trainEncoder: spec.trainEncoder,
    seed: spec.seed,
    recipe: plan.recipe,
    cachePath: join(spec.jobFolder, 'samples.bin'),
  });
  try {
    const data = await loadSamples(folder, trainer, { strict: spec.strict, signal, emit });
    const { model, base, metrics } = await trainAndRegister(plan, head, trainer, data, dependencies);
    await clearJob(spec.jobFolder);
    const reference = ({ manifest }: StoredModel | StoredBase): string => `${manifest.name}@${manifest.version}`;
    return {
      type: 'finished',
      model: reference(model),
      ...(base ? { base: reference(base) } : {}),
      report: join(model.folder, 'report'),
      metrics,
    };
  } catch (error) {
    if (signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.', { cause: error });
    throw error;
  } finally {
    await trainer.close();
  }
}
