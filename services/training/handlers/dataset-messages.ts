// Data sets as messages of the API.

import type { Dataset as DatasetMessage } from '../../../proto/gen/automed/datasets/v1/Dataset';
import type { DatasetPart } from '../../../proto/gen/automed/datasets/v1/DatasetPart';
import type { DatasetSpec, DatasetSpec__Output } from '../../../proto/gen/automed/datasets/v1/DatasetSpec';
import type { DatasetStatistics } from '../../../proto/gen/automed/datasets/v1/DatasetStatistics';
import type { PartSummary } from '../../checks/check-data';
import type { DatasetReport } from '../../checks/dataset-report';
import type { Dataset } from '../domain/datasets/dataset';
import type { Finding } from '../../datasets/samples/finding';
import { columnsOf, taskName, taskOf } from '../../worker/protocol/training-spec-message';

function timestamp(ms: number | null): { seconds: string; nanos: number } | null {
  return ms === null ? null : { seconds: String(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

const text = (value: string): string | undefined => (value === '' ? undefined : value);

/** What the schema of a data set's source is to check. */
export function sourceOf(spec: DatasetSpec__Output): object {
  const { structures } = spec;
  return {
    task: taskOf(spec.task),
    location: spec.location,
    layout: text(spec.layout),
    structures: structures.length === 0 ? undefined : structures,
    groupColumn: text(spec.groupColumn),
    columns: columnsOf(spec.columns),
    eachMask: spec.eachMask,
    maskValues: text(spec.maskValues),
    intensity: text(spec.intensity),
  };
}

function specMessage({ name, source }: Dataset): DatasetSpec {
  const { task, location, layout, structures = [], groupColumn, columns, eachMask, maskValues, intensity } = source;
  return {
    name,
    task: taskName(task),
    location,
    layout: layout ?? '',
    structures: [...structures],
    groupColumn: groupColumn ?? '',
    columns: columns ? Object.fromEntries(Object.entries(columns).map(([role, column]) => [role, column ?? ''])) : null,
    eachMask,
    maskValues: maskValues ?? '',
    intensity: intensity ?? '',
  };
}

function partMessage({ images, perClass, side, foreground }: PartSummary, classes: readonly string[]): DatasetPart {
  return {
    imageCount: images,
    classCounts: Object.fromEntries(classes.map((name, index) => [name, perClass[index] ?? 0])),
    sidePx: side ?? null,
    foregroundShare: foreground ?? null,
  };
}

function statisticsMessage({ parts, classes, statistics }: DatasetReport): DatasetStatistics {
  return {
    train: partMessage(parts.train, classes),
    validation: partMessage(parts.validation, classes),
    test: partMessage(parts.test, classes),
    channelMeans: statistics.channelMeans,
    channelDeviations: statistics.channelDeviations,
    sizes: statistics.sizes.map(({ minSide, images }) => ({ minSidePx: minSide, imageCount: images })),
  };
}

const findingMessage = ({ kind, severity, message, names }: Finding) => ({
  kind,
  error: severity === 'error',
  message,
  names,
});

/** @param findings false for a list, which leaves them out */
export function toDataset(dataset: Dataset, findings = true): DatasetMessage {
  const { name, version, state, message, createTime, checkTime, progress, report } = dataset;
  return {
    name,
    version,
    spec: specMessage(dataset),
    state: `DATASET_STATE_${state}`,
    stateMessage: message,
    createTime: timestamp(createTime),
    checkTime: timestamp(checkTime),
    checkedCount: progress?.done ?? 0,
    totalCount: progress?.total ?? 0,
    layout: report?.layout ?? '',
    fingerprint: report?.fingerprint ?? '',
    groupColumn: report?.groupColumn ?? '',
    classes: report?.classes ?? [],
    findings: report && findings ? report.findings.map(findingMessage) : [],
    statistics: report && statisticsMessage(report),
  };
}
