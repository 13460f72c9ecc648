import { t } from '../texts/en';
import { call, CallError, type CallOptions } from './call';
import { events } from './events';
import type { Image, Mask, Task } from './types';

const SERVICE = 'automed.datasets.v1.DatasetService';

export interface DatasetSpec {
  name: string;
  task: Task;
  location: string;
  layout?: string;
  maskValues?: string;
  groupColumn?: string;
}

export interface DatasetFinding {
  kind: string;
  error?: boolean;
  message: string;
  names?: string[];
}

interface Range {
  min?: number;
  median?: number;
  max?: number;
}

export interface DatasetPart {
  imageCount?: number;
  classCounts?: Record<string, number>;
  sidePx?: Range;
  foregroundShare?: Range;
}

export interface Dataset {
  name: string;
  version: number;
  spec: DatasetSpec;
  state: string;
  stateMessage?: string;
  createTime?: string;
  checkTime?: string;
  checkedCount?: number;
  totalCount?: number;
  layout?: string;
  fingerprint?: string;
  groupColumn?: string;
  classes?: string[];
  findings?: DatasetFinding[];
  statistics?: { train?: DatasetPart; validation?: DatasetPart; test?: DatasetPart };
}

const one = async (method: string, request: object, options?: CallOptions): Promise<Dataset> =>
  (await call<{ dataset: Dataset }>(SERVICE, method, request, options)).dataset;

export async function listDatasets(options: CallOptions): Promise<Dataset[]> {
  const request = { pageSize: 200 };
  const { datasets = [] } = await call<{ datasets?: Dataset[] }>(SERVICE, 'ListDatasets', request, options);
  return datasets;
}

export const getDataset = (dataset: string, options?: CallOptions) => one('GetDataset', { dataset }, options);

/** @param requestId the same for every try of one form */
export const registerDataset = (spec: DatasetSpec, requestId: string) => one('RegisterDataset', { spec, requestId });

/** Queues a check that opens every file. */
export const checkDataset = (dataset: string) => one('ValidateDataset', { dataset });

export interface DatasetSample {
  name: string;
  part: string;
  group?: string;
  className?: string;
}

export interface OpenSample {
  sample: DatasetSample;
  image: Image;
  displayPng?: string;
  masks?: Mask[];
  problem?: string;
}

/** Every sample, by part and name. */
export async function listSamples(dataset: string, options: CallOptions): Promise<DatasetSample[]> {
  const samples: DatasetSample[] = [];
  for (let pageToken = ''; ;) {
    const page = await call<{ samples?: DatasetSample[]; nextPageToken?: string }>(
      SERVICE,
      'ListDatasetSamples',
      { dataset, pageSize: 1000, pageToken },
      options,
    );
    samples.push(...(page.samples ?? []));
    pageToken = page.nextPageToken ?? '';
    if (pageToken === '') return samples;
  }
}

/** @param name of a sample, or of a file that a finding names */
export const readSample = (dataset: string, name: string, options?: CallOptions): Promise<OpenSample> =>
  call(SERVICE, 'ReadDatasetSample', { dataset, name }, options);

export interface LabelOrderBenefit {
  helps?: boolean;
  labelShare?: number;
  statement: string;
}

export interface NextLabels {
  images?: { name: string; uncertainty?: number }[];
  unlabelledCount?: number;
  labelledCount: number;
  benefit?: LabelOrderBenefit;
  reason?: string;
}

interface NextLabelsMessage {
  preparation?: { doneCount?: number; totalCount: number };
  result?: NextLabels;
}

/** Which images to label next; the signal ends the work. */
export async function orderNextLabels(
  dataset: string,
  base: string,
  signal: AbortSignal,
  onProgress: (done: number, total: number) => void,
): Promise<NextLabels> {
  for await (const message of events<NextLabelsMessage>(SERVICE, 'OrderNextLabels', { dataset, base }, signal)) {
    const { preparation, result } = message;
    if (preparation) onProgress(preparation.doneCount ?? 0, preparation.totalCount);
    if (result) return result;
  }
  throw new CallError(t.errors.unreachable, 'UNREACHABLE', 'UNAVAILABLE');
}
