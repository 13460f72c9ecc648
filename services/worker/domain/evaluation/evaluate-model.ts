// One evaluation from specification to result: the model answers each labelled image as it would in service, and the answers
// are scored at the images' own size.

import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { automedError } from '../../../common/errors';
import { askedIntensity, type ModelStore, recordOf, type StoredBase, type StoredModel } from '../../../store';
import type { EvaluateSpec, EvaluationSpec, FinishedEvent, Emit } from '../../protocol/protocol';
import { drawCases, worthOf, worstFirst, type Case } from '../../../scoring/report/cases';
import { writeReport } from '../../../scoring/report/write-report';
import { assess, type Assessment, type ScoredSample } from '../../../scoring/results/assessment';
import type { Problem, Sample } from '../../../datasets/samples/sample';
import type { Labels } from '../../../scoring/results/evaluation';
import { decodeInOrder, decodeSampleDeep, problemOf, type DecodedSample } from '../../../datasets/load/load-samples';
import { inputOf } from '../../../checks/input-axes';
import type { Losses } from '../../../checks/model-view';
import { mostProbable } from '../../../scoring/metrics/metrics';
import { SampleGuard } from '../../../checks/digests';
import { factsOf as sampleFacts, measuredFindings, type Seen } from '../../../checks/findings';
import type { Finding } from '../../../datasets/samples/finding';
import { tellFindings } from '../data/load-data';
import { refuseErrors } from '../../../checks/refuse-errors';
import { reportProblems } from '../../../datasets/samples/progress';
import { fingerprintOf } from '../../../datasets/samples/fingerprint';
import { planEvaluation, type EvaluationPlan } from '../../../evaluation/plan';
import { recordedInManifest } from '../../../evaluation/recorded';
import { classifiedSample, segmentedSample } from '../../../evaluation/scored-sample';
import { scoreMask } from '../../../scoring/metrics/score-mask';
import type { LoadPredictor, Predictor } from './predictor';
import {
  publishEvaluation,
  REPORT_FOLDER,
  type EvaluatedSample,
  type EvaluationResult,
} from '../../protocol/evaluation-results';

/** Files of a finding that the result keeps. */
const NAMED_FILES = 100;

export interface EvaluateDependencies {
  store: ModelStore;
  loadPredictor: LoadPredictor;
  emit: Emit;
  signal: AbortSignal;
  codeVersion: string;
}

/** Everything that is settled before the first image is opened. */
interface Plan extends EvaluationPlan<EvaluationSpec> {
  spec: EvaluationSpec & EvaluationPlan<EvaluationSpec>['request'] & { part: NonNullable<EvaluationSpec['part']> };
  model: StoredModel;
  base: StoredBase;
  labels: Labels;
  threshold: number | null;
}

/** A model that is to be measured, and the base it stands on; both are what they were when they were registered. */
async function loadable(store: ModelStore, reference: string): Promise<{ model: StoredModel; base: StoredBase }> {
  const model = await store.resolveModel(reference);
  const { name, version, sha256 } = model.manifest.base;
  const base = await store.resolveBase(`${name}@${version}`);
  if (base.manifest.weights.sha256 !== sha256) {
    const text = `${reference} was trained on another ${name}@${version} than the store has.`;
    throw automedError('CHECKPOINT_MISMATCH', text, { field: 'model' });
  }
  await store.verify(model);
  await store.verify(base);
  return { model, base };
}

/** The specification with its structures in the order in which the model draws them. */
function inModelOrder(spec: EvaluationSpec, drawn: readonly string[]): EvaluationSpec {
  const order = (name: string): number => drawn.indexOf(name);
  const structures = spec.structures?.toSorted((a, b) => order(a.name) - order(b.name));
  return structures ? { ...spec, structures } : spec;
}

async function makePlan(given: EvaluationSpec, { store, signal }: EvaluateDependencies): Promise<Plan> {
  const { model, base } = await loadable(store, given.model);
  const { manifest } = model;
  const { name, version, task } = manifest;
  const classes = manifest.task === 'classification' ? manifest.classes : [];
  const structures = manifest.task === 'segmentation' ? manifest.structures : [];
  const measured = {
    ...{ name: `${name}@${version}`, task, classes, structures },
    recorded: recordedInManifest(model.manifest),
    lookUp: recordOf(model),
  };
  const plan = await planEvaluation<EvaluationSpec>(measured, inModelOrder(given, structures), signal);
  const spec = { ...plan.request, part: plan.part };
  return {
    ...{ ...plan, spec, model, base },
    labels: { classes, structures },
    threshold: manifest.task === 'segmentation' ? (spec.threshold ?? manifest.threshold) : null,
  };
}

