// The masks that lie on a picture, painted pixel by pixel and kept until one of them or their place changes.

import type { Layer } from './layer';
import type { Region } from './lookup-table';
import { borderOf, stencilOf } from './stencil';
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

  private paint(layers: readonly Layer[], look: Look, { width, height }: Size): void {
    const { sheet, single } = this;
    // To give a canvas its size clears it.
    for (const each of [sheet, single]) Object.assign(each, { width, height });
    const context = sheet.getContext('2d');
    for (const layer of layers) {
      const region = regionOf(layer, look, { width, height });
      if (region.width <= 0 || region.height <= 0) continue;
      const { x, y, width: across, height: down } = region;
      single.getContext('2d')?.putImageData(painted(layer, look, region), 0, 0);
      context?.drawImage(single, 0, 0, across, down, x, y, across, down);
    }
  }
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

function painted(layer: Layer, { place, opacity, outlines, ratio }: Look, region: Region): ImageData {
  const image = new ImageData(region.width, region.height);
  const words = new Uint32Array(image.data.buffer);
  const rgb = parseInt(layer.colour.slice(1), 16);
  const stencil = stencilOf(layer, place, region);
  const fill = wordOf(rgb, opacity);
  for (let at = 0; at < words.length; at += 1) if (stencil[at] === 1) words[at] = fill;
  if (!outlines) return image;
  const [line, dark] = radii(ratio).map((radius) => borderOf(stencil, region, radius)) as [Uint8Array, Uint8Array];
  const solid = wordOf(rgb, 1);
  const outside = wordOf(0, SHADE);
  // Black over the fill.
  const both = 1 - (1 - opacity) * (1 - SHADE);
  const inside = wordOf(rgb, both, (opacity * (1 - SHADE)) / both);
  for (let at = 0; at < words.length; at += 1) {
    if (line[at] === 1) words[at] = solid;
    else if (dark[at] === 1) words[at] = stencil[at] === 1 ? inside : outside;
  }
  return image;
}

/** A pixel in little endian: alpha, blue, green, red from the top. @param light share of the colour, the rest is black */
function wordOf(rgb: number, alpha: number, light = 1): number {
  const channel = (shift: number): number => Math.round(((rgb >>> shift) & 0xff) * light);
  return ((Math.round(alpha * 255) << 24) | (channel(0) << 16) | (channel(8) << 8) | channel(16)) >>> 0;
}
