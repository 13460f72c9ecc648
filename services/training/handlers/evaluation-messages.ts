// Between evaluations and the messages of the API.

import { join, relative } from 'node:path';
import type { Evaluation } from '../../../proto/gen/automed/evaluations/v1/Evaluation';
import type { EvaluationResult as ResultMessage } from '../../../proto/gen/automed/evaluations/v1/EvaluationResult';
import type { EvaluationSample } from '../../../proto/gen/automed/evaluations/v1/EvaluationSample';
import type { EvaluationSpec, EvaluationSpec__Output } from '../../../proto/gen/automed/evaluations/v1/EvaluationSpec';
import type { Score } from '../../../proto/gen/automed/evaluations/v1/Score';
import { automedError } from '../../common/errors';
import type { Task } from '../../store';
import type { StoredEstimate } from '../../scoring/metrics/estimate';
import type { EvaluationJobSpec } from '../domain/evaluations/evaluation-kind';
import type { EvaluationDraft, EvaluationView, SampleOrder } from '../domain/evaluations/evaluations';
import {
  evaluationFolder,
  REPORT_FOLDER,
  type EvaluatedSample,
  type EvaluationResult,
} from '../../worker/protocol/evaluation-results';
import type { State } from '../domain/jobs/state';
import { stateText } from '../domain/jobs/waiting';
import { timestamp } from '../../common/grpc/timestamp';
import { optionalTime } from './training-job-messages';
import { columnsOf, taskName, wordOf } from '../../worker/protocol/training-spec-message';

const PARTS = {
  unseen: 'EVALUATION_PART_UNSEEN',
  train: 'EVALUATION_PART_TRAIN',
  validation: 'EVALUATION_PART_VALIDATION',
  test: 'EVALUATION_PART_TEST',
  all: 'EVALUATION_PART_ALL',
} as const;
const ORDERS = {
  'worst-first': 'EVALUATION_SAMPLE_ORDER_WORST_FIRST',
  'best-first': 'EVALUATION_SAMPLE_ORDER_BEST_FIRST',
  name: 'EVALUATION_SAMPLE_ORDER_NAME',
} as const;

/** Findings in an answer. */
const MOST_FINDINGS = 1000;

const STATE_PREFIX = 'EVALUATION_STATE_';
/** An evaluation is not paused, so the states of pausing never occur. */
const STATES = ['PENDING', 'RUNNING', 'RESUMING', 'CANCELLING', 'CANCELLED', 'SUCCEEDED', 'FAILED'] as const;

export function orderOf(name: string): SampleOrder {
  return wordOf(ORDERS, name, 'order') ?? 'worst-first';
}

/** The states of a filter; absent for none. */
export function evaluationStates(names: readonly string[]): State[] | undefined {
  const given = names.filter((name) => name !== `${STATE_PREFIX}UNSPECIFIED`);
  if (given.length === 0) return undefined;
  return given.map((name) => {
    const state = STATES.find((each) => `${STATE_PREFIX}${each}` === name);
    if (state) return state;
    throw automedError('INVALID_ARGUMENT', `The state ${name} is not known.`, { field: 'states' });
  });
}

/** What the job's schema is to check: absent fields take the schema's defaults. */
export function fromEvaluationSpec(spec: EvaluationSpec__Output): EvaluationDraft {
  const { part, structures, seed, dataset: _, columns, allowDataProblems, ...rest } = spec;
  const fields = {
    ...rest,
    part: wordOf(PARTS, part, 'spec.part'),
    structures: structures.length > 0 ? structures : undefined,
    seed: seed === undefined ? undefined : Number(seed),
    columns: columnsOf(columns),
    allowDataProblems,
  };
  const given = Object.entries(fields).filter(
    ([key, value]) => !key.startsWith('_') && value !== undefined && value !== '',
  );
  return Object.fromEntries(given);
}

