import { call, type CallOptions } from './call';

const SERVICE = 'automed.pacs.v1.PacsService';

export interface StateCount {
  state: string;
  count: string;
}

export interface PacsStatus {
  dicomAddress?: string;
  aeTitles?: string[];
  studyCount?: string;
  instanceCount?: string;
  openSeriesCount?: string;
  analyses?: StateCount[];
  deliveries?: StateCount[];
  oldestWaitSeconds?: number;
  hasRoom?: boolean;
  awayDestinations?: string[];
}

export interface Study {
  number: string;
  studyUid?: string;
  arrivalTime?: string;
  open?: boolean;
  seriesCount?: number;
  instanceCount?: number;
  analyses?: StateCount[];
  deliveries?: StateCount[];
  /** Of a single study. */
  viewerUrl?: string;
}

export interface Delivery {
  destination: string;
  state: string;
  attempts?: number;
  code?: string;
  message?: string;
  time?: string;
  reason?: string;
}

export interface Analysis {
  number: string;
  rule: string;
  state: string;
  attempts?: number;
  code?: string;
  message?: string;
  model?: string;
  results?: { kind: string; deliveries?: Delivery[] }[];
}

export interface Series {
  seriesUid?: string;
  modality?: string;
  instanceCount?: number;
  revision?: number;
  open?: boolean;
  verdicts?: { rule: string; fits?: boolean; missed?: boolean; reasons?: string[] }[];
  analyses?: Analysis[];
}

export const pacsStatus = (options: CallOptions): Promise<PacsStatus> => call(SERVICE, 'GetStatus', {}, options);

export async function listStudies(options: CallOptions): Promise<Study[]> {
  const { studies = [] } = await call<{ studies?: Study[] }>(SERVICE, 'ListStudies', { pageSize: 200 }, options);
  return studies;
}

/** @param study its number in the journal */
export const getStudy = (study: string, options: CallOptions): Promise<{ study: Study; series?: Series[] }> =>
  call(SERVICE, 'GetStudy', { study }, options);

interface Steered {
  analysisCount?: number;
  deliveryCount?: number;
  /** Analyses that wait for a person, and are not tried again. */
  heldCount?: number;
}

/** Tries again what was given up, and analyses what rules fit only now; answers how much that is. */
export const retryStudy = (study: string): Promise<Steered> => call(SERVICE, 'RetryStudy', { study });

/** Gives up what cannot be delivered. */
export const discardStudy = (study: string): Promise<Steered> => call(SERVICE, 'DiscardStudy', { study });
