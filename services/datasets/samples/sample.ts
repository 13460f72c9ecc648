// A data folder as it is read: samples in parts, what is wrong with them, and how their masks are to be understood.

import type { SourceFrame } from '../../imaging/dicom';
import type { Intensity } from '../../store';
import type { Part } from '../files/part-names';
import type { MaskCode } from '../masks/layout-codes';
import type { StatedValues } from '../masks/mask-values';
import type { Finding } from './finding';

/** Where the mask of one structure is, and how its pixels are read. */
export interface MaskSource {
  /** Files whose foreground is united; usually one. */
  paths: string[];
  /** Grey values of the layout that are foreground, both included, on the 0-255 scale; absent: told by the file. */
  values?: { from: number; to: number };
  /** Sets of values that the layout's masks may hold, instead of `values`; empty: told by the file. */
  codes?: readonly MaskCode[];
  /** Which values are foreground, as a person said. */
  stated?: StatedValues;
  /** The files are of another size than the image by design, and are brought to its size (nearest). */
  resize?: boolean;
  /** The picture that DICOM segmentations among the files are to be read for. */
  segmentationOf?: SourceFrame;
}

export interface Sample {
  /** Path below the data folder, without extension: unique, and the same on every machine. */
  name: string;
  imagePath: string;
  /** Of a DICOM file of several frames, from 0. */
  frame?: number;
  /** Segmentation only: of each structure, in their order. */
  masks?: MaskSource[];
  /** Classification only: index into the folder's classes. */
  label?: number;
  /** What must not be split: patient, sequence, source. */
  group?: string;
  /** Pseudonym of the DICOM instance and frame, which no other picture should have. */
  instance?: string;
}

export interface Problem {
  name: string;
  problem: string;
  /** What the file has no partner for: an image that lacks its mask and a mask that cannot be used may be one pair. */
  lacks?: 'mask' | 'image';
  /** It is not certain what the file shows: an error, not a file to leave out. */
  ambiguous?: boolean;
}

export interface DataFolder {
  /** Sorted by name. `validation` and `test` are empty where the folder does not separate them. */
  parts: Record<Part, Sample[]>;
  /** Classification only, sorted. */
  classes: string[];
  /** Files without partner and the like. */
  problems: Problem[];
  /** What a person must know about how the folder was read. */
  notes: string[];
  /** What the reader found wrong with the folder as a whole. */
  findings?: Finding[];
  groupColumn: string | undefined;
  /** What the samples' values mean, where it was said. */
  intensity?: Intensity | undefined;
}
