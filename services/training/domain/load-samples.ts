// Reads and decodes the files of a data folder, several at a time, and hands them on in the order of their names whatever
// the parallelism.

import { createHash, type Hash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { AutomedError, automedError } from '../../common/errors';
import type { Pixels } from '../../imaging/pixels';
import { decodeDataFile } from './data-file';
import type { MaskSource, Sample } from './data-folder';
import { readMask } from './read-mask';

/** Images decoded at a time: libuv's pool has four threads, and each holds one decoded image. */
const PARALLEL = 4;

export interface DecodedSample {
  sample: Sample;
  pixels: Pixels;
  /** Segmentation: structure by structure 0 or 1 per pixel, of the size of the image. */
  masks?: Uint8Array;
  /** sha256 of what was read: the image, and the masks or the label. */
  digest: string;
}

export interface UnusableSample {
  sample: Sample;
  problem: string;
}

export async function decodeSample(sample: Sample): Promise<DecodedSample> {
  const hash = createHash('sha256');
  const bytes = await readFile(sample.imagePath);
  hash.update(bytes);
  const pixels = await decodeDataFile(bytes);
  if (sample.masks === undefined) {
    return { sample, pixels, digest: hash.update(`label ${sample.label}`).digest('hex') };
  }
  const size = pixels.width * pixels.height;
  const masks = new Uint8Array(size * sample.masks.length);
  for (const [index, source] of sample.masks.entries()) {
    masks.set(await readMaskOf(pixels, source, hash), index * size);
  }
  return { sample, pixels, masks, digest: hash.digest('hex') };
}

/** A mask of the image's size. */
async function readMaskOf(pixels: Pixels, source: MaskSource, hash: Hash): Promise<Uint8Array> {
  return readMask(source, pixels, hash).catch((cause: unknown) => {
    if (cause instanceof AutomedError && cause.code === 'SHAPE_MISMATCH') throw cause;
    throw automedError('INVALID_ARGUMENT', `its mask cannot be used: ${describe(cause)}`, { cause });
  });
}

function describe(error: unknown): string {
  if (error instanceof AutomedError) return error.message;
  const code = (error as { code?: unknown }).code;
  return `the file cannot be read${typeof code === 'string' ? ` (${code})` : ''}`;
}

async function attempt(sample: Sample): Promise<DecodedSample | UnusableSample> {
  return decodeSample(sample).catch((error: unknown) => ({ sample, problem: describe(error) }));
}

/** Decodes `samples` a few ahead of the consumer, in order. */
export async function* decodeInOrder(samples: readonly Sample[]): AsyncGenerator<DecodedSample | UnusableSample> {
  const ahead: Promise<DecodedSample | UnusableSample>[] = [];
  let next = 0;
  while (next < samples.length || ahead.length > 0) {
    while (next < samples.length && ahead.length < PARALLEL) {
      ahead.push(attempt(samples[next]!));
      next += 1;
    }
    const first = ahead.shift();
    if (first) yield await first;
  }
}
