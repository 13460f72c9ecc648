// What stands between a version and an alias.

import { automedError } from '../../../common/errors';
import { referenceOf, type StoredModel } from '../../../store';
import { directionOf, largestOf, SCORE_NAMES, skipsMisses } from '../../../scoring/metrics/score-directions';
import type { AgreementGate, Evaluations, GateResult, MeasureAgreement, MetricGate } from './promotion';
import type { EvaluatedModel } from '../../../worker/protocol/evaluation-results';
import { locateScore, namedScores, type LocatedScore } from './scores';

export const AGREEMENT = 'agreement';

/** Images that a score must rest on unless the caller says another number. */
export const MINIMUM_IMAGES = 10;

/** The scores that a gate looks at, and what is wrong with their images or their threshold. */
interface Source {
  metrics: Record<string, unknown>;
  /** @param part of recorded scores, the part that the score is of */
  problems: (part: LocatedScore['part']) => string[];
}

const seenText = (count: number): string => `the version has seen ${count} of the images in its training`;

/** Scores that were recorded at training. The validation part selected the checkpoint: it is not unseen. */
function recorded({ manifest }: StoredModel): Source {
  const { seenBefore = {} } = manifest.dataset;
  return {
    metrics: manifest.metrics,
    problems: (part) => {
      const seen = (part && seenBefore[part]) ?? 0;
      return [
        ...(part === 'validation' ? ['it is of the validation images, which selected the checkpoint'] : []),
        ...(seen > 0 ? [`the base or the model that it began as has seen ${seen} of the images`] : []),
      ];
    },
  };
}

/** Whether an evaluation measured what the version has not seen: by what it recorded, or else by the part. */
function seenProblems({ seen, part }: EvaluatedModel): string[] {
  if (typeof seen === 'number') return seen > 0 ? [seenText(seen)] : [];
  if (part === 'train' || part === 'validation') return [`it is of the ${part} images, which the version has seen`];
  return part === 'all' ? ['it is of all images, and the version does not record which of them it has seen'] : [];
}

function thresholdProblems({ threshold }: EvaluatedModel, { manifest }: StoredModel): string[] {
  if (manifest.task !== 'segmentation' || threshold === undefined || threshold === manifest.threshold) return [];
  return [`it was measured at the threshold ${threshold}, and the version has ${manifest.threshold}`];
}

/** The scores of an evaluation. @throws InvalidInputError when it is not of these weights */
async function evaluated(
  evaluation: string,
  field: string,
  candidate: StoredModel,
  evaluations: Evaluations,
): Promise<Source> {
  const found = await evaluations.evaluatedModel(evaluation);
  const { manifest } = candidate;
  const refuse = (text: string): Error =>
    automedError('INVALID_ARGUMENT', `The evaluation ${evaluation} is of ${text}.`, { field: `${field}.evaluation` });
  if (found.name !== manifest.name || found.version !== manifest.version) {
    throw refuse(`${found.name}@${found.version}, not of ${referenceOf(candidate)}`);
  }
  const { sha256 = manifest.weights.sha256, baseSha256 = manifest.base.sha256 } = found;
  if (sha256 !== manifest.weights.sha256 || baseSha256 !== manifest.base.sha256) {
    throw refuse(`other weights than ${referenceOf(candidate)} has now: evaluate again`);
  }
  const problems = [...thresholdProblems(found, candidate), ...seenProblems(found)];
  return { metrics: found.metrics, problems: () => problems };
}

/** Versions of before have scores without it. */
const UNCOUNTED =
  'it is not recorded how many images it rests on: evaluate the version and let the gate name the evaluation, or force it';

/** What keeps a score from counting although it is there. */
function scoreProblems(metric: string, { images, measured }: LocatedScore, minimumImages: number): string[] {
  const few = images !== undefined && images < minimumImages;
  const left = (measured ?? 0) - (images ?? 0);
  return [
    ...(images === undefined ? [UNCOUNTED] : []),
    ...(few ? [`it rests on ${images} ${images === 1 ? 'image' : 'images'}, fewer than ${minimumImages}`] : []),
    ...(skipsMisses(metric) && images !== undefined && left > 0
      ? [`it leaves out ${left} of ${measured} images, on which one of the masks is empty: ask for hd95_penalized_px`]
      : []),
  ];
}

/**
 * Measures one gate. A score counts when it is of exactly these weights at the version's threshold, of images that the
 * version has not seen, and of enough of them.
 * @throws InvalidInputError when there is no such score, or the evaluation is of other weights
 */
