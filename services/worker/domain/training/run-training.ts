// One training run from specification to registered model.

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { makeFolder } from '../../../common/make-folder';
import { AutomedError, automedError } from '../../../common/errors';
import {
  inputRuleText,
  type HeadArchitecture,
  type InputRule,
  type ModelStore,
  type StoredBackbone,
  type StoredBase,
  type StoredModel,
  referenceOf,
} from '../../../store';
import type { FinishedEvent, TrainSpec, Emit } from '../../protocol/protocol';
import { alarmsOf } from './alarms';
import { alarmTeller } from './tell-alarms';
import { embeddingCacheFor, tellEmbeddingCache, tellEmbeddingProblem } from './embedding-cache';
import { runEpochs, type LoopContext } from './epoch-loop';
import type { RankEnvironment } from '../../launch/rank-environment';
import {
  checkpointPath,
  clearJob,
  openJob,
  readJob,
  resumePoint,
  runDigest,
  saveJob,
  type JobState,
} from '../../job-folder/job-state';
import { ANY_DEPTH, preprocessingOf } from '../register/preprocessing';
import type { AnswerGolden } from '../register/make-golden';
import type { LoadPrecisionPair } from '../register/measure-agreement';
import type { CreateTrainer, NamedHead, TrainerPort } from '../ports/trainer';
import { inputOf } from '../../../checks/input-axes';
import { checkEnough, loadSamples, type PreparedData } from '../data/load-data';
import { listSamples, structureNames } from '../../../datasets/split/divide';
import { drawPreview } from './previews';
import { previewFolder } from '../../job-folder/folders';
import { resolveSource } from '../../../datasets/layouts/read-data';
import { recipeFor, type Recipe } from '../../protocol/recipes';
import { registerResult, type Registered } from '../register/register-result';
import { seenBefore, tellSeenBefore } from '../data/seen-before';
import { DEFAULT_SYSTEM, INTERACTIVE, systemFor } from '../../protocol/systems';

export interface RunDependencies {
  store: ModelStore;
  createTrainer: CreateTrainer;
  namedHead: NamedHead;
  emit: Emit;
  /** Ends the run at the next step with CANCELLED; checkpoints stay for a resume. */
  signal: AbortSignal;
  codeVersion: string;
  /** Absent: models are registered without a golden image. */
  answerGolden?: AnswerGolden | undefined;
  /** Absent: how versions answer in bfloat16 is not measured. */
  loadPrecisionPair?: LoadPrecisionPair | undefined;
  /** The place of this process where several train together. */
  processGroup?: RankEnvironment;
}

interface Plan {
  spec: TrainSpec;
  recipe: Recipe;
  base: StoredBase;
  start: StoredModel | undefined;
  structures: string[];
  backbone: StoredBackbone | undefined;
}

/** The head of the system with the departures that were asked for; null when the base itself is trained. */
async function headFor(
  { spec, base, structures }: Plan,
  classes: readonly string[],
  namedHead: NamedHead,
): Promise<HeadArchitecture | null> {
  const system = spec.system ?? DEFAULT_SYSTEM[spec.task];
  if (system === INTERACTIVE) return null;
  const head = await namedHead(system, base.manifest.architecture, classes.length);
  if (head.kind !== 'autosam' && head.mobilenet) {
    head.mobilenet.width = spec.head.mobilenetWidth ?? head.mobilenet.width;
    head.mobilenet.se = spec.head.se ?? head.mobilenet.se;
  }
  if (head.kind === 'sam-medcls' && head.attention !== undefined) {
    head.attention = spec.head.attention ?? head.attention;
  }
  if (structures.length > 1) {
    if (head.kind !== 'sam-automed' || head.decoder === 'frozen') {
      throw automedError('INVALID_ARGUMENT', `The system ${system} draws one structure only.`, { field: 'structures' });
    }
    head.structures = structures.length;
  }
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
  const system = systemFor(spec.task, spec.system);
  const recipe = recipeFor(system.recipes, spec.recipe, spec.overrides);
  const structures = structureNames(spec);
  const base = await store.resolveBase(spec.base);
  await store.verify(base);
  const start = await startModel(store, spec);
  return { spec, recipe, base, start, backbone: await startBackbone(store, spec), structures };
}

/** Preprocessing that runs of before had, too: their digests say nothing of it. */
function knownBefore(rule: InputRule): boolean {
  return rule.fit !== 'stretch' && inputRuleText(rule) === inputRuleText({ fit: rule.fit });
}

