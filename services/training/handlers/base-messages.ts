// Requests of the base service as what a worker is told, and what it reports as messages.

import type { EvaluateBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { EvaluateBaseResponse } from '../../../proto/gen/automed/bases/v1/EvaluateBaseResponse';
import type { ImportBackboneRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBackboneRequest';
import type { ImportBaseRequest__Output } from '../../../proto/gen/automed/bases/v1/ImportBaseRequest';
import type { ImportReport as ImportReportMessage } from '../../../proto/gen/automed/bases/v1/ImportReport';
import { automedError } from '../../common/errors';
import type { ImportReport } from '../../worker/protocol/import-protocol';
import type { FinishedEvent, WorkerEvent } from '../../worker/protocol/protocol';
import { CHANNELS, EVALUATED_PARTS, FITS, INTERPOLATIONS, BACKBONE_KINDS } from '../../worker/protocol/base-words';
import {
  columnsOf,
  given,
  SQUEEZE_EXCITATIONS,
  structuresOf,
  wordOf,
} from '../../worker/protocol/training-spec-message';

/** For the schema to check. */
export function fromImport({ fit, channels, resize, seed, ...rest }: ImportBaseRequest__Output): object {
  return given({
    ...rest,
    fit: wordOf(FITS, fit, 'fit'),
    channels: wordOf(CHANNELS, channels, 'channels'),
    resize: wordOf(INTERPOLATIONS, resize, 'resize'),
    seed: Number(seed),
  });
}

export function fromBackbone({ kind, se, seed, ...rest }: ImportBackboneRequest__Output): object {
  return given({
    ...rest,
    kind: wordOf(BACKBONE_KINDS, kind, 'kind'),
    se: wordOf(SQUEEZE_EXCITATIONS, se, 'se'),
    seed: Number(seed),
  });
}

export function fromEvaluation({
  part,
  columns,
  structures,
  seed,
  device,
  ...rest
}: Omit<EvaluateBaseRequest__Output, 'resumeToken' | 'keepMs'>) {
  return given({
    ...rest,
    part: wordOf(EVALUATED_PARTS, part, 'part'),
    columns: columnsOf(columns),
    structures: structuresOf(structures),
    seed: Number(seed),
    device: device === '' ? 'auto' : device,
  });
}

export function toReport(report: ImportReport | undefined): ImportReportMessage {
  if (!report) throw automedError('INTERNAL', 'the worker ended without a report');
  const { file, imageSize, weights, prefix, converted, leftOut, untrained } = report;
  return {
    file: {
      name: file.name,
      sizeBytes: file.bytes,
      sha256: file.sha256,
      format: file.format,
      ...(file.named === null ? {} : { checksumMatchesName: file.named }),
    },
    ...(imageSize === null ? {} : { imageSize }),
    weights: {
      tensorCount: weights.tensors,
      parameterCount: weights.parameters,
      sizeBytes: weights.bytes,
      sha256: weights.sha256,
    },
    prefix,
    converted,
    leftOut,
    untrained,
  };
}

/** What of a worker's events the caller is told; nothing of others. */
export function toProgress(event: WorkerEvent): EvaluateBaseResponse | undefined {
  if (event.type === 'preparing') return { preparation: { doneCount: event.done, totalCount: event.total } };
  if (event.type === 'log') return { logLine: { warning: event.level === 'warn', message: event.message } };
  return undefined;
}

/** The reference of what a worker made. */
export function made(reference: string | undefined): string {
  if (reference === undefined) throw automedError('INTERNAL', 'the worker ended without what it made');
  return reference;
}

export const bytesOf = ({ metrics }: FinishedEvent, name: 'parameters' | 'bytes'): number => Number(metrics[name] ?? 0);
