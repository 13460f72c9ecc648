// What the objects are made of: the images that a model looked at, what it found on them, and who it is.

import type { Plane } from '../imaging/dicom/geometry';
import type { Terms } from '../store/terms';
import type { CarriedElements } from './source/carried';

/** One image of a series, as its header says it; see readSource(). Holds what identifies patients: never to be logged. */
export interface SourceImage {
  sopClassUid: string;
  sopInstanceUid: string;
  studyUid: string;
  seriesUid: string;
  modality: string;
  rows: number;
  columns: number;
  /** Whether its pixels have colours. */
  isColour: boolean;
  /** Where each of its frames lies; absent where the header does not say it (CR, DX, US, secondary captures). */
  planes: readonly (Plane | undefined)[];
  /** UID of the coordinates of `planes`; absent: results have no place in the patient. */
  frameOfReferenceUid: string | undefined;
  /** From row to row and from column to column, in mm in the patient; absent: unknown, or known at the detector alone. */
  spacing: readonly [rows: number, columns: number] | undefined;
  /** In mm, of images that give one for all their frames. */
  sliceThickness: number | undefined;
  /** Attributes of the image that results repeat unchanged: patient, study, laterality, lossy compression. */
  carried: CarriedElements;
}

/** A frame of an image; results are bound to these, never to a place in a list. */
export interface FrameReference {
  sopInstanceUid: string;
  /** From 1, as DICOM counts; 1 for an image of one frame. */
  frame: number;
}

/** What a segmentation model drew on the images of one series, in their own pixels. */
export interface DrawnMasks {
  /** Frame of which slice k of every mask is. Frames that are not listed were not looked at. */
  frames: readonly FrameReference[];
  /**
   * Millimetres in the patient of (column, row, slice) of the masks, counted from 0 at the centres of voxels: 4 x 4, row by row.
   * Absent where the images have no place in the patient, or their slices no common step.
   */
  affine: readonly number[] | undefined;
  /** In the order of the segment numbers, from 1; structures may overlap. */
  structures: readonly DrawnStructure[];
}

export interface DrawnStructure {
  /** Name that the model's manifest gives it. */
  name: string;
  /** Rows x columns of 0 and 1 for each of `frames`; undefined: nothing drawn there. */
  slices: readonly (Uint8Array | undefined)[];
  /** Mean probability of what was drawn, [0, 1]. */
  probability?: number;
}

/** What a classification model says of one image, or of a frame of it. */
export interface Classification {
  of: FrameReference;
  /** In the order of the model's classes; probabilities are in [0, 1]. */
  classes: readonly { name: string; probability: number }[];
}

/** Who computed a result, so that it can be computed again. */
export interface ModelIdentity {
  name: string;
  version: number;
  /** SHA-256 of the head's and of the base's weights, 64 lower-case hexadecimal digits. */
  weightsSha256: string;
  baseSha256?: string;
  /** Number format of the computation: fp32, bf16, int8, ... */
  precision: string;
  /** Version of the program that computed, with its build where it has one. */
  build: string;
  /** JSON text of how images were brought to the model's input. */
  preprocessing: string;
  /** Probability above which a pixel is foreground, (0, 1). */
  threshold?: number;
  /** Coded terms of its structures or classes, by name, from its manifest. */
  terms: Terms | undefined;
}

/** SHA-256 as 64 lower-case hexadecimal digits, over all frames in the order of their UIDs, however the caller forms it. */
export interface InputIdentity {
  /** Of the pictures that the model was given. */
  picturesSha256: string;
  /** Of the pixel data of the images as they are stored. */
  pixelsSha256: string;
  /** How stored values become pictures: window, rescaling. Short text, of many values their SHA-256. */
  window: string;
}

/** What every object of one job has in common. */
export interface ResultContext {
  /** All images of one series that the model was given, in any order. */
  series: readonly SourceImage[];
  model: ModelIdentity;
  /**
   * Date and time that the objects bear. Of the job, not of the attempt: with the same time a repeated job writes the same
   * bytes. UIDs do not depend on it.
   */
  created: Date;
  /** What the model looked at, so that whoever computes again can tell what has changed. */
  inputs?: InputIdentity;
}

export type ResultKind = 'segmentation' | 'labelmap' | 'report' | 'capture' | 'presentation';

/** An object that others refer to. */
export type ReferencedObject = Omit<ResultObject, 'bytes'>;

/** A Part 10 file in Explicit VR Little Endian. */
export interface ResultObject {
  kind: ResultKind;
  sopClassUid: string;
  /** Follows from source, model, version and content: the same result has the same UID. */
  sopInstanceUid: string;
  studyUid: string;
  seriesUid: string;
  bytes: Buffer;
}
