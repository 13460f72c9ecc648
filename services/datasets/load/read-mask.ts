// The mask of one structure, from wherever a data set keeps it.

import { readFile } from 'node:fs/promises';
import type { Hash } from 'node:crypto';
import { basename } from 'node:path';
import { AutomedError, automedError } from '../../common/errors';
import type { Segment, SourceFrame } from '../../imaging/dicom';
import { toRgb8, type Pixels } from '../../imaging/pixels/pixels';
import { decodeDataFile, decodeSegmentation } from '../files/data-file';
import type { MaskSource } from '../samples/sample';
import { byCode } from '../masks/layout-codes';
import { decodeStoredMask } from '../masks/stored-mask';
import { ambiguous, understand, type Understood } from '../masks/understand-mask';
import { isSegmentation, SharedFiles } from './shared-files';

/** What a DICOM segmentation shows comes in white. */
const BRIGHT = { from: 128, to: 255 };
const DRAWN = { from: 1, to: 1 };

interface Size {
  width: number;
  height: number;
}

/** A mask of the size of its image, and how its files were understood. */
export interface ReadMask {
  mask: Uint8Array;
  understood: Understood[];
}

/**
 * Reads a mask of the size of its image, 0 or 1 per pixel.
 * @param hash gets the bytes that were read, and how they were understood
 * @throws InvalidInputError when a file is no image (UNSUPPORTED_IMAGE), of another size (SHAPE_MISMATCH), or when it is not
 * certain which of its values are foreground (field `mask_values`)
 */
export async function readMask(source: MaskSource, size: Size, hash?: Hash): Promise<Uint8Array> {
  return (await readMaskFacts(source, size, hash)).mask;
}

/**
 * As `readMask`, with how the files were understood.
 * @param files that several masks need
 */
export async function readMaskFacts(
  source: MaskSource,
  size: Size,
  hash?: Hash,
  files = new SharedFiles(),
): Promise<ReadMask> {
  const { paths, values, resize = false, segmentationOf, stated } = source;
  const mask = new Uint8Array(size.width * size.height);
  const understood: Understood[] = [];
  for (const path of paths) {
    // A segmentation may be of many pictures; another mask is of one.
    const shared = segmentationOf && (await files.read(path));
    const bytes = shared?.bytes ?? (await readFile(path));
    hash?.update(bytes);
    if (shared?.isSegmentation ?? isSegmentation(bytes)) {
      const segments = segmentsOf(shared?.segments ?? [], stated);
      const drawn = await readSegmentation(bytes, path, segmentationOf && { ...segmentationOf, ...segments.wanted });
      understood.push({ mask, kind: 'segmentation', foreground: segments.foreground });
      unite(mask, size, drawn, { values: BRIGHT, resize });
    } else if (values && source.codes === undefined && !stated)
      unite(mask, size, await decodeDataFile(bytes), { values, resize });
    else {
      const stored = await decodeStoredMask(bytes);
      const read = source.codes?.length && !stated ? byCode(stored, source.codes) : understand(stored, stated);
      understood.push(read);
      const { width, height } = stored;
      const drawn: Pixels = { data: read.mask, width, height, channels: 1, sampleType: 'uint8' };
      unite(mask, size, drawn, { values: DRAWN, resize });
    }
  }
  if (segmentationOf) hash?.update(`of ${segmentationOf.sopInstanceUid} frame ${segmentationOf.frame}`);
  if (values) hash?.update(`foreground ${values.from} to ${values.to}`);
  if (stated) hash?.update(`mask values ${stated.text}`);
  return { mask, understood };
}

const folded = (label: string): string => label.normalize('NFC').toLowerCase();

/** The segments that count, of all of a file: as `readSegmentation` takes them, and as they are told. */
function segmentsOf(
  all: readonly Segment[],
  stated: MaskSource['stated'],
): { wanted: Pick<SourceFrame, 'segments'>; foreground: string[] } {
  const labels = stated?.labels.map(folded) ?? [];
  const ranges = (stated?.ranges ?? []).filter(({ colour }) => !colour);
  const isNamed = ({ number, label }: Segment): boolean =>
    ranges.some(({ from, to }) => number >= from && number <= to) ||
    (label !== undefined && labels.includes(folded(label)));
  const own = stated ? all.filter(isNamed) : all;
  if (stated && all.length > 0 && own.length === 0) {
    const told = all.map(({ number, label }) => (label === undefined ? `${number}` : `${number} (${label})`));
    throw ambiguous(`it has the segments ${told.join(', ')}, and ${stated.text} names none`);
  }
  const named = own.map(({ number }) => ({ from: number, to: number }));
  return {
    wanted: stated ? { segments: [...ranges, ...named] } : {},
    foreground: own.map(({ number }) => `segment ${number}`),
  };
}

/** What a DICOM segmentation shows of one picture, in white. */
async function readSegmentation(
  bytes: Buffer,
  path: string,
  segmentationOf: MaskSource['segmentationOf'],
): Promise<Pixels> {
  if (!segmentationOf) {
    throw automedError('INVALID_ARGUMENT', 'a DICOM segmentation belongs to DICOM images, and this image is none');
  }
  return decodeSegmentation(bytes, segmentationOf).catch((cause: unknown) => {
    // One segmentation may be of many images, and is not named like any.
    const message = `${basename(path)}: ${cause instanceof AutomedError ? cause.message : 'it cannot be read'}`;
    throw automedError('INVALID_ARGUMENT', message, { cause });
  });
}

/** Whether a picture may be another one in a smaller or larger size: sides in one proportion, but for the rounding of a pixel. */
function isScaled(one: Size, other: Size): boolean {
  const larger = Math.max(one.width, one.height) > Math.max(other.width, other.height) ? one : other;
  return Math.abs(one.width * other.height - one.height * other.width) <= Math.max(larger.width, larger.height);
}

function unite(
  mask: Uint8Array,
  { width, height }: Size,
  pixels: Pixels,
  { values, resize }: { values: { from: number; to: number }; resize: boolean },
): void {
  const fits = resize ? isScaled(pixels, { width, height }) : pixels.width === width && pixels.height === height;
  if (!fits) {
    throw automedError(
      'SHAPE_MISMATCH',
      `its mask is ${pixels.width} x ${pixels.height}, the image is ${width} x ${height}` +
        (pixels.width === height && pixels.height === width ? '; EXIF may turn one of the two' : ''),
    );
  }
  const { samples, channels } = firstBand(pixels);
  const columns = Uint32Array.from({ length: width }, (_, x) => Math.floor(((x + 0.5) * pixels.width) / width));
  for (let y = 0; y < height; y += 1) {
    const row = Math.floor(((y + 0.5) * pixels.height) / height) * pixels.width;
    for (let x = 0; x < width; x += 1) {
      const value = samples[(row + (columns[x] as number)) * channels] as number;
      if (value >= values.from && value <= values.to) mask[y * width + x] = 1;
    }
  }
}

/** Samples on the 8-bit scale of which every `channels`-th is the first band. */
function firstBand(pixels: Pixels): { samples: ArrayLike<number>; channels: number } {
  return pixels.sampleType === 'uint8'
    ? { samples: pixels.data, channels: pixels.channels }
    : { samples: toRgb8(pixels), channels: 3 };
}
