// The end of a run: the best epoch's weights, scores and report become a model version.

import { copyFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  sha256OfFile,
  WEIGHTS_FILE,
  writeSampleRecord,
  type HeadArchitecture,
  type ModelDraft,
  type ModelManifest,
  reportOf,
  type ModelStore,
  type Populate,
  type StoredBackbone,
  type ReducedPrecision,
  type StoredBase,
  type StoredModel,
} from '../../../store';
import type { Report } from '../../../scoring/report/write-report';
import type { Assessment } from '../../../scoring/results/assessment';
import { scoreOf } from '../../../scoring/results/evaluation';
import { preprocessingOf, trainedArchitecture } from './preprocessing';
import { DEFAULT_SYSTEM } from '../../protocol/systems';
import type { TrainerPort } from '../ports/trainer';
import type { RunResult } from './run-result';
import { makeGolden, type GoldenWeights } from './make-golden';
import { measureAgreement } from './measure-agreement';
import { currentUser, describeHardware } from './provenance';
import { buildReport, metricsOf, writeCard, writeRunReport } from './run-report';

/** Appended to a model's name where a base of another origin has that. */
const ENCODER = '-encoder';
const LONGEST_NAME = 63;

function startedFrom({ manifest }: StoredModel | StoredBackbone) {
  return { name: manifest.name, version: manifest.version, sha256: manifest.weights.sha256 };
}

/** What a manifest says of a run. */
function describeRun(
  { spec, recipe, data, before, state, seconds, start, codeVersion }: RunResult,
  metrics: Record<string, Assessment>,
) {
  const counts = Object.fromEntries(Object.entries(data.parts).map(([part, samples]) => [part, samples.length]));
  return {
    training: {
      system: spec.system ?? DEFAULT_SYSTEM[spec.task],
      recipe: spec.recipe,
      ...recipe,
      seed: spec.seed,
      train: spec.train,
      bestEpoch: state.bestEpoch,
      seconds: Math.round(seconds),
      createdBy: spec.createdBy ?? currentUser(),
      hardware: describeHardware(spec),
      ...(spec.jobId === undefined ? {} : { job: spec.jobId }),
      ...(start === undefined ? {} : { startedFrom: startedFrom(start) }),
    },
    codeVersion,
    metrics,
    dataset: {
      ...(spec.dataset === undefined ? {} : { reference: spec.dataset.reference }),
      fingerprint: data.fingerprint,
      samples: counts,
      skipped: data.skipped,
      split: { seed: spec.seed, validationFraction: spec.validationFraction, testFraction: spec.testFraction },
      groupColumn: data.groupColumn ?? null,
      ...(spec.maskValues === undefined ? {} : { maskValues: spec.maskValues }),
      ...(Object.keys(before.counts).length === 0 ? {} : { seenBefore: before.counts }),
    },
  };
}

function draftModel(
  result: RunResult,
  head: HeadArchitecture,
  base: StoredBase,
  metrics: Record<string, Assessment>,
): ModelDraft {
  const { spec, data, structures } = result;
  const { name, version, weights } = base.manifest;
  const shared = {
    name: spec.name,
    base: { name, version, sha256: weights.sha256 },
    preprocessing: preprocessingOf(spec, head, base, data),
    architecture: head,
    ...describeRun(result, metrics),
    licence: spec.licence,
    ...(spec.terms === undefined ? {} : { terms: spec.terms }),
  };
  return spec.task === 'segmentation'
    ? { ...shared, task: 'segmentation', structures, threshold: spec.threshold }
    : { ...shared, task: 'classification', classes: data.classes };
}

/**
 * The name of the base that training makes: the one that was asked for, else the model's. A name that a base of another origin
 * has is never taken: who asks for that base would get this one.
 */
