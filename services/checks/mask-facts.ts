// What is kept of the masks of one sample once their pixels are gone.

import type { DecodedSample } from '../datasets/load/load-samples';
import type { ModelInput } from './input-axes';
import { viewOf, type Losses, type ModelView } from './model-view';
import type { Understood } from '../datasets/masks/understand-mask';

/** Where no base says another. */
const DEFAULT_INPUT: ModelInput = { side: 256, fit: 'pad-or-stretch' };
/** Share of an image's border that is foreground when the background was taken for it. */
const BORDER = 0.95;
/** Above this share a mask reaches the border by more than a stray pixel. */
const TOUCH = 0.01;

/** How one file was understood, and of which structure it is, from 0. */
export type UnderstoodFile = Pick<Understood, 'kind' | 'foreground' | 'unusual' | 'missed'> & { structure: number };

export interface MaskFacts {
  understood: readonly UnderstoodFile[];
  /** Foreground surrounds every structure's mask: it has nearly all of the border, and most of the picture or all of the border. */
  surrounds: boolean;
  /** Structures, from 0, that show nothing. */
  empty: readonly number[];
  /** Some structure's mask reaches the border of the picture, or crosses it. */
  reachesBorder: boolean;
  /** Every structure's mask is foreground all over. */
  full: boolean;
  /** Some structure shows something, and nothing at the size of the model's input. */
  vanishes: boolean;
  /** Lesions that are lost there, of structures of which others are left. */
  lostLesions: number;
  /** Of each structure what is lost there. */
  losses: readonly Losses[];
  /** EXIF turns the image, and nothing tells whether the mask was drawn on the turned picture. */
  turned: boolean;
}

export function maskFactsOf(decoded: DecodedSample, input: ModelInput = DEFAULT_INPUT): MaskFacts {
  const { pixels, masks = new Uint8Array(), understood = [], turned = false } = decoded;
  const { width, height } = pixels;
  const size = width * height;
  const each = Array.from({ length: masks.length / size }, (_, at) => masks.subarray(at * size, (at + 1) * size));
  const views = each.map((mask) => viewOf(mask, { width, height }, input));
  return {
    understood: understood.map(({ mask: _, ...facts }) => facts),
    // Of several files of one structure a single one makes nearly everything foreground.
    surrounds:
      each.length > 0 &&
      each.every((mask, structure) =>
        [mask, ...filesOf(understood, structure, size)].some((one) => surrounds(one, borderShare(one, width, height))),
      ),
    empty: each.flatMap((mask, structure) => (mask.includes(1) ? [] : [structure])),
    reachesBorder: each.some((mask) => borderShare(mask, width, height) > TOUCH),
    full: each.length > 0 && !masks.includes(0),
    vanishes: views.some(({ maskLost }) => maskLost),
    lostLesions: views.reduce((sum, view) => sum + lostBesideOthers(view), 0),
    losses: views.map(({ losses }) => losses),
    turned,
  };
}

const lostBesideOthers = ({ maskLost, lostLesions }: ModelView): number => (maskLost ? 0 : lostLesions);

/** The masks of several files of one structure, where they have the size of the image. */
function filesOf(understood: DecodedSample['understood'] = [], structure: number, size: number): Uint8Array[] {
  const files = understood.filter((file) => file.structure === structure && file.mask.length === size);
  return files.length > 1 ? files.map(({ mask }) => mask) : [];
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
