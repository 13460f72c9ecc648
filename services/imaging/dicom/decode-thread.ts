// Entry of a thread of the decode pool: a file in, a picture or what is wrong with the file out.

import { parentPort } from 'node:worker_threads';
import type { Mask, Pixels } from '../pixels/pixels';
import { DicomImage } from './decode';
import { DicomError, type DicomDefect } from './errors';
import { DicomSegmentation, type SourceFrame } from './segmentation';
import type { StoredFrame } from './stored-values';

export interface DecodeRequest {
  bytes: Uint8Array;
  /** Number of a file that several requests are about; absent: of this one alone. */
  file?: number | undefined;
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

export type DecodeAnswer = ({ pixels: Pixels } | DecodeFailure) & {
  /** Whether the file had to be parsed. */
  parsed: boolean;
};

const WHITE = 255;

/** Files that this thread has parsed. */
let parsedFiles = 0;

/** Parses files, and keeps the last of those that several requests are about. */
class Parsed<T> {
  private kept: { file: number; content: T } | undefined;

  constructor(private readonly parse: (bytes: Uint8Array) => T) {}

  of({ bytes, file }: DecodeRequest): T {
    if (file !== undefined && this.kept?.file === file) return this.kept.content;
    this.kept = undefined;
    parsedFiles += 1;
    const content = this.parse(bytes);
    if (file !== undefined) this.kept = { file, content };
    return content;
  }
}

const images = new Parsed((bytes) => DicomImage.parse(bytes));
const segmentations = new Parsed((bytes) => DicomSegmentation.parse(bytes));

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

/** Stored values as they are; negative ones, and those of 32 bits, as floats. */
function asPixels({ values, width, height, kind }: StoredFrame): Pixels {
  const channels = kind === 'rgb' ? 3 : 1;
  if (values instanceof Uint8Array) return { data: values, width, height, channels, sampleType: 'uint8' };
  const isWords = values instanceof Uint16Array;
  const { buffer, byteOffset, byteLength } = isWords ? values : Float32Array.from(values);
  const data = new Uint8Array(buffer, byteOffset, byteLength);
  return { data, width, height, channels, sampleType: isWords ? 'uint16' : 'float32' };
}

async function wantedOf(request: DecodeRequest): Promise<Pixels> {
  const { wanted } = request;
  if ('drawnOn' in wanted) return inWhite(await segmentations.of(request).mask(wanted.drawnOn));
  if ('stored' in wanted) return asPixels(await imageOf(request).stored());
  return imageOf(request, wanted.frame).display(wanted.frame);
}

async function answerTo(request: DecodeRequest): Promise<{ pixels: Pixels } | DecodeFailure> {
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
  const before = parsedFiles;
  void answerTo(request).then((answered) => {
    const answer: DecodeAnswer = { ...answered, parsed: parsedFiles > before };
    parentPort?.postMessage(answer, 'pixels' in answer ? [answer.pixels.data.buffer as ArrayBuffer] : []);
  });
});
