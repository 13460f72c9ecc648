// Work of the bridge, as the journal keeps it: analyses of series, and deliveries of their results.

import type { ObjectKind, PlannedDelivery, StoredResult } from '../../analysis';
import type { Rule } from '../../pacs-site/schema';

/**
 * `queued`: due at some time. `running`: leased. `done`: for good. `dead`: given up, with a sentence that says why. `held`: waits for
 * a person. `superseded`: a later revision of the series took its place. `discarded`: by a person.
 */
export const WORK_STATES = ['queued', 'running', 'done', 'dead', 'held', 'superseded', 'discarded'] as const;
export type WorkState = (typeof WORK_STATES)[number];

/** An analysis that is leased. */
export interface LeasedJob {
  number: number;
  rule: Rule;
  study: string;
  series: string;
  revision: number;
  /** Times that it was begun, this one included. */
  attempts: number;
  /** When it was asked for: what its results bear as date and time. */
  created: Date;
  /** Files of the images below the spool, in the order of their arrival. */
  files: string[];
}

/** A delivery that is leased. */
export interface LeasedDelivery {
  number: number;
  /** Number of its analysis. */
  job: number;
  kind: ObjectKind;
  sopClass: string;
  sopInstance: string;
  /** Path below the outbox. */
  file: string;
  attempts: number;
}

/** What came of an analysis. */
export interface JobOutcome {
  /** `name@version` that answered. */
  model: string;
  /** By what its results are written again in another encoding; JSON, without anything of the patient. */
  context: string;
  /** On the disk. */
  results: readonly StoredResult[];
  deliveries: readonly PlannedDelivery[];
}

/** An analysis that is done, as far as its results can be written again. */
export interface DoneJob {
  rule: Rule;
  context: string;
  /** Files of the images below the spool. */
  files: string[];
  results: StoredResult[];
}

/** Why work failed. */
export interface Failure {
  /** Stable, for programs and metrics. */
  code: string;
  /** For people; without values of headers. */
  message: string;
}

/** In how many milliseconds failed work is tried again, and whether the attempt counts. */
export type Verdict = { again: number; uncounted?: boolean } | 'dead';
