// The one way from the bytes of a file to pixels: PNG, JPEG, TIFF and WebP for everybody, DICOM and BMP for those who take them.

import { automedError } from '../common/errors';
import { decodeBmp, isBmp } from './bmp';
import { copiedAlone } from './copied';
import { inspectImage, type DecodeLimits, type InspectImage, type UndecodedImage } from './decode';
import { DICOM_LIMITS, dicomPool, isDicom, type DicomLimits, type DisplayDepth, type FrameSource } from './dicom';
import type { Pixels } from './pixels/pixels';

/** Formats beside PNG, JPEG, TIFF and WebP. */
export type OtherFormat = 'BMP' | 'DICOM';

export interface ReadOptions {
  limits: DecodeLimits;
  /** Of DICOM files; default: DICOM_LIMITS. */
  dicomLimits?: DicomLimits;
  /** What else is read; default: nothing. */
  also?: readonly OtherFormat[];
  /** Of a file of several frames, from 0; absent: its only one. */
  frame?: number | undefined;
  /** Bits of a DICOM frame's levels; default: 8. */
  depth?: DisplayDepth | undefined;
  /** Of what is no DICOM or BMP; default: inspectImage(), in this process. */
  inspect?: InspectImage | undefined;
}

/** Pixels at the depth that the file gives them, upright. */
export interface ReadPixels {
  pixels: Pixels;
  /** Which frame of which DICOM object it is; absent for other files. */
  source?: FrameSource;
}

/** A file whose header was read, and whose pixels were not. */
export interface OpenedFile extends Omit<UndecodedImage, 'decode'> {
  source?: FrameSource;
  /**
   * @param signal of whoever waits for the pixels: once it is aborted a DICOM file is not begun, or given up
   * @throws as readImage(); CancelledError
   */
  decode(signal?: AbortSignal): Promise<Pixels>;
}

/** Of requests, at fault where a frame is. */
export const FRAME_FIELD = 'image.frame_number';

/** @throws InvalidInputError (INVALID_ARGUMENT) for a frame that a file of one picture does not have */
function refuseFrame(frame: number): void {
  if (frame === 0) return;
  throw automedError('INVALID_ARGUMENT', `The image has 1 frame(s); there is no frame ${frame + 1}.`, {
    field: FRAME_FIELD,
  });
}

/**
 * Decodes a file, told by its content.
 * @param bytes given away: of DICOM files they are empty afterwards, unless they are in shared memory, which several frames of
 * a file should be asked from: threads parse it once
 * @throws InvalidInputError (UNSUPPORTED_IMAGE, INVALID_ARGUMENT) on field `image`; of DICOM files as DicomError
 */
export async function readImage(bytes: Buffer, options: ReadOptions): Promise<ReadPixels> {
  const { limits, dicomLimits = DICOM_LIMITS, also = [], frame, depth } = options;
  // First: what begins like a BMP may go on like a bare data set.
  if (also.includes('BMP') && isBmp(bytes)) return { pixels: decodeBmp(bytes, limits) };
  if (also.includes('DICOM') && isDicom(bytes)) return dicomPool.frame(bytes, frame, { limits: dicomLimits, depth });
  refuseFrame(frame ?? 0);
  const image = await inspectImage(bytes, limits, also);
  return { pixels: await image.decode() };
}

/**
 * Reads the header of a file, and of several frames chooses the first unless another is wanted; what it tells is refused before anything is allocated. The file is not given away, and must not
 * change until it is decoded.
 * @throws as readImage()
 */
export async function openFile(bytes: Buffer, options: ReadOptions): Promise<OpenedFile> {
  const { limits, dicomLimits = DICOM_LIMITS, also = [], frame = 0, depth, inspect = inspectImage } = options;
  if (also.includes('DICOM') && isDicom(bytes)) return openDicom(bytes, frame, { limits: dicomLimits, depth });
  refuseFrame(frame);
  return inspect(bytes, limits, also);
}

async function openDicom(
  bytes: Buffer,
  frame: number,
  { limits, depth }: { limits: DicomLimits; depth: DisplayDepth | undefined },
): Promise<OpenedFile> {
  const { width, height, source, decodeBytes, maxBytes } = await dicomPool.outline(bytes, frame, limits);
  const decode = async (signal?: AbortSignal): Promise<Pixels> => {
    const { pixels } = await dicomPool.frame(await copiedAlone(bytes), frame, {
      limits: { ...limits, maxBytes },
      depth,
      signal,
    });
    return pixels;
  };
  return { width, height, source, decodeBytes, decode };
}
