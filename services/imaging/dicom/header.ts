// What a DICOM file says about its pixels and where it belongs.

import { open } from 'node:fs/promises';
import type { DataSet } from 'dicom-parser';
import { decodedText } from './character-set';
import { isDicom, parseFile, pixelElement, type ParsedFile } from './data-set';
import { DicomError, type DicomDefect } from './errors';
import { checkFloats, floatBits } from './float-pixels';
import { planeOf, type Plane } from './geometry';
import { isNoImage, sidePictureOf, slideLevelOf, type SidePicture, type SlideLevel } from './object-kind';
import { tilesOf, type Tile } from './tiles';
import type { TransferSyntax } from './transfer-syntax';

export interface DicomLimits {
  /** Of the file, and of what it inflates to. */
  maxBytes: number;
  /** Rows x columns of a frame, checked before anything is allocated for it. */
  maxPixels: number;
  maxFrames: number;
}

/** Files of hundreds of frames are as large as many photographs together. */
export const DICOM_LIMITS: Readonly<DicomLimits> = {
  maxBytes: 256 * 1024 * 1024,
  maxPixels: 64_000_000,
  maxFrames: 10_000,
};

const PHOTOMETRIC = [
  'MONOCHROME1',
  'MONOCHROME2',
  'PALETTE COLOR',
  'RGB',
  'YBR_FULL',
  'YBR_FULL_422',
  'YBR_RCT',
  'YBR_ICT',
] as const;

export type Photometric = (typeof PHOTOMETRIC)[number];

/** How the pixels of an image lie (PS3.3 C.7.6.3). */
export interface ImageFormat {
  width: number;
  height: number;
  frames: number;
  samples: 1 | 3;
  photometric: Photometric;
  bitsAllocated: 1 | 8 | 16 | 32 | 64;
  /** Pixels are floating-point numbers of 32 or 64 bits, not integers. */
  floating: boolean;
  bitsStored: number;
  highBit: number;
  signed: boolean;
  /** Samples lie plane by plane. */
  planar: boolean;
}

/** What tells which images belong together. Identifies patients: never to be shown or logged. */
export interface Belonging {
  /** Decoded by the character set of the header. */
  patientId: string | undefined;
  studyUid: string | undefined;
  sopInstanceUid: string | undefined;
}

export interface DicomHeader extends ImageFormat, Belonging {
  syntax: TransferSyntax;
  /** Modality such as CT; SEG for a segmentation. */
  modality: string | undefined;
  /** Absent for a picture that is a sample of its own. */
  sidePicture: SidePicture | undefined;
  slideLevel: SlideLevel | undefined;
  /** UID of the coordinates of `planes`. */
  frameOfReference: string | undefined;
  /** Where each frame lies in the patient, as far as the header says it. */
  planes: (Plane | undefined)[];
  /** Which tile of a slide each frame is; absent: the image is no level of a slide. */
  tiles: Tile[] | undefined;
}

function needed(dataSet: DataSet, tag: string, name: string): number {
  const value = dataSet.elements[tag]?.length ? dataSet.uint16(tag) : undefined;
  if (value === undefined) throw new DicomError('HEADER', `The DICOM header has no ${name}.`);
  return value;
}

/** A short text of the header; undefined where it is absent or empty. */
export function text(dataSet: DataSet, tag: string): string | undefined {
  const value = dataSet.string(tag)?.trim();
  return value === '' ? undefined : value;
}

function photometricOf(dataSet: DataSet): Photometric {
  const named = text(dataSet, 'x00280004');
  const photometric = PHOTOMETRIC.find((known) => known === named);
  if (photometric) return photometric;
  throw named === undefined
    ? new DicomError('HEADER', 'The DICOM header has no photometric interpretation.')
    : new DicomError('PIXEL_FORMAT', 'The DICOM image has a photometric interpretation that is not read.');
}

type Bits = Pick<ImageFormat, 'bitsAllocated' | 'bitsStored' | 'highBit' | 'signed' | 'floating'>;

function bitsOf(dataSet: DataSet): Bits {
  const allocated = needed(dataSet, 'x00280100', 'bits allocated');
  const floats = floatBits(dataSet);
  if (floats) {
    checkFloats(floats, allocated);
    return { bitsAllocated: floats, bitsStored: floats, highBit: floats - 1, signed: true, floating: true };
  }
  if (allocated !== 1 && allocated !== 8 && allocated !== 16 && allocated !== 32) {
    throw new DicomError('PIXEL_FORMAT', `The DICOM image has ${allocated} bits allocated; 1, 8, 16 and 32 are read.`);
  }
  const bitsStored = dataSet.uint16('x00280101') ?? allocated;
  const highBit = dataSet.uint16('x00280102') ?? bitsStored - 1;
  if (bitsStored < 1 || highBit < bitsStored - 1 || highBit >= allocated) {
    throw new DicomError('HEADER', 'The DICOM header contradicts itself about bits stored and allocated.');
  }
  const signed = dataSet.uint16('x00280103') === 1;
  return { bitsAllocated: allocated, bitsStored, highBit, signed, floating: false };
}

