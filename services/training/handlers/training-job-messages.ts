// Jobs and their events as messages of the API.

import { relative } from 'node:path';
import type { EpochMetrics } from '../../../proto/gen/automed/training/v1/EpochMetrics';
import type { TrainingEvent } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob } from '../../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingProgress } from '../../../proto/gen/automed/training/v1/TrainingProgress';
import type { TrainingResult } from '../../../proto/gen/automed/training/v1/TrainingResult';
import { automedError } from '../../common/errors';
import { timestamp } from '../../common/grpc/timestamp';
import type { Job, JobEvent, JobProgress, StoredEvent } from '../domain/jobs/job';
import { stateText } from '../domain/jobs/waiting';
import { STATES, type State } from '../domain/jobs/state';
import type { TrainingJobSpec, FinishedEvent } from '../../worker/protocol/protocol';
import type { EpochMetrics as Metrics } from '../../scoring/results/epoch-metrics';
import { toSpec } from '../../worker/protocol/training-spec-message';

const PREFIX = 'TRAINING_JOB_STATE_';

function toState(state: State): `${typeof PREFIX}${State}` {
  return `${PREFIX}${state}`;
}

/** The states of a filter; absent for none. */
export function fromStates(names: readonly string[]): State[] | undefined {
  const states = names.filter((name) => name !== `${PREFIX}UNSPECIFIED`).map(fromState);
  return states.length === 0 ? undefined : states;
}

function fromState(name: string): State {
  const state = STATES.find((each) => toState(each) === name);
  if (state) return state;
  throw automedError('INVALID_ARGUMENT', `The state ${name} is not known.`, { field: 'states' });
}

export const optionalTime = (ms: number | null) => (ms === null ? null : timestamp(ms));

function toMetrics({ point, ...rest }: Metrics): EpochMetrics {
  // What is undefined stays unset, which the loader's types do not say.
  return { ...rest, ...(point ? { pointMdsc: point.mdsc, pointMiou: point.miou } : {}) } as EpochMetrics;
}

function toProgress({ epoch, epochs, progress, etaSeconds, latest, best }: JobProgress): TrainingProgress {
  return {
    epoch,
    epochCount: epochs,
    progress,
    ...(etaSeconds === null ? {} : { etaSeconds }),
    latest: latest && toMetrics(latest),
    best: best && toMetrics(best),
  };
}

/** The single numbers of what was measured, by part and name; lists and matrices stay in the JSON. */
function numbersOf(metrics: Record<string, unknown>): Record<string, number> {
  const numbers: Record<string, number> = {};
  for (const [part, value] of Object.entries(metrics)) {
    if (typeof value === 'number') numbers[part] = value;
    else if (typeof value === 'object' && value !== null) {
      for (const [name, each] of Object.entries(value)) {
        if (typeof each === 'number') numbers[`${part}.${name}`] = each;
      }
    }
  }
  return numbers;
}

/** Of a report in an object store all of its place. */
const within = (store: string, report: string): string =>
  report.startsWith('s3://') ? report : relative(store, report);

export function toResult({ model = '', base = '', report, metrics }: FinishedEvent, store: string): TrainingResult {
  return {
    model,
    base,
    report: report === undefined ? '' : within(store, report),
    metrics: numbersOf(metrics),
    metricsJson: JSON.stringify(metrics),
  };
}

/**
 * @param store root of the model store, which paths are told relative to
 * @param waiting what the job waits for; empty for one that does not wait
 */
export function toTrainingJob(job: Job, store: string, waiting = ''): TrainingJob {
  return {
    id: job.id,
    name: job.name,
    spec: toSpec(job.spec as TrainingJobSpec),
    state: toState(job.state),
    stateMessage: stateText(job, waiting),
    createTime: timestamp(job.createTime),
    startTime: optionalTime(job.startTime),
    endTime: optionalTime(job.endTime),
    updateTime: timestamp(job.updateTime),
    attemptCount: job.attempts,
    progress: job.progress && toProgress(job.progress),
    result: job.result && toResult(job.result, store),
    error: job.error && { reason: job.error.code, message: job.error.message, field: job.error.field ?? '' },
    priority: job.priority,
    requestId: job.requestId ?? '',
    creator: job.creator,
  };
}

function toWhat(event: JobEvent): Partial<TrainingEvent> {
  switch (event.type) {
    case 'state':
      return { stateChange: { state: toState(event.state), message: event.message } };
    case 'preparing':
      return { preparation: { doneCount: event.done, totalCount: event.total } };
    case 'started':
      return {
        start: {
          trainCount: event.samples.train,
          validationCount: event.samples.validation,
          testCount: event.samples.test,
          skippedCount: event.skipped,
          classes: event.classes,
          trainableParameterCount: event.trainableParameters,
          epochCount: event.epochs,
          firstEpoch: event.firstEpoch,
        },
      };
    case 'step': {
      const { type: _, ...step } = event;
      return { step };
    }
    case 'epoch':
      return {
        epoch: {
          metrics: toMetrics(event.metrics),
          best: event.best,
          seconds: event.seconds,
          dataWaitSeconds: event.dataWaitSeconds ?? 0,
        },
      };
    case 'preview':
      return { preview: { epoch: event.epoch, pictures: event.pictures } };
    case 'alarms':
      return { alarms: { epoch: event.epoch, alarms: event.alarms } };
    case 'log':
      return { logLine: { warning: event.level === 'warn', message: event.message } };
  }
}

/** @param png picture of a preview; empty when it is no longer kept */
export function toTrainingEvent({ sequence, time, event }: StoredEvent, png?: Buffer): TrainingEvent {
  const what = toWhat(event);
  if (what.preview) what.preview = { ...what.preview, png: png ?? Buffer.alloc(0) };
  return { sequence, time: timestamp(time), ...what };
}