/** The model's answer to one image, scored. */
async function scoreImage(
  { sample, pixels, masks }: DecodedSample,
  losses: readonly Losses[],
  predictor: Predictor,
  { threshold, classIndices: indices }: Plan,
  signal: AbortSignal,
): Promise<ScoredSample> {
  const { width, height } = pixels;
  const size = { widthPx: width, heightPx: height };
  if (threshold === null) {
    const probabilities = await predictor.classify(pixels, signal);
    return { ...classifiedSample(sample, probabilities, indices[sample.label ?? 0] ?? 0), ...size };
  }
  const drawn = await predictor.segment(pixels, threshold, signal);
  const scores = drawn.map((mask, index) => {
    const truth = masks?.subarray(index * width * height, (index + 1) * width * height) ?? new Uint8Array();
    return scoreMask(mask, truth, width, height);
  });
  return { ...segmentedSample(sample, scores, losses), ...size };
}

interface Scored {
  /** Those that could be used, beside their scores. */
  samples: Sample[];
  scores: ScoredSample[];
  problems: Problem[];
  findings: Finding[];
  fingerprint: string;
}

async function scoreAll(plan: Plan, predictor: Predictor, { emit, signal }: EvaluateDependencies): Promise<Scored> {
  const { spec, folder } = plan;
  const guard = spec.dataset && (await SampleGuard.open(spec.dataset));
  reportProblems(folder.problems, spec.strict, emit);
  const found: Scored = { samples: [], scores: [], problems: [], findings: [], fingerprint: '' };
  const lines = folder.classes.map((name, index) => `class ${index} ${name}`);
  const seen: Seen[] = [];
  const input = inputOf(plan.model.manifest.preprocessing);
  let done = 0;
  for await (const result of decodeInOrder(plan.samples, { depth: 16 })) {
    signal.throwIfAborted();
    guard?.see(result.sample.name, 'digest' in result ? result.digest : undefined);
    if ('problem' in result) {
      found.problems.push(problemOf(result));
    } else {
      const facts = sampleFacts('test', result, input);
      found.scores.push(await scoreImage(result, facts.maskFacts?.losses ?? [], predictor, plan, signal));
      found.samples.push(result.sample);
      seen.push(facts);
      lines.push(`${spec.part} ${result.sample.name} ${result.digest}`);
    }
    done += 1;
    if (done % 8 === 0 || done === plan.samples.length) emit({ type: 'preparing', done, total: plan.samples.length });
  }
  guard?.finish(spec.part === 'all' && spec.limit === undefined);
  reportProblems(found.problems, spec.strict, emit);
  const { name, version, preprocessing } = plan.model.manifest;
  const rule = { model: `${name}@${version}`, used: preprocessing.intensity, stated: askedIntensity(spec) };
  found.findings = measuredFindings(seen, folder, found.problems, rule);
  if (!spec.allowDataProblems) refuseErrors(found.findings, 'measure');
  tellFindings(found.findings, emit);
  if (found.scores.length > 0) return { ...found, fingerprint: fingerprintOf(lines) };
  throw automedError('INVALID_ARGUMENT', 'None of the images could be used.', { field: 'data' });
}

async function casesOf(
  plan: Plan,
  { samples, scores }: Scored,
  predictor: Predictor,
  signal: AbortSignal,
): Promise<Case[]> {
  const read = async (index: number) => {
    const { pixels, masks } = await decodeSampleDeep(samples[index]!);
    if (plan.threshold === null) return { pixels, truth: undefined, predicted: undefined };
    const drawn = await predictor.segment(pixels, plan.threshold, signal);
    return { pixels, truth: masks, predicted: Buffer.concat(drawn) };
  };
  return drawCases(scores, read, { ...plan.labels, worst: plan.spec.worstCount });
}

