// An attempt to move an alias, as it is recorded, and what promoting needs of the rest of the service.

import type { EvaluatedModel } from '../../../worker/protocol/evaluation-results';
import type { StoredModel } from '../../../store';
import type { CompareModelsSpecInput } from '../../../worker/protocol/protocol';

export type PromotionState = 'PENDING' | 'DONE' | 'REFUSED' | 'ABANDONED';
export type PromotionKind = 'promotion' | 'rollback';

/** A bound that a score of a version must keep. */
export interface MetricGate {
  metric: string;
  /** 0 where there is a maximum. */
  minimum: number;
  /** Instead of a minimum, for scores that are better when they are lower. */
  maximum?: number | undefined;
  /** Empty: the scores recorded at training. */
  evaluation: string;
}

/** How much a version must answer like the one in place. */
export interface AgreementGate {
  /** Mean Dice between their masks, or share of images in the same class; [0, 1]. */
  minimum: number;
  /** Whose images are compared. */
  evaluation: string;
}

export interface GateResult {
  /** Name of the score, or `agreement`. */
  metric: string;
  minimum: number;
  /** Absent: the bound is the minimum. */
  maximum?: number | undefined;
  /** Null: there was nothing to compare with. */
  measured: number | null;
  /** Id of the evaluation; empty: recorded at training. */
  evaluation: string;
  passed: boolean;
  /** Images that the score rests on; 0 where that is not recorded. */
  images: number;
  /** Why the score does not count, whatever its value; absent: it counts. */
  problem?: string;
}

export interface Promotion {
  id: string;
  kind: PromotionKind;
  /** Name without version. */
  model: string;
  alias: string;
  /** Null: the alias was new. */
  fromVersion: number | null;
  toVersion: number;
  state: PromotionState;
  gates: GateResult[];
  forced: boolean;
  reason: string;
  requestedBy: string;
  /** Null: none was given. */
  requestId: string | null;
  /** Milliseconds since 1970. */
  createTime: number;
  endTime: number | null;
}

export type PromotionDraft = Omit<Promotion, 'state' | 'createTime' | 'endTime'>;

export interface PromotionFilter {
  /** Empty: any. */
  model: string;
  alias: string;
}

/** The durable record. Each method is one transaction; what it returns is on the disk. */
export interface PromotionLog {
  /** @throws IllegalStateError when the request id is taken */
  insert(draft: PromotionDraft, state: 'PENDING' | 'REFUSED'): Promotion;
  settle(id: string, state: 'DONE' | 'ABANDONED'): Promotion;
  findByRequest(requestId: string): Promotion | undefined;
  pending(): Promotion[];
  /** Those of one alias that moved it, the oldest first. */
  done(model: string, alias: string): Promotion[];
  /** Every alias that was moved, once. */
  moved(): { model: string; alias: string }[];
  /** Newest first. @param before id of the last one of the page before */
  list(filter: PromotionFilter, limit: number, before?: string): Promotion[];
}

/** The model store, as far as promoting needs it. */
export interface Aliases {
  resolveModel(reference: string): Promise<StoredModel>;
  /** @throws CheckpointError (CHECKPOINT_CORRUPT) */
  verify(stored: StoredModel): Promise<void>;
  aliases(name: string): Promise<Record<string, number>>;
  setAlias(name: string, alias: string, version: number): Promise<void>;
  /** Keeps others from moving an alias. */
  reserveAlias(name: string, alias: string): Promise<void>;
}

export interface Evaluations {
  /** @throws NotFoundError; IllegalStateError when it has not finished */
  evaluatedModel(id: string): Promise<EvaluatedModel>;
}

/** Where the images of an evaluation come from. */
export type EvaluationData = Omit<CompareModelsSpecInput, 'store' | 'threads' | 'candidate' | 'current'>;

export interface Agreement {
  /** Mean Dice between the masks of two models, or the share of images in the same class. */
  value: number;
  images: number;
}

/** Runs two versions on the images of an evaluation. */
export type MeasureAgreement = (
  versions: { candidate: StoredModel; current: StoredModel; evaluation: string },
  signal: AbortSignal,
) => Promise<Agreement>;
