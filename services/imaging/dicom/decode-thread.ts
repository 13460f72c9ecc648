// Entry of a thread of the decode pool: a file in, a picture or what is wrong with the file out.

import { parentPort } from 'node:worker_threads';
import type { Mask, Pixels } from '../pixels/pixels';
import { DicomImage } from './decode';
import type { DisplayDepth } from './display';
import { DicomError, type DicomDefect } from './errors';
import type { FrameSource } from './frame-source';
import { DICOM_LIMITS, type DicomLimits } from './header';
import { outlineOf, type DicomOutline } from './outline';
import { DicomSegmentation, type SourceFrame } from './segmentation';
import type { StoredFrame } from './stored-values';

export interface DecodeRequest {
  bytes: Uint8Array;
  /** Number of a file that several requests are about; absent: of this one alone. */
  file?: number | undefined;
  /** Default: DICOM_LIMITS. */
  limits?: DicomLimits;
  /**
   * What a display shows of a frame (from 0; undefined: the only one), the stored values of the only frame, what a
   * segmentation says of a picture, or what the header says of a frame, in a file of so many bytes of which these are the
   * first.
   */
  wanted:
    | { frame: number | undefined; depth?: DisplayDepth | undefined }
    | { stored: true }
    | { drawnOn: SourceFrame }
    | { outlineOf: number; fileBytes: number };
}

/** A DicomError as what can cross between threads. */
export interface DecodeFailure {
  defect: DicomDefect;
  message: string;
}

/** How stored values were encoded. */
export interface StoredCoding {
  /** What was one value may differ a little from pixel to pixel. */
  lossy: boolean;
  /** Bits of a value that count, its sign included. */
  bitsStored: number;
  signed: boolean;
}

/** Pixels, of a frame with where it comes from, of stored values with how they were encoded; or what the header says. */
export type Decoded = { pixels: Pixels; source?: FrameSource; coding?: StoredCoding } | { outline: DicomOutline };

export type DecodeAnswer = (Decoded | DecodeFailure) & {
  /** Whether the file had to be parsed. */
  parsed: boolean;
};

const WHITE = 255;

/** Files that this thread has parsed. */
let parsedFiles = 0;

/** Parses files, and keeps the last of those that several requests are about. */
class Parsed<T> {
  private kept: { file: number; content: T } | undefined;

  constructor(private readonly parse: (bytes: Uint8Array, limits: DicomLimits) => T) {}

  of({ bytes, file, limits = DICOM_LIMITS }: DecodeRequest): T {
    if (file !== undefined && this.kept?.file === file) return this.kept.content;
    this.kept = undefined;
    parsedFiles += 1;
    const content = this.parse(bytes, limits);
    if (file !== undefined) this.kept = { file, content };
    return content;
  }
}

const images = new Parsed((bytes, limits) => DicomImage.parse(bytes, limits));
const segmentations = new Parsed((bytes, limits) => DicomSegmentation.parse(bytes, limits));

/** An image of which one frame is meant. */
function imageOf(request: DecodeRequest, frame?: number): DicomImage {
  const image = images.of(request);
  const { frames } = image.header;
  if (frame === undefined && frames > 1) {
    throw new DicomError('FRAME', `The DICOM file has ${frames} frames, where one picture is needed.`);
  }
  return image;
}

function inWhite({ mask, width, height }: Mask): Pixels {
  return { data: mask.map((value) => value * WHITE), width, height, channels: 1, sampleType: 'uint8' };
}

/** Stored values as they are; negative ones, and those of 32 bits or more, as floats. */
function asPixels({ values, width, height, kind }: StoredFrame): Pixels {
  const channels = kind === 'rgb' ? 3 : 1;
  if (values instanceof Uint8Array) return { data: values, width, height, channels, sampleType: 'uint8' };
  const isWords = values instanceof Uint16Array;
  const { buffer, byteOffset, byteLength } = isWords ? values : new Float32Array(values);
  const data = new Uint8Array(buffer, byteOffset, byteLength);
  return { data, width, height, channels, sampleType: isWords ? 'uint16' : 'float32' };
}

async function storedOf(image: DicomImage): Promise<Decoded> {
  const { syntax, bitsStored, signed } = image.header;
  return { pixels: asPixels(await image.stored()), coding: { lossy: syntax.lossy === true, bitsStored, signed } };
}

async function wantedOf(request: DecodeRequest): Promise<Decoded> {
  const { wanted, bytes, limits = DICOM_LIMITS } = request;
  if ('outlineOf' in wanted) return { outline: outlineOf(bytes, wanted.fileBytes, wanted.outlineOf, limits) };
  if ('drawnOn' in wanted) return { pixels: inWhite(await segmentations.of(request).mask(wanted.drawnOn)) };
  if ('stored' in wanted) return storedOf(imageOf(request));
  const image = imageOf(request, wanted.frame);
  return { pixels: await image.display(wanted.frame, wanted.depth), source: image.source(wanted.frame) };
}

/** What is a part of something larger, the file or the memory of a codec, cannot be given away. */
function alone(decoded: Decoded): Decoded {
  if (!('pixels' in decoded)) return decoded;
  const { data } = decoded.pixels;
  const whole = data.byteLength === data.buffer.byteLength;
  return whole ? decoded : { ...decoded, pixels: { ...decoded.pixels, data: data.slice() } };
}

async function answerTo(request: DecodeRequest): Promise<Decoded | DecodeFailure> {
  try {
    return alone(await wantedOf(request));
  } catch (error) {
    if (error instanceof DicomError) return { defect: error.defect, message: error.message };
    // The message of what nobody expected may hold values of the header.
    const kind = error instanceof Error ? error.name : 'unknown';
    return { defect: 'PIXEL_DECODE', message: `The DICOM image cannot be decoded (${kind}).` };
  }
}

parentPort?.on('message', (request: DecodeRequest) => {
  const before = parsedFiles;
  void answerTo(request).then((answered) => {
    const answer: DecodeAnswer = { ...answered, parsed: parsedFiles > before };
    parentPort?.postMessage(answer, 'pixels' in answer ? [answer.pixels.data.buffer as ArrayBuffer] : []);
  });
});
