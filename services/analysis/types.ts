// What is asked of an analysis, and what comes of it.

/** Encodings of what was drawn; see choices(). */
export const ENCODINGS = ['BINARY', 'LABELMAP', 'CAPTURE'] as const;
export type EncodingName = (typeof ENCODINGS)[number];

/** What may be sent beside it. */
export const EXTRAS = ['CAPTURE', 'GSPS'] as const;
export type Extra = (typeof EXTRAS)[number];

/** Which model looks at a series, and what it is asked for. */
export interface AnalysisRule {
  name: string;
  task: 'segmentation' | 'classification';
  /** `name`, `name@3` or `name@alias`. */
  model: string;
  /** Probability above which a pixel is foreground; absent: the model's own. */
  threshold?: number | undefined;
  results: readonly ('SEG' | 'SR')[];
}

/** A series to be analysed. */
export interface SeriesTask {
  rule: AnalysisRule;
  /** What results bear as date and time. */
  created: Date;
  /** Names of files, as Images reads them, in any order. */
  files: readonly string[];
}

/** Objects that can be made: segmentations of one bit a pixel, label maps, captures, presentation states, reports. */
export type ObjectKind = 'SEG' | 'LABELMAP' | 'SC' | 'GSPS' | 'SR';

/** Tells the results of one analysis apart. */
export interface ResultKey {
  kind: ObjectKind;
  /** Of a report: the encoding of the segmentation that it refers to; otherwise empty. */
  of: EncodingName | '';
  /** From 1, where there are several of a kind. */
  part: number;
}

/** A result that a destination is to get. */
export interface PlannedDelivery extends ResultKey {
  destination: string;
  /** Why in this encoding, for people. */
  reason: string;
}

/** A result that is on the disk. */
export interface StoredResult extends ResultKey {
  sopClass: string;
  sopInstance: string;
  series: string;
  /** Path below the outbox. */
  file: string;
  sha256: string;
  bytes: number;
}