/** A row of the result, with its classes by name. */
function describe(sample: ScoredSample, { classes }: Labels): EvaluatedSample {
  const { name, group, widthPx = 0, heightPx = 0, structures, probabilities, label } = sample;
  const predicted = classes[mostProbable(probabilities ?? [])];
  const truth = classes[label ?? -1];
  return {
    name,
    ...(group === undefined ? {} : { group }),
    score: worthOf(sample),
    widthPx,
    heightPx,
    structures: (structures ?? []).map(({ dice, iou, hd95PenalizedPx, ...scores }) => ({
      dice,
      iou,
      sensitivity: scores.sensitivity ?? null,
      specificity: scores.specificity ?? null,
      hd95Px: scores.hd95Px ?? null,
      asdPx: scores.asdPx ?? null,
      ...(hd95PenalizedPx === undefined ? {} : { hd95PenalizedPx }),
    })),
    ...(truth === undefined || predicted === undefined ? {} : { label: truth, predicted }),
    probabilities: Array.from(probabilities ?? []),
  };
}

function factsOf({ model, dataset, base, spec, threshold, codeVersion }: EvaluationResult) {
  return [
    { name: 'model', value: `${model.name}@${model.version}, sha256 ${model.sha256}` },
    { name: 'base', value: `${base.name}@${base.version}, sha256 ${base.sha256}` },
    { name: 'data', value: `${spec.dataset?.reference ?? spec.data}, part ${spec.part ?? ''}` },
    { name: 'fingerprint', value: dataset.fingerprint },
    { name: 'files left out', value: String(dataset.skipped) },
    ...(dataset.notes ?? []).map((value) => ({ name: 'seen in training', value })),
    ...(dataset.findings ?? []).map(({ message }) => ({ name: 'finding', value: message })),
    { name: 'groups', value: dataset.groupColumn ?? 'the data names none' },
    ...(threshold === null ? [] : [{ name: 'threshold', value: String(threshold) }]),
    { name: 'code version', value: codeVersion },
  ];
}

function resultOf(
  plan: Plan,
  scored: Scored,
  metrics: Assessment,
  run: { id: string; codeVersion: string; started: number },
): EvaluationResult {
  const { spec, model, base, labels, threshold, folder, seen, notes } = plan;
  const reference = ({ manifest: { name, version, weights } }: StoredModel | StoredBase) => ({
    name,
    version,
    sha256: weights.sha256,
  });
  return {
    schema: 1,
    id: run.id,
    task: model.manifest.task,
    model: reference(model),
    base: reference(base),
    labels: { classes: [...labels.classes], structures: [...labels.structures] },
    spec,
    dataset: {
      fingerprint: scored.fingerprint,
      skipped: folder.problems.length + scored.problems.length,
      groupColumn: folder.groupColumn ?? null,
      seen,
      notes: [...notes],
      findings: scored.findings.map(({ names, ...rest }) => ({ ...rest, names: names.slice(0, NAMED_FILES) })),
    },
    threshold,
    metrics: { ...metrics },
    codeVersion: run.codeVersion,
    seconds: (performance.now() - run.started) / 1000,
    created: new Date().toISOString(),
  };
}

/** Measures a model and leaves the result below the store's evaluations/. */
export async function evaluateModel(
  { id, store: _, threads, ...given }: EvaluateSpec,
  dependencies: EvaluateDependencies,
): Promise<FinishedEvent> {
  const { store, loadPredictor, emit, signal, codeVersion } = dependencies;
  const started = performance.now();
  const plan = await makePlan(given, dependencies);
  for (const message of plan.notes) emit({ type: 'log', level: plan.seen === 0 ? 'info' : 'warn', message });
  const predictor = await loadPredictor(plan, { device: given.device, threads });
  try {
    const scored = await scoreAll(plan, predictor, dependencies);
    const metrics = assess(scored.scores, plan.labels, { seed: plan.spec.seed });
    const result = resultOf(plan, scored, metrics, { id, codeVersion, started });
    const cases = plan.spec.reportImages ? await casesOf(plan, scored, predictor, signal) : undefined;
    const { part } = plan.spec;
    const rows = worstFirst(scored.scores).map((index) => describe(scored.scores[index]!, plan.labels));
    const name = `${result.model.name}@${result.model.version}`;
    signal.throwIfAborted();
    await publishEvaluation(store.root, result, rows, (folder) =>
      writeReport(join(folder, REPORT_FOLDER), {
        title: `${name} on ${part}`,
        labels: plan.labels,
        history: [],
        parts: { [part]: { metrics, samples: scored.scores } },
        shown: part,
        facts: factsOf(result),
        ...(cases ? { cases } : {}),
      }),
    );
    return { type: 'finished', model: name, metrics: result.metrics };
  } catch (error) {
    if (signal.aborted) throw automedError('CANCELLED', 'The evaluation was cancelled.', { cause: error });
    throw error;
  } finally {
    await predictor.close();
  }
}
