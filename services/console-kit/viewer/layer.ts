// A mask that lies on the image: its colour, and what of it is drawn.

import { decodeMask } from './run-lengths';
import { outlineSegments } from './outline';
import type { Mask } from '../api/types';

export interface Layer {
  id: string;
  name: string;
  /** `#rrggbb` */
  colour: string;
  visible: boolean;
  bits: Uint8Array;
  width: number;
  height: number;
  fill: OffscreenCanvas;
  outline: Path2D;
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
export function layerOfBits(
  bits: Uint8Array,
  { id, name, colour, width, height }: Pick<Layer, 'id' | 'name' | 'colour' | 'width' | 'height'>,
): Layer {
  return { id, name, visible: true, bits, width, height, ...drawn(bits, width, height, colour) };
}

/** The same mask in another colour. */
export const recoloured = (layer: Layer, colour: string): Layer => ({
  ...layer,
  ...drawn(layer.bits, layer.width, layer.height, colour),
});

function drawn(bits: Uint8Array, width: number, height: number, colour: string) {
  const fill = new OffscreenCanvas(width, height);
  const pixels = new ImageData(width, height);
  const words = new Uint32Array(pixels.data.buffer);
  const rgb = parseInt(colour.slice(1), 16);
  // Words are little endian: alpha, blue, green, red from the top.
  const word = (0xff000000 | ((rgb & 0xff) << 16) | (rgb & 0xff00) | (rgb >>> 16)) >>> 0;
  for (let at = 0; at < words.length; at += 1) if (bits[at] === 1) words[at] = word;
  fill.getContext('2d')?.putImageData(pixels, 0, 0);
  const outline = new Path2D();
  const segments = outlineSegments(bits, width, height);
  for (let at = 0; at < segments.length; at += 4) {
    outline.moveTo(segments[at] as number, segments[at + 1] as number);
    outline.lineTo(segments[at + 2] as number, segments[at + 3] as number);
  }
  return { colour, fill, outline };
}

/** Layers under a pixel, the topmost first. */
export function layersAt(layers: readonly Layer[], x: number, y: number): Layer[] {
  return layers.filter(
    (layer) =>
      layer.visible && x >= 0 && y >= 0 && x < layer.width && y < layer.height && layer.bits[y * layer.width + x] === 1,
  );
}