async function trainedBaseName(store: ModelStore, { spec, head }: RunResult): Promise<string> {
  if (head === null) return spec.name;
  if (spec.baseName !== undefined) return spec.baseName;
  const bases = await store.listBases();
  const same = bases.findLast(({ manifest }) => manifest.name === spec.name);
  if (same === undefined || same.manifest.trainedWith === spec.name) return spec.name;
  return `${spec.name.slice(0, LONGEST_NAME - ENCODER.length)}${ENCODER}`;
}

/** Registers the base as trained, with its descent. */
async function registerTrainedBase(
  store: ModelStore,
  result: RunResult,
  metrics: Record<string, Assessment>,
  populate: (folder: string) => Promise<void>,
): Promise<StoredBase> {
  const { spec, base, head, state, data } = result;
  const { name, version, family, architecture, parameters, licence, weights } = base.manifest;
  const trainedName = await trainedBaseName(store, result);
  const how = head === null ? 'to follow prompts' : `with the model ${spec.name}`;
  return store.registerBase(
    {
      name: trainedName,
      family,
      architecture: head === null ? trainedArchitecture(spec, architecture, data) : architecture,
      parameters,
      origin: `${name}@${version}, trained ${how} (best epoch ${state.bestEpoch})`,
      licence,
      trainedFrom: { name, version, sha256: weights.sha256 },
      ...(head === null ? {} : { trainedWith: spec.name }),
      ...describeRun(result, metrics),
    },
    populate,
  );
}

export interface Registered {
  /** Absent when the base itself was trained. */
  model?: StoredModel;
  /** The new version of the base, when some of it was trained. */
  base?: StoredBase;
  /** Folder of the report's files. */
  report: string;
  metrics: Record<string, unknown>;
}

/** The base that an interrupted registration of the same job left, when its weights are those that the trainer holds. */
async function baseOfInterruption(
  store: ModelStore,
  trainer: TrainerPort,
  { spec }: RunResult,
  headPath: string,
): Promise<StoredBase | undefined> {
  const found = spec.jobId === undefined ? undefined : (await store.findByJob(spec.jobId)).base;
  if (found === undefined) return undefined;
  const basePath = join(spec.jobFolder, 'base.safetensors');
  try {
    await trainer.exportWeights(headPath, basePath);
    return (await sha256OfFile(basePath)) === found.manifest.weights.sha256 ? found : undefined;
  } finally {
    await rm(basePath, { force: true });
  }
}

/** A trained base alone: its weights and the report. */
async function registerBaseOnly(
  store: ModelStore,
  trainer: TrainerPort,
  result: RunResult,
  report: Report,
  signal: AbortSignal,
): Promise<{ base: StoredBase; report: string }> {
  const base = await registerTrainedBase(store, result, metricsOf(report), async (folder) => {
    await trainer.exportWeights(null, join(folder, WEIGHTS_FILE));
    await writeSampleRecord(folder, result.before.record);
    await writeRunReport(folder, result, report);
    signal.throwIfAborted();
  });
  return { base, report: reportOf(base) };
}

/** The base whose encoder was trained beside the head: what an interrupted registration left of it, or a new version. */
async function trainedBase(
  store: ModelStore,
  trainer: TrainerPort,
  result: RunResult,
  report: Report,
  { headPath, signal }: { headPath: string; signal: AbortSignal },
): Promise<StoredBase> {
  const before = await baseOfInterruption(store, trainer, result, headPath);
  if (before) return before;
  return registerTrainedBase(store, result, metricsOf(report), async (folder) => {
    await trainer.exportWeights(headPath, join(folder, WEIGHTS_FILE));
    await writeSampleRecord(folder, result.before.record);
    await writeCard(folder, await trainedBaseName(store, result), result, report);
    signal.throwIfAborted();
  });
}

/** What the manifest says of the version in bfloat16; nothing where that is not measured. */
async function measureReduced(
  { spec, data, loadPrecisionPair }: RunResult,
  weights: GoldenWeights,
  signal: AbortSignal | undefined,
): Promise<{ reducedPrecision?: ReducedPrecision }> {
  if (!loadPrecisionPair || data.parts.validation.length === 0) return {};
  const pair = await loadPrecisionPair(weights, spec);
  try {
    return { reducedPrecision: { bfloat16: await measureAgreement(pair, data.parts.validation, signal) } };
  } finally {
    await pair.close();
  }
}