/** The facts that make a checkpoint fit: same samples in the same order, same model, same numbers. */
function digestOf(
  { spec, recipe, base, start, backbone, structures }: Plan,
  head: HeadArchitecture | null,
  data: PreparedData,
): string {
  const seen = preprocessingOf(spec, head, base, data);
  return runDigest({
    task: spec.task,
    seed: spec.seed,
    train: spec.train,
    recipe,
    base: base.manifest.weights.sha256,
    start: (start ?? backbone)?.manifest.weights.sha256 ?? null,
    head,
    structures,
    data: data.fingerprint,
    // The best epoch is the best at this threshold; runs of before were measured at 0.5.
    ...(spec.threshold === 0.5 ? {} : { threshold: spec.threshold }),
    ...(knownBefore(seen) ? {} : { preprocessing: inputRuleText(seen) }),
    // A step of a process group is on a batch of every rank.
    ...(spec.ranks > 1 ? { ranks: spec.ranks } : {}),
  });
}

/** Whether this process registers the result and keeps the state: the only one, or rank 0. */
const leads = (processGroup: RankEnvironment | undefined): boolean => (processGroup?.rank ?? 0) === 0;

/** Of its epochs, after which a model is judged by what it draws. */
const LEARNT_SHARE = 0.75;

/** Looks for what is wrong with trainings on masks. @param resumed whether there were epochs before */
function watcher(
  { spec, recipe }: Plan,
  trainer: TrainerPort,
  data: PreparedData,
  { emit, processGroup }: RunDependencies,
  resumed: boolean,
): LoopContext['watch'] {
  if (spec.task !== 'segmentation' || !leads(processGroup)) return undefined;
  const context = {
    trainer,
    samples: data.parts.validation,
    foreground: data.validationForeground,
    leaking: data.leaking,
    followsPrompts: spec.system === INTERACTIVE,
  };
  const isEarly = (epoch: number): boolean => epoch < LEARNT_SHARE * recipe.epochs;
  return alarmTeller((epoch, outcomes) => alarmsOf(context, outcomes, isEarly(epoch)), emit, resumed);
}

/** Draws previews where the run is a job's and pictures may be shown. One that cannot be made costs a line, not the run. */
function previewer(
  { spec, structures }: Plan,
  trainer: TrainerPort,
  data: PreparedData,
  { emit, processGroup }: RunDependencies,
): LoopContext['preview'] {
  const { jobId, store, reportImages } = spec;
  if (jobId === undefined || !reportImages || !leads(processGroup)) return undefined;
  const labels = { classes: data.classes, structures };
  const context = { trainer, samples: data.parts.validation, labels, folder: previewFolder(store, jobId) };
  return async (epoch, outcomes) => {
    const told = await drawPreview(context, epoch, outcomes).catch((error: unknown) => {
      const why = error instanceof AutomedError ? error.message : 'it could not be drawn or written';
      return { type: 'log', level: 'warn', message: `no preview of epoch ${epoch}: ${why}` } as const;
    });
    emit(told);
  };
}

/** Trains from where the state stands to its end, and leaves the best epoch's weights in the trainer. */
async function trainToBest(
  plan: Plan,
  trainer: TrainerPort,
  data: PreparedData,
  initial: JobState,
  dependencies: RunDependencies,
): Promise<JobState> {
  const { spec, recipe, structures } = plan;
  const { emit, signal, processGroup } = dependencies;
  const { jobFolder, ranks } = spec;
  const count = (part: 'train' | 'validation' | 'test'): number => data.parts[part].length;
  emit({
    type: 'started',
    samples: { train: count('train'), validation: count('validation'), test: count('test') },
    skipped: data.skipped,
    classes: data.classes,
    trainableParameters: trainer.trainableParameterCount,
    epochs: recipe.epochs,
    firstEpoch: initial.epochs + 1,
    history: initial.history,
  });
  const state = await runEpochs(
    {
      trainer,
      recipe,
      names: data.parts.train.map(({ name }) => name),
      labels: { classes: data.classes, structures },
      jobFolder,
      checkpoints: {
        // The clocks of a process group's ranks differ, and a checkpoint is the work of all.
        seconds: processGroup ? 0 : spec.checkpointSeconds,
        steps: spec.checkpointSteps,
        keep: spec.keepCheckpoints,
        leads: leads(processGroup),
      },
      ranks,
      signal,
      emit,
      watch: watcher(plan, trainer, data, dependencies, initial.epochs > 0),
      preview: previewer(plan, trainer, data, dependencies),
    },
    initial,
  );
  await trainer.leaveProcessGroup();
  if (!leads(processGroup)) return state;
  if (state.bestEpoch !== state.epochs) await trainer.loadCheckpoint(checkpointPath(jobFolder, state.bestEpoch));
  return state;
}