function framesOf(dataSet: DataSet, { maxFrames }: DicomLimits): number {
  const frames = dataSet.elements['x00280008']?.length ? dataSet.intString('x00280008') : 1;
  if (frames === undefined || !Number.isInteger(frames) || frames < 1) {
    throw new DicomError('HEADER', 'The DICOM header gives no valid number of frames.');
  }
  if (frames > maxFrames) {
    throw new DicomError('TOO_LARGE', `The DICOM image has ${frames} frames; at most ${maxFrames} are accepted.`);
  }
  return frames;
}

/** @throws DicomError (HEADER, PIXEL_FORMAT, TOO_LARGE) */
export function formatOf(dataSet: DataSet, limits: DicomLimits): ImageFormat {
  const height = needed(dataSet, 'x00280010', 'rows');
  const width = needed(dataSet, 'x00280011', 'columns');
  if (height === 0 || width === 0) throw new DicomError('HEADER', `The DICOM image is ${width} x ${height}.`);
  if (width * height > limits.maxPixels) {
    throw new DicomError(
      'TOO_LARGE',
      `The DICOM image is ${width} x ${height}; at most ${limits.maxPixels} pixels are accepted.`,
    );
  }
  const bits = bitsOf(dataSet);
  const photometric = photometricOf(dataSet);
  const samples = dataSet.uint16('x00280002') ?? 1;
  const colour = !photometric.startsWith('MONOCHROME') && photometric !== 'PALETTE COLOR';
  if (samples !== (colour ? 3 : 1)) {
    throw new DicomError('HEADER', `The DICOM header gives a ${photometric} image ${samples} samples per pixel.`);
  }
  if (bits.floating && colour) {
    throw new DicomError('PIXEL_FORMAT', 'The DICOM image holds colour as floating-point numbers, which is not read.');
  }
  const planar = samples === 3 && dataSet.uint16('x00280006') === 1;
  return { width, height, frames: framesOf(dataSet, limits), samples, photometric, ...bits, planar };
}

/** @throws DicomError, also for an object without pixels */
export function headerOf(file: ParsedFile, limits: DicomLimits): DicomHeader {
  try {
    return readHeader(file, limits);
  } catch (error) {
    if (error instanceof DicomError) throw error;
    // An element that is longer than the file, as one finds them by reading a header in another encoding than its own.
    throw new DicomError('TRUNCATED', 'The DICOM header is damaged, or of another transfer syntax than it says.');
  }
}

function readHeader({ dataSet, syntax }: ParsedFile, limits: DicomLimits): DicomHeader {
  if (isNoImage(dataSet)) throw new DicomError('NOT_IMAGE', 'The DICOM object is of a kind that has no pictures.');
  pixelElement(dataSet);
  const format = formatOf(dataSet, limits);
  const { width, height, frames } = format;
  return {
    ...format,
    syntax,
    modality: text(dataSet, 'x00080060'),
    sidePicture: sidePictureOf(dataSet),
    slideLevel: slideLevelOf(dataSet, width * height * frames),
    frameOfReference: text(dataSet, 'x00200052'),
    planes: Array.from({ length: frames }, (_, frame) => planeOf(dataSet, frame)),
    tiles: tilesOf(dataSet, frames, format),
    patientId: decodedText(dataSet, 'x00100020'),
    studyUid: text(dataSet, 'x0020000d'),
    sopInstanceUid: text(dataSet, 'x00080018'),
  };
}

/** Preamble, prefix and more than the first element. */
const FIRST_BYTES = 256;

/**
 * True for a file that is DICOM by its first bytes.
 * @throws errors of the file system as they are
 */
export async function isDicomFile(path: string): Promise<boolean> {
  const file = await open(path);
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(FIRST_BYTES), 0, FIRST_BYTES, 0);
    return isDicom(buffer.subarray(0, bytesRead));
  } finally {
    await file.close();
  }
}

/** What may be wrong with the beginning of a header alone. */
const UNTIL_MORE: ReadonlySet<DicomDefect> = new Set(['TRUNCATED', 'NO_PIXELS', 'NOT_IMAGE']);
/** Enough of nearly every file to reach its pixels. */
export const HEADER_BYTES = 64 * 1024;

/** Whether what is wrong with the beginning of a file may be that it is only that. */
export function needsMore(error: unknown): boolean {
  return error instanceof DicomError && UNTIL_MORE.has(error.defect);
}

/**
 * Reads as much of a file as its header needs.
 * @throws DicomError; errors of the file system as they are
 */
export async function readDicomHeader(path: string, limits: DicomLimits = DICOM_LIMITS): Promise<DicomHeader> {
  const file = await open(path);
  try {
    const { size } = await file.stat();
    for (let wanted = HEADER_BYTES; ; wanted *= 16) {
      const bytes = Buffer.alloc(Math.min(wanted, size, limits.maxBytes));
      const { bytesRead } = await file.read(bytes, 0, bytes.length, 0);
      const whole = bytesRead < wanted;
      try {
        return headerOf(
          parseFile(bytes.subarray(0, bytesRead), { maxBytes: limits.maxBytes, headerOnly: true }),
          limits,
        );
      } catch (error) {
        if (whole || !needsMore(error)) throw error;
      }
    }
  } finally {
    await file.close();
  }
}
