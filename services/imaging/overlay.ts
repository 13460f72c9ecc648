import sharp from 'sharp';
import { automedError } from '../common/errors';
import { toDisplayRgb8 } from './display';
import type { Pixels } from './pixels/pixels';

export type Colour = readonly [red: number, green: number, blue: number];

/** What a model drew, and the truth, in every picture, gallery and report: told apart by all kinds of colour vision (Okabe and Ito, 2008). */
export const PREDICTION_COLOUR: Colour = [230, 159, 0];
export const TRUTH_COLOUR: Colour = [86, 180, 233];
/** What a legend says of the two. */
export const PREDICTION_WORDS = 'prediction (model)';
export const TRUTH_WORDS = 'label (truth)';
/** Of the masks of one picture, in turn, from the same palette; none is the truth's. */
const MASK_COLOURS: readonly { name: string; colour: Colour }[] = [
  { name: 'orange', colour: PREDICTION_COLOUR },
  { name: 'dark blue', colour: [0, 114, 178] },
  { name: 'yellow', colour: [240, 228, 66] },
  { name: 'pink', colour: [204, 121, 167] },
  { name: 'green', colour: [0, 158, 115] },
  { name: 'red', colour: [213, 94, 0] },
];

const placed = (index: number) => MASK_COLOURS[index % MASK_COLOURS.length]!;
/** The colour of a mask by its place in overlayPng(). */
export const maskColour = (index: number): Colour => placed(index).colour;
/** What people call it. */
export const maskColourName = (index: number): string => placed(index).name;

/** As CSS and SVG write it, e.g. `#e69f00`. */
export function hexOf(colour: Colour): string {
  return `#${colour.map((value) => value.toString(16).padStart(2, '0')).join('')}`;
}

export interface OverlayOptions {
  colour?: Colour;
  /** How much the fill hides the image, 0 to 1. */
  opacity?: number;
  /** Mask whose contour is drawn over the other in TRUTH_COLOUR. */
  truth?: Uint8Array;
}

/** Rows of 8-bit RGB. */
export interface Picture {
  data: Uint8ClampedArray;
  width: number;
  height: number;
}

/** True for a foreground pixel with background, or the border of the image, beside it. */
function onContour(mask: Uint8Array, width: number, height: number, x: number, y: number): boolean {
  const at = y * width + x;
  if (!mask[at]) return false;
  if (x === 0 || y === 0 || x === width - 1 || y === height - 1) return true;
  return !mask[at - 1] || !mask[at + 1] || !mask[at - width] || !mask[at + width];
}

function drawContour(picture: Picture, mask: Uint8Array, colour: Colour): void {
  const { data, width, height } = picture;
  for (let y = 0; y < height; y += 1) {
    for (let x = 0; x < width; x += 1) {
      if (onContour(mask, width, height, x, y)) data.set(colour, (y * width + x) * 3);
    }
  }
}

function checkMask(mask: Uint8Array, { width, height }: Pixels): void {
  if (mask.length !== width * height) {
    throw automedError('SHAPE_MISMATCH', `The mask does not have the image's size of ${width} x ${height}.`, {
      field: 'mask',
    });
  }
}

function paint(picture: Picture, mask: Uint8Array, colour: Colour, opacity: number): void {
  const { data } = picture;
  mask.forEach((value, pixel) => {
    if (!value) return;
    colour.forEach((level, band) => {
      const at = pixel * 3 + band;
      data[at] = (data[at] ?? 0) * (1 - opacity) + level * opacity;
    });
  });
  drawContour(picture, mask, colour);
}

/** Draws the mask as a translucent fill with an outline, and the contour of the ground truth when given. */
export function drawOverlay(pixels: Pixels, mask: Uint8Array, options: OverlayOptions = {}): Picture {
  const { colour = PREDICTION_COLOUR, opacity = 0.3, truth } = options;
  checkMask(mask, pixels);
  const picture: Picture = { data: toDisplayRgb8(pixels), width: pixels.width, height: pixels.height };
  paint(picture, mask, colour, opacity);
  if (truth) {
    checkMask(truth, pixels);
    drawContour(picture, truth, TRUTH_COLOUR);
  }
  return picture;
}

export async function encodePicturePng({ data, width, height }: Picture): Promise<Buffer> {
  return sharp(data, { raw: { width, height, channels: 3 } })
    .png()
    .toBuffer();
}

/** The image with each mask drawn on it in a colour of its own. */
export function drawMasks(pixels: Pixels, masks: readonly { mask: Uint8Array; colour: Colour }[]): Picture {
  const picture: Picture = { data: toDisplayRgb8(pixels), width: pixels.width, height: pixels.height };
  for (const { mask, colour } of masks) {
    checkMask(mask, pixels);
    paint(picture, mask, colour, 0.3);
  }
  return picture;
}

/** The same as a PNG of the image's size, colours in turn. */
export async function overlayPng(pixels: Pixels, masks: readonly Uint8Array[]): Promise<Buffer> {
  return encodePicturePng(
    drawMasks(
      pixels,
      masks.map((mask, index) => ({ mask, colour: maskColour(index) })),
    ),
  );
}
