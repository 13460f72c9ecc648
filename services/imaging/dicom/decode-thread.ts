// Entry of a thread of the decode pool: a file in, a picture or what is wrong with the file out.

import { parentPort } from 'node:worker_threads';
import type { Mask } from '../mask';
import type { Pixels } from '../pixels';
import { DicomImage } from './decode';
import { DicomError, type DicomDefect } from './errors';
import { DicomSegmentation, type SourceFrame } from './segmentation';
import type { StoredFrame } from './stored-values';

export interface DecodeRequest {
  bytes: Uint8Array;
  /**
   * What a display shows of a frame (from 0; undefined: the only one), the stored values of the only frame, or what a
   * segmentation says of a picture.
   */
  wanted: { frame: number | undefined } | { stored: true } | { drawnOn: SourceFrame };
}

/** A DicomError as what can cross between threads. */
export interface DecodeFailure {
  defect: DicomDefect;
  message: string;
}

export type DecodeAnswer = { pixels: Pixels } | DecodeFailure;

const WHITE = 255;

/** An image of which one frame is meant. */
function imageOf(bytes: Uint8Array, frame?: number): DicomImage {
  const image = DicomImage.parse(bytes);
  const { frames } = image.header;
  if (frame === undefined && frames > 1) {
    throw new DicomError('FRAME', `The DICOM file has ${frames} frames, where one picture is needed.`);
  }
  return image;
}

function inWhite({ mask, width, height }: Mask): Pixels {
  return { data: mask.map((value) => value * WHITE), width, height, channels: 1, sampleType: 'uint8' };
}

/** Stored values as they are; negative ones, and those of 32 bits, as floats. */
function asPixels({ values, width, height, kind }: StoredFrame): Pixels {
  const channels = kind === 'rgb' ? 3 : 1;
  if (values instanceof Uint8Array) return { data: values, width, height, channels, sampleType: 'uint8' };
  const isWords = values instanceof Uint16Array;
  const { buffer, byteOffset, byteLength } = isWords ? values : Float32Array.from(values);
  const data = new Uint8Array(buffer, byteOffset, byteLength);
  return { data, width, height, channels, sampleType: isWords ? 'uint16' : 'float32' };
}

async function wantedOf({ bytes, wanted }: DecodeRequest): Promise<Pixels> {
  if ('drawnOn' in wanted) return inWhite(await DicomSegmentation.parse(bytes).mask(wanted.drawnOn));
  if ('stored' in wanted) return asPixels(await imageOf(bytes).stored());
  return imageOf(bytes, wanted.frame).display(wanted.frame);
}

async function answerTo(request: DecodeRequest): Promise<DecodeAnswer> {
  try {
    const pixels = await wantedOf(request);
    // What is a part of something larger, the file or the memory of a codec, cannot be given away.
    const whole = pixels.data.byteLength === pixels.data.buffer.byteLength;
    return { pixels: whole ? pixels : { ...pixels, data: pixels.data.slice() } };
  } catch (error) {
    if (error instanceof DicomError) return { defect: error.defect, message: error.message };
    // The message of what nobody expected may hold values of the header.
    const kind = error instanceof Error ? error.name : 'unknown';
    return { defect: 'PIXEL_DECODE', message: `The DICOM image cannot be decoded (${kind}).` };
  }
}

parentPort?.on('message', (request: DecodeRequest) => {
  void answerTo(request).then((answer) => {
    parentPort?.postMessage(answer, 'pixels' in answer ? [answer.pixels.data.buffer as ArrayBuffer] : []);
  });
});
