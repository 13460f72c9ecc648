// A mask that lies on the image: its colour, and what of it is drawn.

import { decodeMask } from './run-lengths';
import type { Mask } from '../api/types';
import { t } from '../texts/en';

export interface Layer {
  id: string;
  name: string;
  /** `#rrggbb` */
  colour: string;
  visible: boolean;
  /** One byte for each pixel, row by row; 1 is foreground. */
  bits: Uint8Array;
  width: number;
  height: number;
  /** Once they are known. */
  probabilities?: Probabilities | undefined;
}

/** 255 times the probability of each pixel, over the whole image, at its size or a smaller one. */
export interface Probabilities {
  values: Uint8ClampedArray;
  width: number;
  height: number;
}

/** A mask without run lengths: one byte for each pixel, 1 is foreground. */
export type Bits = Pick<Layer, 'bits' | 'width' | 'height'>;

/** Told apart by people who see few colours, too (Okabe and Ito). */
export const COLOURS = [
  '#f0a020',
  '#56b4e9',
  '#2fbf8f',
  '#f0e442',
  '#d55e5e',
  '#cc79c7',
  '#4f7df0',
  '#b8b8b8',
] as const;

export const colourOf = (position: number): string => COLOURS[position % COLOURS.length] ?? COLOURS[0];

export function layerOf(mask: Mask, id: string, name: string, colour: string): Layer {
  const { widthPx: width, heightPx: height } = mask;
  return layerOfBits(decodeMask(mask.cocoRle ?? '', width, height), { id, name, colour, width, height });
}

/** @param bits one byte for each pixel, 1 is foreground */
export const layerOfBits = (
  bits: Uint8Array,
  { id, name, colour, width, height }: Pick<Layer, 'id' | 'name' | 'colour' | 'width' | 'height'>,
): Layer => ({ id, name, colour, visible: true, bits, width, height });

/** What the layers say of a pixel: those drawn there, and of each the probability where it is known. */
export function underCursor(layers: readonly Layer[], x: number, y: number): string[] {
  return layers.flatMap(({ name, visible, bits, width, height, probabilities }) => {
    if (!visible || x < 0 || y < 0 || x >= width || y >= height) return [];
    if (probabilities) {
      const share = probabilityAt(probabilities, (x + 0.5) / width, (y + 0.5) / height);
      return [t.viewer.probability(name, t.units.percent(share))];
    }
    return bits[y * width + x] === 1 ? [name] : [];
  });
}

/** @param x of the image's width, `[0, 1)` @param y of its height */
function probabilityAt({ values, width, height }: Probabilities, x: number, y: number): number {
  return (values[Math.floor(y * height) * width + Math.floor(x * width)] ?? 0) / 255;
}