export async function measureMetric(
  gate: MetricGate,
  field: string,
  { candidate, minimumImages = MINIMUM_IMAGES }: { candidate: StoredModel; minimumImages?: number | undefined },
  evaluations: Evaluations,
): Promise<GateResult> {
  const source =
    gate.evaluation === '' ? recorded(candidate) : await evaluated(gate.evaluation, field, candidate, evaluations);
  const scores = namedScores(source.metrics);
  const found = locateScore(scores, gate.metric);
  if (found === undefined) {
    const known =
      [...scores.keys()]
        .filter((name) => !name.endsWith('.images'))
        .slice(0, 20)
        .join(', ') || 'none';
    const of = gate.evaluation === '' ? referenceOf(candidate) : `The evaluation ${gate.evaluation}`;
    const text = `${of} has no score "${gate.metric}"; it has ${known}.`;
    throw automedError('INVALID_ARGUMENT', text, { field: `${field}.metric` });
  }
  const { metric, minimum, maximum, evaluation } = gate;
  const { value: measured, images } = found;
  const reached = maximum === undefined ? measured >= minimum : measured <= maximum;
  const problems = [...scoreProblems(metric, found, minimumImages), ...source.problems(found.part)];
  return {
    metric,
    minimum,
    ...(maximum === undefined ? {} : { maximum }),
    measured,
    evaluation,
    passed: reached && problems.length === 0,
    images: images ?? 0,
    ...(problems.length === 0 ? {} : { problem: problems.join(', ') }),
  };
}

/** @throws InvalidInputError (field `FIELD.metric`, `.minimum`, `.maximum`) for an unknown score, a bound on its wrong side, or one that every value keeps */
export function checkBound({ metric, minimum, maximum }: MetricGate, field: string): void {
  const invalid = (text: string, part: string): Error =>
    automedError('INVALID_ARGUMENT', text, { field: `${field}.${part}` });
  if (metric === '') throw invalid('A gate names the score that it looks at.', 'metric');
  if (!Number.isFinite(minimum)) throw invalid('A minimum is a number.', 'minimum');
  if (maximum !== undefined && !Number.isFinite(maximum)) throw invalid('A maximum is a number.', 'maximum');
  const direction = directionOf(metric);
  if (direction === undefined) {
    const shown = JSON.stringify(metric.slice(0, 100));
    throw invalid(`There is no score ${shown}; known are ${SCORE_NAMES.join(', ')}.`, 'metric');
  }
  if (direction === 'lower' && maximum === undefined) {
    const text = `${metric} is better when it is lower: a gate on it is a maximum, ${metric}<=${minimum}.`;
    throw invalid(text, 'minimum');
  }
  if (direction === 'higher' && maximum !== undefined) {
    const text = `${metric} is better when it is higher: a gate on it is a minimum, ${metric}>=${maximum}.`;
    throw invalid(text, 'maximum');
  }
  if (maximum !== undefined && minimum !== 0) {
    throw invalid('A gate has a minimum or a maximum, not both.', 'maximum');
  }
  const largest = largestOf(metric);
  if (maximum !== undefined && maximum > largest) {
    // As in percent: everything would pass.
    throw invalid(`${metric} is ${largest} at most: a gate of ${maximum} lets everything pass.`, 'maximum');
  }
}

/** Compares a version with the one in place; passes where none is. */
export async function measureAgreement(
  gate: AgreementGate,
  versions: { candidate: StoredModel; current: StoredModel | undefined; minimumImages?: number | undefined },
  measure: MeasureAgreement,
  signal: AbortSignal,
): Promise<GateResult> {
  const { minimum, evaluation } = gate;
  const { candidate, current, minimumImages = MINIMUM_IMAGES } = versions;
  const shared = { metric: AGREEMENT, minimum, evaluation };
  if (current === undefined) return { ...shared, measured: null, passed: true, images: 0 };
  if (current.manifest.task !== candidate.manifest.task) {
    const text = `${referenceOf(current)} is a ${current.manifest.task} model; its answers cannot be compared with those of ${referenceOf(candidate)}.`;
    throw automedError('WRONG_TASK', text, { field: 'agreement' });
  }
  const { value, images } = await measure({ candidate, current, evaluation }, signal);
  const result = { ...shared, measured: value, images };
  if (images >= minimumImages) return { ...result, passed: value >= minimum };
  return { ...result, passed: false, problem: `it rests on ${images} images, fewer than ${minimumImages}` };
}

/** `mdsc is 0.7123, below 0.8` for each gate that holds the version back. */
export function describeRefusal(gates: readonly GateResult[]): string {
  const digits = (value: number): string => String(Number(value.toPrecision(6)));
  return gates
    .filter(({ passed }) => !passed)
    .map(({ metric, measured, minimum, maximum, evaluation, images, problem }) => {
      const where = evaluation === '' ? 'as recorded at training' : `in evaluation ${evaluation}`;
      const count = images > 0 ? ` (${images} images)` : '';
      const below = maximum === undefined && (measured ?? -Infinity) < minimum ? [`below ${digits(minimum)}`] : [];
      const above = maximum !== undefined && (measured ?? Infinity) > maximum ? [`above ${digits(maximum)}`] : [];
      const why = [...below, ...above, ...(problem === undefined ? [] : [problem])].join(', ');
      return `${metric} is ${measured === null ? 'unknown' : digits(measured)} ${where}${count}, ${why}`;
    })
    .join('; ');
}
