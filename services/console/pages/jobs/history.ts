// What the events of a job add up to.

import type { EpochMetrics, TrainingEvent } from '../../../console-kit/api/job-types';

export interface JobHistory {
  /** Of the newest event. */
  sequence: number;
  epochs: readonly EpochMetrics[];
  previews: readonly NonNullable<TrainingEvent['preview']>[];
  lines: readonly LogLine[];
  step: TrainingEvent['step'];
  preparation: TrainingEvent['preparation'];
  start: TrainingEvent['start'];
  /** What is wrong now. */
  alarms: NonNullable<NonNullable<TrainingEvent['alarms']>['alarms']>;
}

export interface LogLine {
  time: string;
  warning: boolean;
  text: string;
}

export const NOTHING_YET: JobHistory = {
  sequence: 0,
  epochs: [],
  previews: [],
  lines: [],
  step: undefined,
  preparation: undefined,
  start: undefined,
  alarms: [],
};

/** As many lines as anybody scrolls through. */
const MOST_LINES = 500;

/** Adds an event; one that was seen before changes nothing. A resumed run repeats epochs, and then the later one counts. */
export function withEvent(history: JobHistory, event: TrainingEvent): JobHistory {
  const sequence = Number(event.sequence);
  if (sequence <= history.sequence) return history;
  const next = { ...history, sequence };
  const { epoch, preview, stateChange, logLine } = event;
  if (epoch) next.epochs = placed(history.epochs, epoch.metrics);
  if (preview?.png !== undefined) next.previews = placed(history.previews, preview);
  if (event.step) next.step = event.step;
  if (event.preparation) next.preparation = event.preparation;
  if (event.start) next.start = event.start;
  if (event.alarms) next.alarms = event.alarms.alarms ?? [];
  const text = logLine?.message ?? stateChange?.message ?? '';
  if (text !== '') {
    const line = { time: event.time ?? '', warning: logLine?.warning ?? false, text };
    next.lines = [...history.lines, line].slice(-MOST_LINES);
  }
  return next;
}

function placed<T extends { epoch: number }>(all: readonly T[], added: T): T[] {
  return [...all.filter(({ epoch }) => epoch < added.epoch), added];
}
