import type { Image__Output } from '../../proto/gen/automed/common/v1/Image';
import type { PixelSpacing__Output } from '../../proto/gen/automed/common/v1/PixelSpacing';
import { decodeImage, type DecodeLimits } from './decode';
import type { Pixels } from './pixels';
import { automedError } from '../common/errors';
import { fromRawPixels } from './raw-pixels';

/** An image of a request, decoded. */
export interface ImageInput {
  pixels: Pixels;
  /** Area of one pixel, square millimetres; absent when the request gave no spacing. */
  pixelAreaMm2: number | undefined;
  decodeMs: number;
}

/**
 * Decodes the image of a request, whichever way its pixels travel.
 * @throws InvalidInputError that names the field
 */
export async function readImage(image: Image__Output | null | undefined, limits: DecodeLimits): Promise<ImageInput> {
  const started = performance.now();
  if (!image?.source) {
    throw automedError('INVALID_ARGUMENT', 'The request holds no image: set image.encoded or image.raw.', {
      field: 'image',
    });
  }
  const pixelAreaMm2 = pixelArea(image.pixelSpacing);
  const pixels =
    image.source === 'raw' && image.raw
      ? fromRawPixels(image.raw, limits)
      : await decodeImage(image.encoded ?? Buffer.alloc(0), limits);
  return { pixels, pixelAreaMm2, decodeMs: performance.now() - started };
}

function pixelArea(spacing: PixelSpacing__Output | null | undefined): number | undefined {
  if (!spacing) return undefined;
  const { columnMm, rowMm } = spacing;
  if (Number.isFinite(columnMm) && Number.isFinite(rowMm) && columnMm > 0 && rowMm > 0) return columnMm * rowMm;
  throw automedError('INVALID_ARGUMENT', 'Both distances of the pixel spacing must be above 0 millimetres.', {
    field: 'image.pixel_spacing',
  });
}
