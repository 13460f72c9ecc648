// What an analysis needs of the rest of the world.

import type { Pixels } from '../imaging/pixels/pixels';
import type { Terms } from '../store/terms';
import type {
  Classification,
  DrawnMasks,
  FrameReference,
  ReferencedObject,
  ResultContext,
  ResultObject,
  SourceImage,
} from '../dicom-results';
import type { EncodingName, ObjectKind } from './types';

/** A version of a model, as the gateway describes it. */
export interface DescribedModel {
  name: string;
  version: number;
  task: 'segmentation' | 'classification';
  weightsSha256: string;
  baseSha256: string;
  /** Structures that it draws, or classes that it tells apart, in its order. */
  names: string[];
  threshold: number | undefined;
  /** JSON text. */
  preprocessing: string;
  terms: Terms | undefined;
}

/** Who answered, as each answer says it. */
export interface AnsweredBy {
  weightsSha256: string;
  baseSha256: string;
  precision: string;
}

export interface FrameMasks {
  by: AnsweredBy;
  masks: { structure: string; width: number; height: number; mask: Uint8Array; probability: number | undefined }[];
}

export interface FrameClasses {
  by: AnsweredBy;
  classes: { name: string; probability: number }[];
}

export interface FrameQuestion {
  /** `name@version`. */
  model: string;
  pixels: Pixels;
  /** Of rows and columns, mm. */
  spacing: readonly [number, number] | undefined;
  threshold: number | undefined;
  signal: AbortSignal;
}

/** The models behind the gateway. Methods reject with typed errors. */
export interface Models {
  /** @param reference `name`, `name@3` or `name@alias` */
  describe(reference: string, signal: AbortSignal): Promise<DescribedModel>;
  segment(question: FrameQuestion): Promise<FrameMasks>;
  classify(question: FrameQuestion): Promise<FrameClasses>;
}

/** An image of the spool. */
export interface OpenImage {
  source: SourceImage;
  /** SHA-256 of its pixel data as they are stored. */
  pixelsSha256: string;
  /** How stored values become a picture, as the header says it. */
  window: string;
  /** What a display shows of a frame, from 1. @throws DicomError */
  picture(frame: number): Promise<Pixels>;
}

export interface Images {
  /** Reads a header; pixels are read when they are asked for. @throws DicomError, ResultError */
  open(file: string): Promise<OpenImage>;
}

/** What a display shows of a frame. @throws DicomError */
export type Display = (frame: FrameReference) => Promise<Pixels>;

/** What a model found on a series. */
export interface Found {
  context: ResultContext;
  masks?: DrawnMasks;
  classifications?: readonly Classification[];
  display: Display;
}

/** Makes objects of what models found; what shows where something lies is proven from its bytes. @throws ResultError */
export interface ResultWriter {
  /** Nothing where nothing was drawn, as in all that draw. */
  segmentation(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined>;
  /** @throws ResultError (ENCODING) where structures overlap, too */
  labelmap(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined>;
  /** Pictures with what was drawn burned in. */
  captures(context: ResultContext, masks: DrawnMasks, display: Display): AsyncIterable<ResultObject>;
  /** Outlines, of images without colour. */
  presentation(context: ResultContext, masks: DrawnMasks): Promise<ResultObject | undefined>;
  /** @param segmentation that the report refers to */
  report(
    context: ResultContext,
    found: { masks: DrawnMasks } | { classifications: readonly Classification[] },
    segmentation: ReferencedObject | undefined,
  ): Promise<ResultObject>;
}

/** An object, and what it is. */
export interface MadeObject {
  kind: ObjectKind;
  /** Of a report: the encoding that it refers to; otherwise empty. */
  of: EncodingName | '';
  /** From 1, where there are several of a kind. */
  part: number;
  object: ResultObject;
}
