// The check of a registered data set, as a worker does it: every file opened, findings and statistics told, and a digest of
// every sample kept, so that a training can say which files changed since.

import { dirname } from 'node:path';
import { makeFolder } from '../../../common/make-folder';
import type { DatasetReport } from '../../../checks/dataset-report';
import { automedError } from '../../../common/errors';
import { replaceFile } from '../../../store/durable';
import { checkData, type DataReport } from '../../../checks/check-data';
import { askedIntensity } from '../../../store';
import { PARTS } from '../../../datasets/files/part-names';
import { readData, resolveSource } from '../../../datasets/layouts/read-data';
import type { Digests } from '../../../checks/digests';
import { isObjectLocation, type Mirror } from '../../../datasets/files/object-store';
import { StatisticsOf } from '../../../checks/statistics';
import type { CheckDatasetSpec, FinishedEvent, Emit } from '../../protocol/protocol';

/** Progress is told this many times. */
const TOLD = 100;
/** Findings that are kept, errors first, and files that each of them names. */
const KEPT_FINDINGS = 1000;
const KEPT_NAMES = 100;

export interface CheckDependencies {
  emit: Emit;
  signal: AbortSignal;
  /** Fetches data sets of an object store. */
  mirror: Mirror;
}

/** Resolves to a finished event whose metrics are a DatasetReport. */
export async function checkDataset(
  { source, digests: digestsPath, cache }: CheckDatasetSpec,
  { emit, signal, mirror }: CheckDependencies,
): Promise<FinishedEvent> {
  const { location, ...rest } = source;
  const copied = isObjectLocation(location);
  if (copied) await mirror(location, cache, { signal });
  const read = await readData(await resolveSource({ ...rest, data: copied ? cache : location }));
  const folder = { ...read, intensity: askedIntensity(source) };
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  if (total === 0) throw automedError('INVALID_ARGUMENT', 'The data set has no samples.', { field: 'location' });
  const statistics = new StatisticsOf();
  const samples: Record<string, string> = {};
  const step = Math.ceil(total / TOLD);
  emit({ type: 'preparing', done: 0, total });
  const report = await checkData(folder, {
    signal,
    onProgress: (done) => {
      if (done % step === 0 || done === total) emit({ type: 'preparing', done, total });
    },
    onSample: ({ sample, digest, pixels }) => {
      samples[sample.name] = digest;
      statistics.add(pixels);
    },
  }).catch((error: unknown) => {
    throw signal.aborted ? automedError('CANCELLED', 'The check was cancelled.', { cause: error }) : error;
  });
  const digests: Digests = { fingerprint: report.fingerprint, samples };
  await makeFolder(dirname(digestsPath));
  await replaceFile(digestsPath, JSON.stringify(digests));
  const whole: DatasetReport = {
    ...report,
    findings: shortened(report.findings),
    layout: folder.layout,
    statistics: statistics.result(),
  };
  return { type: 'finished', metrics: { ...whole } };
}

function shortened(findings: DataReport['findings']): DataReport['findings'] {
  const errorsFirst = [...findings].sort((a, b) => Number(b.severity === 'error') - Number(a.severity === 'error'));
  return errorsFirst
    .slice(0, KEPT_FINDINGS)
    .map((finding) => ({ ...finding, names: finding.names.slice(0, KEPT_NAMES) }));
}