async function trainAndRegister(
  plan: Plan,
  head: HeadArchitecture | null,
  trainer: TrainerPort,
  data: PreparedData,
  dependencies: RunDependencies,
): Promise<Registered | undefined> {
  const { spec, recipe, base, structures } = plan;
  const { store, emit, codeVersion, answerGolden, loadPrecisionPair, processGroup } = dependencies;
  const started = performance.now();
  const open = leads(processGroup) ? openJob : readJob;
  const initial = await open(spec.jobFolder, digestOf(plan, head, data), spec.resume, spec.jobId);
  if (leads(processGroup)) await saveJob(spec.jobFolder, initial, spec.keepCheckpoints);
  const checkpoint = resumePoint(initial);
  if (checkpoint !== undefined) await trainer.loadCheckpoint(join(spec.jobFolder, checkpoint));
  await tellEmbeddingCache(trainer, recipe, data, emit);
  const before = await seenBefore(data, [base, plan.start]);
  tellSeenBefore(before, data, emit);
  const state = await trainToBest(plan, trainer, data, initial, dependencies);
  if (!leads(processGroup)) return undefined;
  await tellEmbeddingProblem(trainer, emit);
  // From here on a run that is taken up again first asks the store what its job has registered.
  await saveJob(spec.jobFolder, { ...state, phase: 'registering' }, spec.keepCheckpoints);
  const result = {
    spec: { ...spec, jobId: state.jobId },
    recipe,
    base,
    start: plan.start ?? plan.backbone,
    head,
    structures,
    data,
    before,
    state,
    answerGolden,
    loadPrecisionPair,
    codeVersion,
    seconds: (performance.now() - started) / 1000,
  };
  return registerResult(store, trainer, result, dependencies.signal);
}

/**
 * Runs a job to its registered model, which of a process group rank 0 registers. Errors are AutomedErrors; cancelled:
 * CANCELLED.
 */
export async function runTraining(given: TrainSpec, dependencies: RunDependencies): Promise<FinishedEvent> {
  const { store, createTrainer, emit, signal, processGroup } = dependencies;
  const spec = await resolveSource(given);
  const plan = await makePlan(spec, store);
  const { eachMask = spec.system === INTERACTIVE } = spec;
  const folder = await listSamples({ ...spec, eachMask });
  const head = await headFor(plan, folder.classes, dependencies.namedHead);
  await makeFolder(spec.jobFolder);
  const embeddings = await embeddingCacheFor(spec, plan.base);
  const sameTask = plan.start?.manifest.task === spec.task;
  const trainer = await createTrainer({
    task: spec.task,
    device: spec.device,
    threads: spec.threads,
    baseArchitecture: plan.base.manifest.architecture,
    baseWeightsPath: plan.base.weightsPath,
    headArchitecture: head,
    preprocessing: preprocessingOf(spec, head, plan.base, ANY_DEPTH),
    headWeightsPath: sameTask ? (plan.start?.weightsPath ?? null) : null,
    backboneWeightsPath: plan.backbone?.weightsPath ?? (sameTask ? null : (plan.start?.weightsPath ?? null)),
    train: spec.train,
    structures: Math.max(1, plan.structures.length),
    // A base has no threshold of its own: whoever prompts it says one.
    ...(head === null ? {} : { threshold: spec.threshold }),
    seed: spec.seed,
    recipe: plan.recipe,
    processGroup: processGroup ?? null,
    cachePath: join(spec.jobFolder, processGroup ? `samples-${processGroup.rank}.bin` : 'samples.bin'),
    ...(embeddings && !processGroup ? { embeddings } : {}),
  });
  try {
    const data = await loadSamples(folder, trainer, {
      strict: spec.strict,
      refuseProblems: !spec.allowDataProblems,
      dataset: spec.dataset,
      whole: spec.limit === undefined,
      decodeThreads: spec.decodeThreads,
      input: inputOf(preprocessingOf(spec, head, plan.base, ANY_DEPTH)),
      unused: leads(processGroup),
      signal,
      emit,
    });
    checkEnough(data);
    const registered = await trainAndRegister(plan, head, trainer, data, dependencies);
    if (!registered) return { type: 'finished', metrics: {} };
    const { model, base, report, metrics } = registered;
    await clearJob(spec.jobFolder);
    return {
      type: 'finished',
      ...(model ? { model: referenceOf(model) } : {}),
      ...(base ? { base: referenceOf(base) } : {}),
      report,
      metrics,
    };
  } catch (error) {
    if (signal.aborted) throw automedError('CANCELLED', 'The training run was cancelled.', { cause: error });
    throw error;
  } finally {
    await trainer.close();
  }
}
