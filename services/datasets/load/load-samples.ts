// Reads and decodes the files of a data folder, several at a time, and hands them on in the order of their names whatever
// the parallelism.

import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AutomedError, automedError } from '../../common/errors';
import type { DisplayDepth } from '../../imaging/dicom';
import type { Pixels } from '../../imaging/pixels/pixels';
import { ByteBudget } from './byte-budget';
import { decodeDataFile, decodingBytes } from '../files/data-file';
import type { MaskSource, Problem, Sample } from '../samples/sample';
import { orientationOf, turnIsUncertain } from './orientation';
import { AMBIGUOUS_FIELD, UNUSABLE_MASK, type Understood } from '../masks/understand-mask';
import { readMaskFacts, type ReadMask } from './read-mask';
import { SharedFiles } from './shared-files';

/** Images decoded at a time: libuv's pool has four threads, and each holds one decoded image. */
export const DECODE_PARALLEL = 4;
/** Pixels and masks that may be held decoded at once, bytes: far more than four photographs, far less than four slides. */
const DECODE_BYTES = 512 * 1024 * 1024;

export interface DecodeOptions {
  /** Images decoded at a time; more than UV_THREADPOOL_SIZE, or of DICOM files more than processors, helps nothing. */
  parallel?: number | undefined;
  /** What they may hold together. */
  budget?: ByteBudget;
  /** Files that several samples need; default: kept for this pass. */
  files?: SharedFiles;
  /** Bits of the levels of DICOM images: 16 for a network, which rounds them itself where it learned so; default: 8. */
  depth?: DisplayDepth | undefined;
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

/** The file of an image, and the sha256 of what of it is the image, to be continued. */
async function readImage({ imagePath, frame }: Sample, files: SharedFiles): Promise<{ bytes: Buffer; hash: Hash }> {
  if (frame === undefined) {
    const bytes = await readFile(imagePath);
    return { bytes, hash: createHash('sha256').update(bytes) };
  }
  const file = await files.read(imagePath);
  return { bytes: file.bytes, hash: file.hashed().update(`frame ${frame}`) };
}

/**
 * The `imageDigest` of a sample whose pixels nobody needs.
 * @param files of the samples that are asked about in succession
 */
export async function imageDigestOf(sample: Sample, files: SharedFiles): Promise<string> {
  return (await readImage(sample, files)).hash.digest('hex');
}

export async function decodeSample(sample: Sample): Promise<DecodedSample> {
  return decodeWith(sample, new SharedFiles(), 8);
}

/** The same for a network (see DecodeOptions.depth). */
export async function decodeSampleDeep(sample: Sample): Promise<DecodedSample> {
  return decodeWith(sample, new SharedFiles(), 16);
}

async function decodeWith(sample: Sample, files: SharedFiles, depth: DisplayDepth | undefined): Promise<DecodedSample> {
  const { bytes, hash } = await readImage(sample, files);
  const imageDigest = hash.copy().digest('hex');
  // EXIF turns no frame, nor a segmentation of one.
  const orientation = sample.frame === undefined && sample.masks ? await orientationOf(bytes) : undefined;
  const pixels = await decodeDataFile(bytes, sample.frame, depth);
  if (sample.masks === undefined) {
    return { sample, pixels, imageDigest, digest: hash.update(`label ${sample.label}`).digest('hex') };
  }
  const size = pixels.width * pixels.height;
  const masks = new Uint8Array(size * sample.masks.length);
  const understood: (Understood & { structure: number })[] = [];
  for (const [index, source] of sample.masks.entries()) {
    const read = await readMaskOf(pixels, source, hash, files);
    masks.set(read.mask, index * size);
    understood.push(...read.understood.map((file) => ({ ...file, structure: index })));
  }
  const turned = orientation !== undefined && (await turnIsUncertain(orientation, sample.masks));
  return { sample, pixels, masks, understood, turned, imageDigest, digest: hash.digest('hex') };
}

/** A mask of the image's size. */
async function readMaskOf(pixels: Pixels, source: MaskSource, hash: Hash, files: SharedFiles): Promise<ReadMask> {
  return readMaskFacts(source, pixels, hash, files).catch((cause: unknown) => {
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

async function attempt(
  sample: Sample,
  files: SharedFiles,
  depth: DisplayDepth | undefined,
): Promise<DecodedSample | UnusableSample> {
  return decodeWith(sample, files, depth).catch((error: unknown) => {
    const ambiguous = error instanceof AutomedError && error.field === AMBIGUOUS_FIELD;
    return { sample, problem: describe(error), ...(ambiguous ? { ambiguous } : {}) };
  });
}

/**
 * What decoding a sample will hold: image, masks, and the mask image that is being read.
 * @param known what decoding a frame of these files holds
 */
async function bytesOf({ imagePath, frame, masks = [] }: Sample, known: Map<string, Promise<number>>): Promise<number> {
  const measured = known.get(imagePath) ?? decodingBytes(imagePath);
  if (frame !== undefined) known.set(imagePath, measured);
  const pixels = await measured;
  return pixels + (masks.length === 0 ? 0 : (pixels * (masks.length + 1)) / 3);
}

/**
 * Decodes `samples` a few ahead of the consumer, in order whatever the parallelism. A sample is not begun before its bytes
 * are free; the consumer holds the bytes of the newest one until it asks for the next.
 */
export async function* decodeInOrder(
  samples: readonly Sample[],
  {
    parallel = DECODE_PARALLEL,
    budget = new ByteBudget(DECODE_BYTES),
    files = new SharedFiles(),
    depth,
  }: DecodeOptions = {},
): AsyncGenerator<DecodedSample | UnusableSample> {
  const ahead: Promise<{ bytes: number; result: DecodedSample | UnusableSample }>[] = [];
  const sizes = new Map<string, Promise<number>>();
  let admitted: Promise<unknown> = Promise.resolve();
  const begin = async (sample: Sample): Promise<{ bytes: number; result: DecodedSample | UnusableSample }> => {
    const before = admitted;
    const measured = bytesOf(sample, sizes);
    const admission = before.then(async () => budget.take(await measured));
    admitted = admission;
    await admission;
    return { bytes: await measured, result: await attempt(sample, files, depth) };
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
