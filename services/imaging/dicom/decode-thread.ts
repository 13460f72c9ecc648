// Entry of a thread of the decode pool: a file in, a picture or what is wrong with the file out.

import { parentPort } from 'node:worker_threads';
import type { Pixels } from '../pixels';
import { DicomImage } from './decode';
import { DicomError, type DicomDefect } from './errors';
import { DicomSegmentation, type SourceFrame } from './segmentation';

export interface DecodeRequest {
  bytes: Uint8Array;
  /** What a display shows of a frame (from 0; undefined: the only one), or what a segmentation says of a picture. */
  wanted: { frame: number | undefined } | { drawnOn: SourceFrame };
}

/** A DicomError as what can cross between threads. */
export interface DecodeFailure {
  defect: DicomDefect;
  message: string;
}

export type DecodeAnswer = { pixels: Pixels } | DecodeFailure;

const WHITE = 255;

async function pictureOf(bytes: Uint8Array, frame: number | undefined): Promise<Pixels> {
  const image = DicomImage.parse(bytes);
  const { frames } = image.header;
  if (frame === undefined && frames > 1) {
    throw new DicomError('FRAME', `The DICOM file has ${frames} frames, where one picture is needed.`);
  }
  return image.display(frame);
}

async function segmentationOf(bytes: Uint8Array, picture: SourceFrame): Promise<Pixels> {
  const { mask, width, height } = await DicomSegmentation.parse(bytes).mask(picture);
  return { data: mask.map((value) => value * WHITE), width, height, channels: 1, sampleType: 'uint8' };
}

async function answerTo({ bytes, wanted }: DecodeRequest): Promise<DecodeAnswer> {
  try {
    const pixels = await ('drawnOn' in wanted ? segmentationOf(bytes, wanted.drawnOn) : pictureOf(bytes, wanted.frame));
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
