// Predictions that wait for a person, and what was decided about them.

export type ReviewState = 'PENDING' | 'ACCEPTED' | 'REJECTED' | 'AMENDED';
export type ReviewOrder = 'uncertain-first' | 'newest-first';

export interface ReviewMask {
  structure: string;
  /** COCO's compressed run-length encoding. */
  cocoRle: string;
  widthPx: number;
  heightPx: number;
  /** Of a prediction, over the foreground, `(0, 1]`; absent of empty and of drawn masks. */
  meanProbability?: number;
}

interface ModelVersion {
  name: string;
  version: number;
  /** `name@version`; empty where the answer did not say it. */
  base: string;
}

export type Prediction = { model: ModelVersion } & (
  | { kind: 'segmentation'; threshold: number; masks: ReviewMask[] }
  | { kind: 'classification'; predicted: string; classes: { name: string; probability: number }[] }
);

export interface Decision {
  state: Exclude<ReviewState, 'PENDING'>;
  reason: string;
  decidedBy: string;
  /** Milliseconds since 1970. */
  time: number;
  /** Of an amended segmentation, one for each structure. */
  masks: ReviewMask[];
  /** Of an amended classification. */
  className: string;
  /** `[0, 1]` */
  agreement: number;
}

/** As a caller gives it. */
export type NewDecision = Omit<Decision, 'time' | 'agreement'>;

export interface ReviewDraft {
  id: string;
  queue: string;
  name: string;
  group: string;
  origin: string;
  prediction: Prediction;
  uncertainty: number;
  image: ReviewImage;
}

/** What is known of the image beside its bytes, which lie in a file. */
export interface ReviewImage {
  sha256: string;
  /** From 1; absent: the only one. */
  frameNumber?: number;
  pixelSpacing?: { columnMm: number; rowMm: number };
}

export interface Review extends ReviewDraft {
  /** Grows with each one; orders lists. */
  number: number;
  state: ReviewState;
  /** The oldest first. */
  decisions: Decision[];
  /** Milliseconds since 1970. */
  createTime: number;
}

export interface ReviewFilter {
  queue?: string | undefined;
  state?: ReviewState | undefined;
}

/** The last one of a page. */
export interface ReviewPlace {
  uncertainty: number;
  number: number;
}

export interface QueueCounts {
  name: string;
  counts: Record<ReviewState, number>;
  /** `name@version`, sorted. */
  models: string[];
  /** Milliseconds since 1970. */
  addTime: number;
}

/** One decided prediction, as agreement is measured on it. */
export interface Agreed {
  /** `name@version` */
  model: string;
  uncertainty: number;
  agreement: number;
  /** When the prediction was added, milliseconds since 1970. */
  time: number;
}

/** What is kept. Each method is one transaction; what it returns is on the disk. */
export interface ReviewTable {
  insert(draft: ReviewDraft): Review;
  find(id: string): Review | undefined;
  findSame(queue: string, name: string, model: string): Review | undefined;
  /** Reviews of a queue. */
  count(queue: string): number;
  list(filter: ReviewFilter, order: ReviewOrder, limit: number, after?: ReviewPlace): Review[];
  /** Adds a decision; undefined when there are not exactly so many any more. */
  decide(id: string, decision: Decision, before: number): Review | undefined;
  queues(): QueueCounts[];
  /** @returns the ids that are gone */
  removeQueue(queue: string): string[];
  /** The latest decision of each, in the order in which the predictions were added. */
  agreed(filter: { model?: string | undefined; queue?: string | undefined }): Agreed[];
}

export const modelOf = ({ prediction: { model } }: Pick<Review, 'prediction'>): string =>
  `${model.name}@${model.version}`;