/**
 * The head on its base, and before it the base where that was trained, too. Whoever cancels before the first of them is
 * published gets neither; after that both are registered, or, when that fails, none.
 */
async function registerHead(
  store: ModelStore,
  trainer: TrainerPort,
  result: RunResult & { head: HeadArchitecture },
  report: Report,
  signal: AbortSignal,
): Promise<{ model: StoredModel; base?: StoredBase; report: string }> {
  const { spec, head, data, answerGolden } = result;
  const headPath = join(spec.jobFolder, 'head.safetensors');
  const trained =
    spec.train === 'head' ? undefined : await trainedBase(store, trainer, result, report, { headPath, signal });
  const draft = draftModel(result, head, trained ?? result.base, metricsOf(report));
  const populate: Populate<ModelManifest> = async (folder) => {
    const weights = join(folder, WEIGHTS_FILE);
    await (trained ? copyFile(headPath, weights) : trainer.exportWeights(weights, null));
    await writeSampleRecord(folder, result.before.record);
    const threshold = spec.task === 'segmentation' ? spec.threshold : null;
    const base = trained ?? result.base;
    // Hours may have passed, and a copy from an object store may have made room for others.
    await store.verify(base);
    const preprocessing = preprocessingOf(spec, head, base, data);
    const made = { base, head: { weightsPath: weights, architecture: head, preprocessing, threshold } };
    const reduced = await measureReduced(result, made, trained ? undefined : signal);
    await writeRunReport(folder, result, report, reduced.reducedPrecision);
    const golden = answerGolden && (await makeGolden(folder, spec, data.parts.validation, made, answerGolden));
    if (!trained) signal.throwIfAborted();
    return { ...reduced, ...(golden ? { golden } : {}) };
  };
  const model = await store.registerModel(draft, populate).catch(async (error: unknown) => {
    // What failed counts, not whether its base could be taken away.
    if (trained) await store.deleteBase(trained.manifest.name, trained.manifest.version).catch(() => undefined);
    throw error;
  });
  await rm(headPath, { force: true });
  return { model, ...(trained ? { base: trained } : {}), report: reportOf(model) };
}

/** What the job registered before it was interrupted, with nothing left to do. */
async function registeredBefore(
  store: ModelStore,
  { spec, head }: RunResult,
): Promise<Omit<Registered, 'metrics'> | undefined> {
  if (spec.jobId === undefined) return undefined;
  const { model, base } = await store.findByJob(spec.jobId);
  const whole = head === null ? base : model;
  if (!whole) return undefined;
  return { ...(model ? { model } : {}), ...(base ? { base } : {}), report: reportOf(whole) };
}

/**
 * Exports what the trainer holds and registers it; a job that did so before it was interrupted does not do it again.
 * @param signal ends it with the signal's reason as long as nothing is published; then it is too late to cancel
 */
export async function registerResult(
  store: ModelStore,
  trainer: TrainerPort,
  result: RunResult,
  signal: AbortSignal,
): Promise<Registered> {
  const report = await buildReport(trainer, result);
  const before = await registeredBefore(store, result);
  if (!before) signal.throwIfAborted();
  const { head } = result;
  const registered =
    before ??
    (head === null
      ? await registerBaseOnly(store, trainer, result, report, signal)
      : await registerHead(store, trainer, { ...result, head }, report, signal));
  const scores = Object.fromEntries(
    Object.entries(metricsOf(report)).map(([part, metrics]) => [part, { ...metrics, score: scoreOf(metrics) }]),
  );
  return {
    ...registered,
    metrics: { ...scores, bestEpoch: result.state.bestEpoch, seconds: Math.round(result.seconds) },
  };
}
