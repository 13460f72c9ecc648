// What the header of a file says before its pixels are decoded: of which frame, how large, and what that takes.

import { parseFile, pixelElement } from './data-set';
import { DicomError } from './errors';
import { frameSourceOf, type FrameSource } from './frame-source';
import { headerOf, type DicomLimits, type ImageFormat } from './header';
import { checkFrame } from './stored-values';

export interface DicomOutline {
  width: number;
  height: number;
  source: FrameSource;
  /** What decoding the frame takes at most, the file that is decoded and the pixels that are answered included. */
  decodeBytes: number;
  /** What the file may inflate to while it is decoded. */
  maxBytes: number;
}

/** What a file that was deflated may hold besides its header and twice its pixels. */
const INFLATED_MARGIN = 1024 * 1024;
/** Bytes for each sample of a frame that a codec computes with; JPEG 2000 takes most (measured). */
const CODEC_BYTES = 8;

/** What decoding a frame holds, without the file: stored values as they come and as they are kept, and what is displayed. */
export function frameBytes({ width, height, samples, bitsAllocated, bitsStored }: ImageFormat): number {
  const stored = 2 * Math.ceil(bitsAllocated / 8);
  const displayed = bitsStored > 8 ? 2 : 1;
  return width * height * (samples * (stored + CODEC_BYTES) + 3 * displayed);
}

/**
 * @param bytes the beginning of a file, as much as its header needs
 * @param fileBytes of the whole file
 * @param frame from 0
 * @throws DicomError
 */
export function outlineOf(bytes: Uint8Array, fileBytes: number, frame: number, limits: DicomLimits): DicomOutline {
  const { maxBytes } = limits;
  const file = parseFile(bytes, { maxBytes, headerOnly: true });
  const header = headerOf(file, limits);
  if (header.modality === 'SEG') {
    throw new DicomError('NOT_IMAGE', 'The DICOM object is a segmentation, not the image that it was drawn on.');
  }
  checkFrame(header, frame);
  const { width, height, samples, bitsAllocated, frames, syntax } = header;
  const promised = Math.ceil((width * height * samples * bitsAllocated * frames) / 8);
  const headerBytes = pixelElement(file.dataSet).dataOffset;
  const inflated = syntax.deflated ? Math.min(maxBytes, 2 * promised + headerBytes + INFLATED_MARGIN) : 0;
  return {
    width,
    height,
    source: frameSourceOf(file, header, frame),
    // What is inflated, once alone and once behind what came before; the fragments of a compressed frame put together.
    decodeBytes: fileBytes * (syntax.codec ? 2 : 1) + 2 * inflated + frameBytes(header),
    maxBytes: syntax.deflated ? inflated : maxBytes,
  };
}