function toSpec({ part, structures = [], ...rest }: EvaluationJobSpec): EvaluationSpec {
  const { model, data, strict, worstCount, reportImages, device } = rest;
  const { masksDir, groupColumn, threshold, seed, validationFraction, testFraction, limit, layout, columns } = rest;
  const optional = {
    ...{ masksDir, groupColumn, threshold, seed, validationFraction, testFraction, limit, layout, columns },
    dataset: rest.dataset?.reference,
    maskValues: rest.maskValues,
    intensity: rest.intensity,
  };
  const given = Object.entries(optional).filter(([, value]) => value !== undefined);
  return {
    ...Object.fromEntries(given),
    ...{ model, data, strict, worstCount, reportImages, device },
    allowDataProblems: rest.allowDataProblems,
    structures: [...structures],
    ...(part === undefined ? {} : { part: PARTS[part] }),
  };
}

function confusionOf({ labels, metrics }: EvaluationResult): { trueClass: string; counts: number[] }[] {
  const { confusion } = metrics as { confusion?: number[][] };
  return (confusion ?? []).map((counts, index) => ({ trueClass: labels.classes[index] ?? '', counts }));
}

function toScore(name: string, { value, images, masks, lesions, classes, resamples, ...ends }: StoredEstimate): Score {
  const counts = {
    ...{ imageCount: images, maskCount: masks, lesionCount: lesions },
    ...{ classCount: classes, resampleCount: resamples },
  };
  const given = Object.entries({ ...ends, ...counts }).filter(([, count]) => count !== undefined);
  return { name, value, ...Object.fromEntries(given) };
}

function toResult(result: EvaluationResult, home: string): ResultMessage {
  const { id, model, base, spec, dataset, threshold, metrics, labels } = result;
  const { estimates, unit, units, resamples } = metrics.intervals;
  return {
    model: `${model.name}@${model.version}`,
    weightsSha256: model.sha256,
    base: `${base.name}@${base.version}`,
    baseSha256: base.sha256,
    part: PARTS[spec.part ?? 'all'],
    imageCount: metrics.images,
    skippedCount: dataset.skipped,
    dataFingerprint: dataset.fingerprint,
    ...(typeof dataset.seen === 'number' ? { seenCount: dataset.seen } : {}),
    notes: dataset.notes ?? [],
    findings: (dataset.findings ?? [])
      .slice(0, MOST_FINDINGS)
      .map(({ kind, severity, message, names }) => ({ kind, error: severity === 'error', message, names })),
    ...(threshold === null ? {} : { threshold }),
    scores: Object.entries(estimates).map(([name, estimate]) => toScore(name, estimate)),
    resampledByGroup: unit === 'group',
    unitCount: units,
    resampleCount: resamples,
    classes: labels.classes,
    confusion: confusionOf(result),
    structures: labels.structures,
    report: relative(home, join(evaluationFolder(home, id), REPORT_FOLDER)),
  };
}

/** @param home root of the model store, which paths are told relative to */
export function toEvaluation({ job, result, waiting }: EvaluationView, home: string): Evaluation {
  const { id, state, error } = job;
  return {
    id,
    spec: toSpec(job.spec as EvaluationJobSpec),
    task: taskName(job.task as Task),
    state: `${STATE_PREFIX}${state as (typeof STATES)[number]}`,
    stateMessage: stateText(job, waiting),
    progress: state === 'SUCCEEDED' ? 1 : (job.progress?.progress ?? 0),
    createTime: timestamp(job.createTime),
    startTime: optionalTime(job.startTime),
    endTime: optionalTime(job.endTime),
    result: result ? toResult(result, home) : null,
    error: error && { reason: error.code, message: error.message, field: error.field ?? '' },
    requestId: job.requestId ?? '',
  };
}

/** Only what is known: absence is what an optional field says. */
function known(scores: Record<string, number | null>): Record<string, number> {
  return Object.fromEntries(Object.entries(scores).filter((entry): entry is [string, number] => entry[1] !== null));
}

export function toSample(sample: EvaluatedSample, { labels }: EvaluationResult): EvaluationSample {
  const { name, group = '', score, widthPx, heightPx, structures, label = '', predicted = '', probabilities } = sample;
  return {
    ...{ name, group, score, widthPx, heightPx, probabilities },
    structures: structures.map((scores, index) => {
      const { dice, iou, sensitivity, specificity, hd95Px, asdPx, hd95PenalizedPx = null } = scores;
      const optional = known({ sensitivity, specificity, hd95Px, asdPx, hd95PenalizedPx });
      return { name: labels.structures[index] ?? '', dice, iou, ...optional };
    }),
    trueClass: label,
    predictedClass: predicted,
  };
}
