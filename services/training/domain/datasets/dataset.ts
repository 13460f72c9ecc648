// A registered data set: what was registered is kept in a table, where it stands follows from its newest check.

import type { Task } from '../../../store';
import type { DatasetSource } from '../../../datasets/samples/data-selection';
import type { DatasetReport } from '../../../checks/dataset-report';

export const DATASET_STATES = ['REGISTERED', 'CHECKING', 'READY', 'REJECTED'] as const;
export type DatasetState = (typeof DATASET_STATES)[number];

export interface DatasetRecord {
  /** Grows with each registration; orders lists. */
  number: number;
  name: string;
  version: number;
  source: DatasetSource;
  /** Job of the newest check. */
  checkJob: string | null;
  /** Milliseconds since 1970. */
  createTime: number;
}

export interface Dataset extends DatasetRecord {
  state: DatasetState;
  /** A sentence on why it is in this state; may be empty. */
  message: string;
  /** Of the newest check that came to an end. */
  report: DatasetReport | null;
  /** Milliseconds since 1970. */
  checkTime: number | null;
  /** Of the check under way. */
  progress: { done: number; total: number } | null;
}

export interface DatasetFilter {
  name?: string | undefined;
  task?: Task | undefined;
}

/** What is registered. Each method is one transaction; what it returns is on the disk. */
export interface DatasetTable {
  /** The next version of the name, unless the request id was used before: then the version of then. */
  insert(name: string, source: DatasetSource, requestId: string | null): { record: DatasetRecord; created: boolean };
  /** @param version default: the newest */
  find(name: string, version?: number): DatasetRecord | undefined;
  /** Newest first. @param before number of the last one of the page before */
  list(filter: DatasetFilter, limit: number, before?: number): DatasetRecord[];
  setCheck(number: number, job: string): void;
  /** Forgets it; its version is not given again. */
  remove(number: number): void;
}

export const referenceOf = ({ name, version }: Pick<DatasetRecord, 'name' | 'version'>): string => `${name}@${version}`;
