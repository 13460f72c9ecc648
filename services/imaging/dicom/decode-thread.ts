// Entry of a thread of the decode pool: a file in, a picture or what is wrong with the file out.

import { parentPort } from 'node:worker_threads';
import type { Mask, Pixels } from '../pixels/pixels';
import { DicomImage } from './decode';
import type { DisplayDepth } from './display';
import { DicomError, type DicomDefect } from './errors';
import { DicomFile } from './file-bytes';
import type { FrameSource } from './frame-source';
import { DICOM_LIMITS, type DicomLimits, type ImageFormat } from './header';
import { outlineOf, type DicomOutline } from './outline';
import { DicomSegmentation, type SourceFrame } from './segmentation';
import type { StoredFrame } from './stored-values';

export interface DecodeRequest {
  /** The file, or its path. */
  bytes: Uint8Array | string;
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
    | { stored: true; into?: ArrayBufferLike | undefined }
    | { drawnOn: SourceFrame }
    | { outlineOf: number; fileBytes: number };
}

/** A DicomError, or an error of the file system, as what can cross between threads. */
export type DecodeFailure = { defect: DicomDefect; message: string } | { system: string };

/** How stored values were encoded. */
export interface StoredCoding {
  /** What was one value may differ a little from pixel to pixel. */
  lossy: boolean;
  /** Bits of a value that count, its sign included. */
  bitsStored: number;
  signed: boolean;
}

/** Pixels, of a frame with where it comes from; stored values with how they were encoded; or what the header says. */
export type Decoded =
  { pixels: Pixels; source?: FrameSource } | { stored: StoredFrame & StoredCoding } | { outline: DicomOutline };

export type DecodeAnswer = (Decoded | DecodeFailure) & {
  /** Whether the file had to be parsed. */
  parsed: boolean;
  /** Whether all that was done was to read values that are not compressed from a path (DicomFile.plainFrame). */
  plain: boolean;
};

/**
 * One request, or several for the stored values of files that are expected to be plain. Answered are as many of these, from the first
 * on, as are plain and were read in a moment; the others are to be sent alone.
 */
export type DecodeMessage = readonly DecodeRequest[];

/** With the bytes of the file. */
type ReadRequest = DecodeRequest & { bytes: Uint8Array };

const WHITE = 255;
/** After so long no further one of several files is begun, milliseconds: where reading is slow, other threads may have the rest. */
const TOGETHER_MS = 20;

/** Files that this thread has parsed. */
let parsedFiles = 0;
/** Those of which it read the values only. */
let plainFiles = 0;

/** Parses files, and keeps the last of those that several requests are about. */
class Parsed<T> {
  private kept: { file: number; content: T } | undefined;

  constructor(private readonly parse: (bytes: Uint8Array, limits: DicomLimits) => T) {}

  of({ bytes, file, limits = DICOM_LIMITS }: ReadRequest): T {
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
function imageOf(request: ReadRequest, frame?: number): DicomImage {
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

const codingOf = ({ bitsStored, signed }: ImageFormat, lossy: boolean): StoredCoding => ({ lossy, bitsStored, signed });

async function storedOf(image: DicomImage, into?: ArrayBufferLike): Promise<Decoded> {
  const { header } = image;
  return { stored: { ...(await image.stored(0, into)), ...codingOf(header, header.syntax.lossy === true) } };
}

/** Reads the file of a request that names its path. */
async function readAnd(request: DecodeRequest & { bytes: string }): Promise<Decoded> {
  const { bytes: path, limits = DICOM_LIMITS, wanted } = request;
  return DicomFile.read(path, limits, async (file) => {
    const plain = 'stored' in wanted ? plainOf(file, wanted.into) : undefined;
    return plain ?? wantedOf({ ...request, bytes: file.whole() });
  });
}

function plainOf(file: DicomFile, into?: ArrayBufferLike): Decoded | undefined {
  const plain = file.plainFrame(into);
  if (!plain) return undefined;
  plainFiles += 1;
  parsedFiles += 1;
  return { stored: { ...plain.stored, ...codingOf(plain.format, false) } };
}

async function wantedOf(request: ReadRequest): Promise<Decoded> {
  const { wanted, bytes, limits = DICOM_LIMITS } = request;
  if ('outlineOf' in wanted) return { outline: outlineOf(bytes, wanted.fileBytes, wanted.outlineOf, limits) };
  if ('drawnOn' in wanted) return { pixels: inWhite(await segmentations.of(request).mask(wanted.drawnOn)) };
  if ('stored' in wanted) return storedOf(imageOf(request), wanted.into);
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

/** Memory that goes to the other thread; what both share does not. */
function movable(answer: DecodeAnswer): ArrayBuffer[] {
  const data = 'stored' in answer ? answer.stored.values : 'pixels' in answer ? answer.pixels.data : undefined;
  return data && data.buffer instanceof ArrayBuffer ? [data.buffer] : [];
}

async function answerTo(request: DecodeRequest): Promise<Decoded | DecodeFailure> {
  try {
    const { bytes } = request;
    return alone(await (typeof bytes === 'string' ? readAnd({ ...request, bytes }) : wantedOf({ ...request, bytes })));
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (code !== undefined && syscall !== undefined) return { system: code };
    if (error instanceof DicomError) return { defect: error.defect, message: error.message };
    // The message of what nobody expected may hold values of the header.
    const kind = error instanceof Error ? error.name : 'unknown';
    return { defect: 'PIXEL_DECODE', message: `The DICOM image cannot be decoded (${kind}).` };
  }
}

/** Answers a message of several requests. What is wrong with a file is found when it is sent alone. */
async function answersOf(message: DecodeMessage): Promise<DecodeAnswer[]> {
  const answers: DecodeAnswer[] = [];
  const end = performance.now() + TOGETHER_MS;
  for (const { bytes: path, limits = DICOM_LIMITS, wanted } of message) {
    if (typeof path !== 'string' || !('stored' in wanted) || performance.now() > end) break;
    const plain = await DicomFile.read(path, limits, (file) => plainOf(file, wanted.into)).catch(() => undefined);
    if (!plain) break;
    answers.push({ ...plain, parsed: true, plain: true });
  }
  return answers;
}

async function answerAlone(request: DecodeRequest): Promise<DecodeAnswer> {
  const [parsed, plain] = [parsedFiles, plainFiles];
  const answered = await answerTo(request);
  return { ...answered, parsed: parsedFiles > parsed, plain: plainFiles > plain };
}

parentPort?.on('message', (message: DecodeMessage) => {
  const [only, ...others] = message;
  const answering = only && others.length === 0 ? answerAlone(only).then((answer) => [answer]) : answersOf(message);
  void answering.then((answers) => parentPort?.postMessage(answers, answers.flatMap(movable)));
});
