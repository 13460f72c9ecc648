// What is kept of the masks of one sample once their pixels are gone.

import type { BaseManifest } from '../../../store';
import type { DecodedSample } from '../load-samples';
import type { Understood } from './understand-mask';

/** Size of a model's input, pixels, and how an image is brought to it (place_image of the native pipeline). */
export interface ModelInput {
  side: number;
  /** `longest-side` scales both sides alike; `stretch` both to `side`; `pad-or-stretch` too, unless the image is smaller. */
  fit: BaseManifest['architecture']['fit'];
}

export const inputOf = ({ architecture }: BaseManifest): ModelInput => ({
  side: architecture.image_size,
  fit: architecture.fit,
});

/** Where no base says another. */
const DEFAULT_INPUT: ModelInput = { side: 256, fit: 'pad-or-stretch' };
/** Share of an image's border that is foreground when the background was taken for it. */
const BORDER = 0.95;
/** Above this share a mask reaches the border by more than a stray pixel. */
const TOUCH = 0.01;

/** How one file was understood, and of which structure it is, from 0. */
export type UnderstoodFile = Pick<Understood, 'kind' | 'foreground' | 'unusual'> & { structure: number };

export interface MaskFacts {
  understood: readonly UnderstoodFile[];
  /** Foreground surrounds every structure's mask: it has nearly all of the border, and most of the picture or all of the border. */
  surrounds: boolean;
  /** Some structure's mask reaches the border of the picture, or crosses it. */
  reachesBorder: boolean;
  /** Every structure's mask is foreground all over. */
  full: boolean;
  /** Some structure shows something, and nothing at the size of the model's input. */
  vanishes: boolean;
  /** EXIF turns the image, and nothing tells whether the mask was drawn on the turned picture. */
  turned: boolean;
}

export function maskFactsOf(decoded: DecodedSample, input: ModelInput = DEFAULT_INPUT): MaskFacts {
  const { pixels, masks = new Uint8Array(), understood = [], turned = false } = decoded;
  const { width, height } = pixels;
  const size = width * height;
  const each = Array.from({ length: masks.length / size }, (_, at) => masks.subarray(at * size, (at + 1) * size));
  return {
    understood: understood.map(({ mask: _, ...facts }) => facts),
    surrounds: each.length > 0 && each.every((mask) => surrounds(mask, borderShare(mask, width, height))),
    reachesBorder: each.some((mask) => borderShare(mask, width, height) > TOUCH),
    full: each.length > 0 && !masks.includes(0),
    vanishes: each.some((mask) => mask.includes(1) && vanishes(mask, { width, height }, input)),
    turned,
  };
}

function surrounds(mask: Uint8Array, border: number): boolean {
  if (border < BORDER) return false;
  let inside = 0;
  for (const value of mask) inside += value;
  return inside < mask.length && (inside * 2 > mask.length || border >= 1);
}

/** Share of the border of the picture that is foreground. */
function borderShare(mask: Uint8Array, width: number, height: number): number {
  const at = (x: number, y: number): number => mask[y * width + x] as number;
  let drawn = 0;
  for (let x = 0; x < width; x += 1) drawn += at(x, 0) + at(x, height - 1);
  for (let y = 1; y < height - 1; y += 1) drawn += at(0, y) + at(width - 1, y);
  return drawn / Math.max(1, 2 * (width + height - 2));
}

/** Columns and rows of the model's input that an image fills: `inner_width` and `inner_height` of place_image. */
function filledBy(size: { width: number; height: number }, { side, fit }: ModelInput): [number, number] {
  const { width, height } = size;
  if (fit === 'longest-side') {
    const scale = side / Math.max(width, height);
    const scaled = (length: number): number => Math.max(1, Math.floor(length * scale + 0.5));
    return [scaled(width), scaled(height)];
  }
  return fit === 'pad-or-stretch' && width < side && height < side ? [width, height] : [side, side];
}

/** As prepare_mask of the native pipeline samples: the pixel under the centre of each pixel of the input. */
function vanishes(mask: Uint8Array, size: { width: number; height: number }, input: ModelInput): boolean {
  const { width, height } = size;
  const [columns, rows] = filledBy(size, input);
  if (columns >= width && rows >= height) return false;
  for (let y = 0; y < rows; y += 1) {
    const row = Math.floor(((2 * y + 1) * height) / (2 * rows)) * width;
    for (let x = 0; x < columns; x += 1) {
      if (mask[row + Math.floor(((2 * x + 1) * width) / (2 * columns))] === 1) return false;
    }
  }
  return true;
}
