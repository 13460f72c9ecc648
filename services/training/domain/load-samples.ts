// Reads and decodes the files of a data folder, several at a time, and hands them on in the order of their names whatever
// the parallelism.

import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AutomedError, automedError } from '../../common/errors';
import type { Pixels } from '../../imaging/pixels';
import { ByteBudget } from './byte-budget';
import { decodeDataFile, decodingBytes } from './data-file';
import type { MaskSource, Problem, Sample } from './data-folder';
import { orientationOf, turnIsUncertain } from './masks/orientation';
import { AMBIGUOUS_FIELD, UNUSABLE_MASK, type Understood } from './masks/understand-mask';
import { readMaskFacts, type ReadMask } from './read-mask';

/** Images decoded at a time: libuv's pool has four threads, and each holds one decoded image. */
export const DECODE_PARALLEL = 4;
/** Pixels and masks that may be held decoded at once, bytes: far more than four photographs, far less than four slides. */
export const DECODE_BYTES = 512 * 1024 * 1024;

export interface DecodeOptions {
  /** Images decoded at a time; more than UV_THREADPOOL_SIZE, or of DICOM files more than processors, helps nothing. */
  parallel?: number | undefined;
  /** What they may hold together. */
  budget?: ByteBudget;
}

export interface DecodedSample {
  sample: Sample;
  pixels: Pixels;
  /** Segmentation: structure by structure 0 or 1 per pixel, of the size of the image. */
  masks?: Uint8Array;
  /** How the mask files were understood, and of which structure each is, from 0. */
  understood?: (Understood & { structure: number })[];
  /** EXIF turns the image or a mask, and one cannot tell whether the other was drawn turned. */
  turned?: boolean;
  /** sha256 of what was read: the image, and the masks or the label. */
  digest: string;
  /** sha256 of the image alone. */
  imageDigest: string;
}

export interface UnusableSample {
  sample: Sample;
  problem: string;
  /** It is not certain which values of its mask are foreground. */
  ambiguous?: boolean;
}

/** What is told of it. */
export function problemOf({ sample, problem, ambiguous }: UnusableSample): Problem {
  return { name: sample.name, problem, ...(ambiguous === true ? { ambiguous } : {}) };
}

function hashOfImage(bytes: Buffer, { frame }: Sample): Hash {
  const hash = createHash('sha256').update(bytes);
  return frame === undefined ? hash : hash.update(`frame ${frame}`);
}

/** The `imageDigest` of a sample whose pixels nobody needs. */
export async function imageDigestOf(sample: Sample): Promise<string> {
  return hashOfImage(await readFile(sample.imagePath), sample).digest('hex');
}

export async function decodeSample(sample: Sample): Promise<DecodedSample> {
  const bytes = await readFile(sample.imagePath);
  const hash = hashOfImage(bytes, sample);
  const imageDigest = hash.copy().digest('hex');
  const orientation = sample.masks && (await orientationOf(bytes));
  const pixels = await decodeDataFile(bytes, sample.frame);
  if (sample.masks === undefined) {
    return { sample, pixels, imageDigest, digest: hash.update(`label ${sample.label}`).digest('hex') };
  }
  const size = pixels.width * pixels.height;
  const masks = new Uint8Array(size * sample.masks.length);
  const understood: (Understood & { structure: number })[] = [];
  for (const [index, source] of sample.masks.entries()) {
    const read = await readMaskOf(pixels, source, hash);
    masks.set(read.mask, index * size);
    understood.push(...read.understood.map((file) => ({ ...file, structure: index })));
  }
  const turned = orientation !== undefined && (await turnIsUncertain(orientation, sample.masks));
  return { sample, pixels, masks, understood, turned, imageDigest, digest: hash.digest('hex') };
}

/** A mask of the image's size. */
async function readMaskOf(pixels: Pixels, source: MaskSource, hash: Hash): Promise<ReadMask> {
  return readMaskFacts(source, pixels, hash).catch((cause: unknown) => {
    if (cause instanceof AutomedError && cause.code === 'SHAPE_MISMATCH') throw cause;
    const field = cause instanceof AutomedError ? cause.field : undefined;
    throw automedError('INVALID_ARGUMENT', `${UNUSABLE_MASK}${describe(cause)}`, { field, cause });
  });
}

function describe(error: unknown): string {
  if (error instanceof AutomedError) return error.message;
  const code = (error as { code?: unknown }).code;
  return `the file cannot be read${typeof code === 'string' ? ` (${code})` : ''}`;
}

async function attempt(sample: Sample): Promise<DecodedSample | UnusableSample> {
  return decodeSample(sample).catch((error: unknown) => {
    const ambiguous = error instanceof AutomedError && error.field === AMBIGUOUS_FIELD;
    return { sample, problem: describe(error), ...(ambiguous ? { ambiguous } : {}) };
  });
}

/** What decoding a sample will hold: image, masks, and the mask image that is being read. */
async function bytesOf({ imagePath, masks = [] }: Sample): Promise<number> {
  const pixels = await decodingBytes(imagePath);
  return pixels + (masks.length === 0 ? 0 : (pixels * (masks.length + 1)) / 3);
}

/**
 * Decodes `samples` a few ahead of the consumer, in order whatever the parallelism. A sample is not begun before its bytes
 * are free; the consumer holds the bytes of the newest one until it asks for the next.
 */
export async function* decodeInOrder(
  samples: readonly Sample[],
  { parallel = DECODE_PARALLEL, budget = new ByteBudget(DECODE_BYTES) }: DecodeOptions = {},
): AsyncGenerator<DecodedSample | UnusableSample> {
  const ahead: Promise<{ bytes: number; result: DecodedSample | UnusableSample }>[] = [];
  let admitted: Promise<unknown> = Promise.resolve();
  const begin = async (sample: Sample): Promise<{ bytes: number; result: DecodedSample | UnusableSample }> => {
    const before = admitted;
    const measured = bytesOf(sample);
    const admission = before.then(async () => budget.take(await measured));
    admitted = admission;
    await admission;
    return { bytes: await measured, result: await attempt(sample) };
  };
  for (let next = 0; next < samples.length || ahead.length > 0;) {
    while (next < samples.length && ahead.length < parallel) {
      ahead.push(begin(samples[next] as Sample));
      next += 1;
    }
    const { bytes, result } = (await ahead.shift()) as Awaited<(typeof ahead)[number]>;
    yield result;
    budget.release(bytes);
  }
}
