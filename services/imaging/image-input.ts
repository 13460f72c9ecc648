import type { Image__Output } from '../../proto/gen/automed/common/v1/Image';
import type { PixelSpacing__Output } from '../../proto/gen/automed/common/v1/PixelSpacing';
import { automedError } from '../common/errors';
import type { MemoryBudget, Reservation, Wait } from '../common/memory-budget';
import { inspectImage, type DecodeLimits, type UndecodedImage } from './decode';
import type { Pixels } from './pixels/pixels';
import { inspectRawPixels } from './raw-pixels';

/** How the images of requests come in. */
export interface ImageIntake extends DecodeLimits {
  /** What requests may take of this process' memory. */
  memory: MemoryBudget;
}

/** What answering a request will take besides its image. */
export interface Admission {
  /** Masks of the image's size that are drawn at most; a function where that depends on the pixels of the image. */
  masks: number | ((pixelCount: number) => number);
  /** How long the request may wait for memory, asked when it begins to. */
  wait: () => Wait;
}

/** An image of a request, decoded. */
export interface ImageInput {
  pixels: Pixels;
  /** Area of one pixel, square millimetres; absent when the request gave no spacing. */
  pixelAreaMm2: number | undefined;
  decodeMs: number;
  /** Masks that may be drawn of it. */
  masks: number;
}

/** Where a request's image comes from: one of the messages of the API. */
export type ImageField = Image__Output | null | undefined;

/**
 * Decodes the image of a request, whichever way its pixels travel, once there is memory for it and for the masks of the
 * answer. `use` gets it; the memory is given back when what `use` returns has settled.
 * @throws InvalidInputError that names the field; as MemoryBudget.reserve()
 */
export async function useImage<T>(
  image: ImageField,
  { memory, ...limits }: ImageIntake,
  { masks, wait }: Admission,
  use: (input: ImageInput) => Promise<T>,
): Promise<T> {
  if (!image?.source) {
    throw automedError('INVALID_ARGUMENT', 'The request holds no image: set image.encoded or image.raw.', {
      field: 'image',
    });
  }
  const pixelAreaMm2 = pixelArea(image.pixelSpacing);
  const { undecoded, messageBytes } = await inspect(image, limits);
  const { width, height, decodeBytes } = undecoded;
  const count = typeof masks === 'number' ? masks : masks(width * height);
  const bytes = messageBytes + decodeBytes + bytesOfMasks(count, width * height);
  return held(await memory.reserve(bytes, `An image of ${width} x ${height} pixels`, wait()), async () => {
    const started = performance.now();
    const pixels = await undecoded.decode();
    return use({ pixels, pixelAreaMm2, decodeMs: performance.now() - started, masks: count });
  });
}

/**
 * The same for the masks of an image that is not sent again.
 * @param count of masks that are drawn at most
 */
export async function useMaskMemory<T>(
  memory: MemoryBudget,
  { width, height }: { width: number; height: number },
  { masks, wait }: Admission,
  use: (masks: number) => Promise<T>,
): Promise<T> {
  const count = typeof masks === 'number' ? masks : masks(width * height);
  const what = `An answer of ${count} mask(s) of ${width} x ${height} pixels`;
  return held(await memory.reserve(bytesOfMasks(count, width * height), what, wait()), () => use(count));
}

/** A byte for each pixel of each mask, and once more for the one that is being encoded. */
function bytesOfMasks(count: number, pixelCount: number): number {
  return count === 0 ? 0 : (count + 1) * pixelCount;
}

async function held<T>(reservation: Reservation, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } finally {
    reservation.release();
  }
}

async function inspect(
  { source, raw, encoded }: Image__Output,
  limits: DecodeLimits,
): Promise<{ undecoded: UndecodedImage; messageBytes: number }> {
  if (source === 'raw' && raw) return { undecoded: inspectRawPixels(raw, limits), messageBytes: raw.data.length };
  const bytes = encoded ?? Buffer.alloc(0);
  return { undecoded: await inspectImage(bytes, limits), messageBytes: bytes.length };
}

function pixelArea(spacing: PixelSpacing__Output | null | undefined): number | undefined {
  if (!spacing) return undefined;
  const { columnMm, rowMm } = spacing;
  if (Number.isFinite(columnMm) && Number.isFinite(rowMm) && columnMm > 0 && rowMm > 0) return columnMm * rowMm;
  throw automedError('INVALID_ARGUMENT', 'Both distances of the pixel spacing must be above 0 millimetres.', {
    field: 'image.pixel_spacing',
  });
}
