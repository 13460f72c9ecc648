// The masks that lie on a picture, painted pixel by pixel and kept until one of them or their place changes.

import { emptyRows, WORD_BITS, type BitRows } from './bit-rows';
import type { Layer } from './layer';
import type { Region } from './lookup-table';
import { bordersOf, stencilOf } from './stencil';
import type { Size, View } from './view';

interface Look {
  /** Where the picture lies, in pixels of the screen. */
  place: View;
  /** Of the fill, `[0, 1]`. */
  opacity: number;
  outlines: boolean;
  /** Pixels of the screen for one of CSS. */
  ratio: number;
}

/** How dark the line is that lies below the coloured one, so that it shows on bright and dark alike. */
const SHADE = 0.55;

export class MaskOverlay {
  private readonly sheet = new OffscreenCanvas(1, 1);
  private readonly single = new OffscreenCanvas(1, 1);
  /** Kept, for a new one takes as long as what is painted on it. */
  private image: ImageData | undefined;
  private painted: { layers: readonly Layer[]; key: string } | undefined;

  /** Draws on a context without a transform. */
  draw(context: CanvasRenderingContext2D, layers: readonly Layer[], look: Look): void {
    const shown = layers.filter(({ visible }) => visible);
    if (shown.length === 0) return;
    const { width, height } = context.canvas;
    const key = JSON.stringify([look, width, height]);
    if (this.painted?.layers !== layers || this.painted.key !== key) {
      this.paint(shown, look, { width, height });
      this.painted = { layers, key };
    }
    context.drawImage(this.sheet, 0, 0);
  }

  private paint(layers: readonly Layer[], look: Look, size: Size): void {
    const { sheet, single } = this;
    const context = clearedAt(sheet, size);
    layers.forEach((layer, at) => {
      const region = regionOf(layer, look, size);
      if (region.width <= 0 || region.height <= 0) return;
      const { x, y, width, height } = region;
      const image = this.imageOf(region);
      paintLayer(layer, look, region, image);
      // On an empty sheet there is nothing to be mixed with.
      if (at === 0) return context?.putImageData(image, x, y);
      clearedAt(single, size)?.putImageData(image, 0, 0);
      context?.drawImage(single, 0, 0, width, height, x, y, width, height);
    });
  }

  private imageOf({ width, height }: Size): ImageData {
    if (this.image?.width !== width || this.image.height !== height) this.image = new ImageData(width, height);
    return this.image;
  }
}

/** @returns the context of an empty canvas of a size */
function clearedAt(canvas: OffscreenCanvas, { width, height }: Size): OffscreenCanvasRenderingContext2D | null {
  const context = canvas.getContext('2d');
  if (canvas.width === width && canvas.height === height) context?.clearRect(0, 0, width, height);
  // To give a canvas its size clears it.
  else Object.assign(canvas, { width, height });
  return context;
}

/** Half the width of the coloured line and of the dark one, pixels of the screen. */
const radii = (ratio: number): [number, number] => [
  Math.max(1, Math.round(ratio)),
  Math.max(2, Math.round(1.75 * ratio)),
];

/** What a layer and its outline cover of the screen. */
function regionOf(layer: Size, { place, ratio }: Look, screen: Size): Region {
  const [, margin] = radii(ratio);
  const span = (offset: number, size: number, room: number): [number, number] => [
    Math.max(0, Math.floor(offset) - margin),
    Math.min(room, Math.ceil(offset + size * place.scale) + margin),
  ];
  const [left, right] = span(place.x, layer.width, screen.width);
  const [top, bottom] = span(place.y, layer.height, screen.height);
  return { x: left, y: top, width: right - left, height: bottom - top };
}

/** Paints a layer onto an image of the region's size, whatever was there. */
function paintLayer(layer: Layer, { place, opacity, outlines, ratio }: Look, region: Region, image: ImageData): void {
  const stencil = stencilOf(layer, place, region);
  const [line, dark] = outlines ? bordersOf(stencil, radii(ratio)) : [emptyRows(region), emptyRows(region)];
  const rgb = parseInt(layer.colour.slice(1), 16);
  const solid = wordOf(rgb, 1);
  // Black over the fill.
  const both = 1 - (1 - opacity) * (1 - SHADE);
  const inside = wordOf(rgb, both, (opacity * (1 - SHADE)) / both);
  // By what a pixel is in: 1 the mask, 2 the dark line, 4 the coloured one.
  const palette = Uint32Array.of(0, wordOf(rgb, opacity), wordOf(0, SHADE), inside, solid, solid, solid, solid);
  paintRows([stencil, dark, line] as [BitRows, BitRows, BitRows], palette, new Uint32Array(image.data.buffer));
}

/** Looks up each pixel's colour by its bits in three masks. */
function paintRows([low, mid, high]: [BitRows, BitRows, BitRows], palette: Uint32Array, pixels: Uint32Array): void {
  const { width, height, stride } = low;
  for (let y = 0, word = 0; y < height; y += 1) {
    for (let column = 0; column < stride; column += 1, word += 1) {
      const start = y * width + column * WORD_BITS;
      const end = Math.min(start + WORD_BITS, (y + 1) * width);
      let [a, b, c] = [low.words[word] as number, mid.words[word] as number, high.words[word] as number];
      if ((a | b | c) === 0) {
        pixels.fill(0, start, end);
        continue;
      }
      for (let at = start; at < end; at += 1) {
        pixels[at] = palette[(a & 1) | ((b & 1) << 1) | ((c & 1) << 2)] as number;
        [a, b, c] = [a >>> 1, b >>> 1, c >>> 1];
      }
    }
  }
}

/** A pixel in little endian: alpha, blue, green, red from the top. @param light share of the colour, the rest is black */
function wordOf(rgb: number, alpha: number, light = 1): number {
  const channel = (shift: number): number => Math.round(((rgb >>> shift) & 0xff) * light);
  return ((Math.round(alpha * 255) << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16)) >>> 0;
}
