import type { Image__Output } from '../../proto/gen/automed/common/v1/Image';
import type { PixelSpacing__Output } from '../../proto/gen/automed/common/v1/PixelSpacing';
import { automedError } from '../common/errors';
import type { MemoryBudget, Reservation, Wait } from '../common/memory-budget';
import { stage } from '../common/stages';
import type { DecodeLimits, InspectImage } from './decode';
import { DICOM_LIMITS, DicomError, type FrameSource, type PixelSize } from './dicom';
import type { Pixels } from './pixels/pixels';
import { inspectRawPixels } from './raw-pixels';
import { FRAME_FIELD, openFile, type OpenedFile } from './read-image';

/** How the images of requests come in. */
export interface ImageIntake extends DecodeLimits {
  /** What requests may take of this process' memory. */
  memory: MemoryBudget;
  /** Default: inspectImage(), in this process. */
  inspect?: InspectImage | undefined;
}

/** What answering a request will take besides its image. */
export interface Admission {
  /** Masks of the image's size that are drawn at most; a function where that depends on the pixels of the image. */
  masks: number | ((pixelCount: number) => number);
  /** How long the request may wait for memory, asked when it begins to. */
  wait: () => Wait;
}

/** Size of a pixel, millimetres, and who says so. */
export type PixelSpacing = Omit<PixelSize, 'origin'> & { origin: PixelSize['origin'] | 'request' };

/** What is known of an image before its pixels are. */
export interface ImageFacts {
  /** Which frame of which DICOM object it is; absent for other images. */
  source: FrameSource | undefined;
  /** Absent when neither the request nor a DICOM header gave it. */
  spacing: PixelSpacing | undefined;
}

/** Nothing is known. */
export const NO_FACTS: ImageFacts = { source: undefined, spacing: undefined };

/** Area of one pixel, square millimetres. */
export function pixelAreaMm2({ spacing }: ImageFacts): number | undefined {
  return spacing && spacing.rowMm * spacing.columnMm;
}

/** The image of a request, whose header was read, and whose pixels were not. */
export interface OpenedImage extends ImageFacts {
  /** Upright. */
  width: number;
  height: number;
  /** Of the message, and of decoding it. */
  bytes: number;
  /** Of the message alone. */
  messageBytes: number;
  /** @param signal as of OpenedFile */
  decode(signal?: AbortSignal): Promise<Pixels>;
}

/** An image of a request, decoded. */
export interface ImageInput {
  pixels: Pixels;
  facts: ImageFacts;
  decodeMs: number;
  /** Masks that may be drawn of it. */
  masks: number;
}

/** Where a request's image comes from: one of the messages of the API. */
export type ImageField = Image__Output | null | undefined;

/**
 * Reads the header of a request's image, whichever way its pixels travel: all that can be refused before a model is loaded for
 * it, and memory taken.
 * @throws InvalidInputError that names the field
 */
export async function openImage(image: ImageField, intake: ImageIntake): Promise<OpenedImage> {
  if (!image?.source) {
    throw automedError('INVALID_ARGUMENT', 'The request holds no image: set image.encoded or image.raw.', {
      field: 'image',
    });
  }
  const stated = requestSpacing(image.pixelSpacing);
  const frame = frameOf(image);
  const { opened, messageBytes } = await open(image, frame, intake);
  const { width, height, decodeBytes, source } = opened;
  const spacing = stated ?? source?.pixelSize;
  const bytes = messageBytes + decodeBytes;
  intake.memory.check(bytes, whatOf(opened));
  return { width, height, source, spacing, bytes, messageBytes, decode: (signal) => opened.decode(signal) };
}

/**
 * Decodes an image once there is memory for it and for the masks of the answer. `use` gets it; the memory is given back when
 * what `use` returns has settled.
 * @throws InvalidInputError that names the field; as MemoryBudget.reserve()
 */
export async function useImage<T>(
  image: OpenedImage,
  memory: MemoryBudget,
  { masks, wait }: Admission,
  use: (input: ImageInput) => Promise<T>,
): Promise<T> {
  const { width, height, bytes, messageBytes, source, spacing } = image;
  const count = typeof masks === 'number' ? masks : masks(width * height);
  const needed = bytes + bytesOfMasks(count, width * height);
  const waiting = wait();
  return held(await memory.reserve(needed, whatOf(image), { ...waiting, messageBytes }), async () => {
    const started = performance.now();
    const pixels = await stage('decode', () => image.decode(waiting.signal));
    return use({ pixels, facts: { source, spacing }, decodeMs: performance.now() - started, masks: count });
  });
}

/**
 * The same for the masks of an image that is not sent again.
 * @param count of masks that are drawn at most
 */
export async function useMaskMemory<T>(
  memory: MemoryBudget,
  { width, height }: { width: number; height: number },
  { masks, wait }: Admission,
  use: (masks: number) => Promise<T>,
): Promise<T> {
  const count = typeof masks === 'number' ? masks : masks(width * height);
  const what = `An answer of ${count} mask(s) of ${width} x ${height} pixels`;
  return held(await memory.reserve(bytesOfMasks(count, width * height), what, wait()), () => use(count));
}

/** The subject of an error's text. */
function whatOf({ width, height }: { width: number; height: number }): string {
  return `An image of ${width} x ${height} pixels`;
}

/** A byte for each pixel of each mask, and once more for the one that is being encoded. */
function bytesOfMasks(count: number, pixelCount: number): number {
  return count === 0 ? 0 : (count + 1) * pixelCount;
}

async function held<T>(reservation: Reservation, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    reservation.release();
  }
}

async function open(
  { source, raw, encoded }: Image__Output,
  frame: number | undefined,
  { maxBytes, maxPixels, inspect }: ImageIntake,
): Promise<{ opened: OpenedFile; messageBytes: number }> {
  const limits = { maxBytes, maxPixels };
  if (source === 'raw' && raw) {
    if (frame !== undefined && frame > 0) throw noFrame('Raw pixels are 1 frame.');
    return { opened: inspectRawPixels(raw, limits), messageBytes: raw.data.length };
  }
  const bytes = encoded ?? Buffer.alloc(0);
  const options = {
    limits,
    dicomLimits: { ...DICOM_LIMITS, ...limits },
    also: ['DICOM'],
    frame,
    depth: 16,
    inspect,
  } as const;
  const opened = await openFile(bytes, options).catch((error: unknown) => {
    throw error instanceof DicomError && error.defect === 'FRAME' ? noFrame(error.message) : error;
  });
  return { opened, messageBytes: bytes.length };
}

/** From 0, of one that the request counts from 1. */
function frameOf({ frameNumber }: Image__Output): number | undefined {
  if (frameNumber === undefined || frameNumber >= 1) return frameNumber && frameNumber - 1;
  throw noFrame(`Frames are counted from 1; there is no frame ${frameNumber}.`);
}

function noFrame(message: string): Error {
  return automedError('INVALID_ARGUMENT', message, { field: FRAME_FIELD });
}

function requestSpacing(spacing: PixelSpacing__Output | null | undefined): PixelSpacing | undefined {
  if (!spacing) return undefined;
  const { columnMm, rowMm } = spacing;
  if (Number.isFinite(columnMm) && Number.isFinite(rowMm) && columnMm > 0 && rowMm > 0) {
    return { rowMm, columnMm, origin: 'request' };
  }
  throw automedError('INVALID_ARGUMENT', 'Both distances of the pixel spacing must be above 0 millimetres.', {
    field: 'image.pixel_spacing',
  });
}
