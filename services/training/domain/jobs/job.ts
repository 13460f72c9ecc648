// A piece of long work as the queue keeps it, whatever its kind.

import type { FinishedEvent, WorkerEvent } from '../../../worker/protocol/protocol';
import type { Failure } from '../../../worker/protocol/failure';
import type { State } from './state';

/** Where the work stands, from the newest events. */
export interface JobProgress {
  /** Epoch under way, from 1; 0 before the first step. */
  epoch: number;
  epochs: number;
  /** Of the whole work, 0 to 1. */
  progress: number;
  /** The same when a worker died that had got further than those before it. */
  furthest?: number;
  /** Seconds; null while nothing can be said. */
  etaSeconds: number | null;
  /** Metrics of the newest epoch, and of the best one. */
  latest: EpochMetricsOf | null;
  best: EpochMetricsOf | null;
}

type EpochMetricsOf = Extract<WorkerEvent, { type: 'epoch' }>['metrics'];

export interface Job {
  id: string;
  /** Name of a JobKind. */
  kind: string;
  /** What makes a repeated create find this job; null when the caller gave none. */
  requestId: string | null;
  /** As the kind's schema made it. */
  spec: unknown;
  /** What lists are filtered by. */
  name: string;
  task: string;
  /** Higher ones go first. */
  priority: number;
  /** Who asked for it; empty where callers are not told apart. */
  creator: string;
  state: State;
  /** A sentence on why it is in this state; may be empty. */
  stateMessage: string;
  /** Workers that were started for it. */
  attempts: number;
  /** Workers in a row that died without getting further than the one before. */
  failures: number;
  progress: JobProgress | null;
  /** What a SUCCEEDED job made. */
  result: FinishedEvent | null;
  /** Why a job FAILED. */
  error: Failure | null;
  /** Milliseconds since 1970, as the others. */
  createTime: number;
  /** Of its first worker. */
  startTime: number | null;
  endTime: number | null;
  updateTime: number;
}

export type JobDraft = Pick<Job, 'id' | 'kind' | 'requestId' | 'spec' | 'name' | 'task' | 'priority' | 'creator'>;

/** What may change after the job was created. */
export type JobPatch = Partial<Omit<Job, keyof JobDraft | 'createTime' | 'updateTime'>>;

/** What a job's history consists of. A worker's end is the state event that it led to. */
export type JobEvent =
  { type: 'state'; state: State; message: string } | Exclude<WorkerEvent, { type: 'finished' } | { type: 'failed' }>;

export interface StoredEvent {
  /** From 1, without gaps. */
  sequence: number;
  /** Milliseconds since 1970. */
  time: number;
  event: JobEvent;
}

export interface Change {
  patch: JobPatch;
  events: readonly JobEvent[];
}

export interface JobFilter {
  kind: string;
  /** Default: any. */
  states?: readonly State[] | undefined;
  name?: string | undefined;
  task?: string | undefined;
}

/** The durable queue. Each method is one transaction; what it returns is on the disk. */
export interface JobTable {
  /** Inserts a PENDING job with its first event, unless the kind has one with this request id: then that one. */
  insert(draft: JobDraft): { job: Job; created: boolean };
  /** Whether a job of the kind was created under this request id. */
  hasRequest(kind: string, requestId: string): boolean;
  find(id: string): Job | undefined;
  /** Newest first. @param before id of the last job of the page before */
  list(filter: JobFilter, limit: number, before?: string): Job[];
  /** Jobs of every kind in one of these states: higher priority first, then in the order of creation. */
  inStates(states: readonly State[]): Job[];
  /** Applies what `decide` makes of the job as it is now; undefined changes nothing. Throws NOT_FOUND. */
  change(id: string, decide: (job: Job) => Change | undefined): Job;
  /** Events from a sequence number on. */
  events(id: string, fromSequence: number, limit: number): StoredEvent[];
  remove(id: string, check: (job: Job) => void): void;
}
