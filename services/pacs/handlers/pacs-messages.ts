import type { GetStatusResponse } from '../../../proto/gen/automed/pacs/v1/GetStatusResponse';
import type { Series } from '../../../proto/gen/automed/pacs/v1/Series';
import type { StateCount } from '../../../proto/gen/automed/pacs/v1/StateCount';
import type { Study } from '../../../proto/gen/automed/pacs/v1/Study';
import type { WorkState as WorkStateMessage } from '../../../proto/gen/automed/pacs/v1/WorkState';
import { timestamp } from '../../common/grpc/timestamp';
import type { AnalysisView, Counts, ResultView, SeriesView, StudyView, Totals } from '../adapters/journal/overview';
import type { SeriesVerdict } from '../adapters/journal/completion';
import { WORK_STATES, type WorkState } from '../domain/work';

const stateOf = (state: WorkState): WorkStateMessage => `WORK_STATE_${state.toUpperCase()}` as WorkStateMessage;

/** The state that a request names; undefined for none. */
export function namedState(state: string): WorkState | undefined {
  return WORK_STATES.find((each) => stateOf(each) === state);
}

function toCounts(counts: Counts): StateCount[] {
  return WORK_STATES.flatMap((state) => {
    const count = counts[state] ?? 0;
    return count === 0 ? [] : [{ state: stateOf(state), count }];
  });
}

export function toStatus(totals: Totals, now: number): GetStatusResponse {
  const { studies, instances, openSeries, analyses, deliveries, reviews, oldest } = totals;
  return {
    studyCount: studies,
    instanceCount: instances,
    openSeriesCount: openSeries,
    analyses: toCounts(analyses),
    deliveries: toCounts(deliveries),
    waitingReviewCount: reviews.waiting,
    deadReviewCount: reviews.dead,
    ...(oldest === undefined ? {} : { oldestWaitSeconds: Math.max(0, now - oldest) / 1000 }),
  };
}

export function toStudy(view: StudyView): Study {
  const { number, study, arrivalTime, isOpen, seriesCount, instanceCount, analyses, deliveries } = view;
  return {
    number,
    studyUid: study,
    arrivalTime: timestamp(arrivalTime),
    open: isOpen,
    seriesCount,
    instanceCount,
    analyses: toCounts(analyses),
    deliveries: toCounts(deliveries),
  };
}

function toResult({ kind, sopClass, sopInstance, series, deliveries }: ResultView) {
  return {
    kind,
    sopClassUid: sopClass,
    sopInstanceUid: sopInstance,
    seriesUid: series,
    deliveries: deliveries.map(({ state, time, ...rest }) => ({
      ...rest,
      state: stateOf(state),
      time: timestamp(time),
    })),
  };
}

function toAnalysis({ state, results, ...rest }: AnalysisView) {
  return { ...rest, state: stateOf(state), results: results.map(toResult) };
}

/** A verdict with the encodings in which the rule's destinations get segmentations. */
export interface ExplainedVerdict extends SeriesVerdict {
  encodings: { destination: string; encoding: string; reason: string }[];
}

export function toSeries(view: SeriesView, verdicts: readonly ExplainedVerdict[]): Series {
  const { series, header, instanceCount, conflictCount, revision, isOpen, analyses } = view;
  return {
    seriesUid: series,
    modality: header.modality,
    description: header.seriesDescription,
    instanceCount,
    conflictCount,
    revision,
    open: isOpen,
    verdicts: [...verdicts],
    analyses: analyses.map(toAnalysis),
  };
}
