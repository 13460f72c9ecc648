// How a picture lies on a model's input, by the rules of the native pipeline: `place_image`, and along each axis the weights
// with which `prepare_image` resizes it and the positions that `prepare_mask` picks.

import type { InputRule, Preprocessing } from '../store';

/** Size of a model's input, pixels, and how an image is brought to it. */
export interface ModelInput extends Pick<InputRule, 'resize'> {
  side: number;
  /** `longest-side` scales both sides alike; `stretch` both to `side`; `pad-or-stretch` too, unless the image is smaller. */
  fit: InputRule['fit'];
}

export const inputOf = ({ image_size, fit, resize }: Preprocessing): ModelInput => ({
  side: image_size,
  fit,
  ...(resize === undefined ? {} : { resize }),
});

/** One pixel of the input, along one axis, that takes some of its value from a pixel of the image. */
export interface Share {
  at: number;
  weight: number;
  /** It is the one that the model's mask takes: under the centre, or the nearest neighbour of an image resized so. */
  picked: boolean;
}

/** Of each position of the image, along one axis, the pixels of the input that take something of it. */
export type Axis = readonly (readonly Share[])[];

export interface Size {
  width: number;
  height: number;
}

/** Columns and rows of the model's input that an image fills: `inner_width` and `inner_height` of place_image. */
function filledBy({ width, height }: Size, { side, fit }: ModelInput): [number, number] {
  if (fit === 'longest-side') {
    const scale = side / Math.max(width, height);
    const scaled = (length: number): number => Math.max(1, Math.floor(length * scale + 0.5));
    return [scaled(width), scaled(height)];
  }
  return fit === 'pad-or-stretch' && width < side && height < side ? [width, height] : [side, side];
}

/** Positions and weights along one axis of what the input's pixel `at` is made of. */
type Taps = (at: number, source: number, target: number) => [position: number, weight: number][];

/** nearest_positions of the native pipeline. */
const nearest: Taps = (at, source, target) => [[Math.min(Math.floor(at * (1 / (target / source))), source - 1), 1]];

/** bilinear_taps of the native pipeline: two neighbours, whatever the scale. */
const bilinear: Taps = (at, source, target) => {
  const position = Math.max(0, ((at + 0.5) * source) / target - 0.5);
  const first = Math.min(Math.floor(position), source - 1);
  const weight = position - first;
  return [
    [first, 1 - weight],
    [Math.min(first + 1, source - 1), weight],
  ];
};

/** The triangle of PyTorch's `_upsample_bilinear2d_aa`, as wide as the scale. */
const antialiased: Taps = (at, source, target) => {
  const scale = source / target;
  const support = Math.max(1, scale);
  const centre = (at + 0.5) * scale;
  const first = Math.max(0, Math.floor(centre - support + 0.5));
  const end = Math.min(source, Math.floor(centre + support + 0.5));
  const taps = Array.from({ length: end - first }, (_, index): [number, number] => {
    const distance = Math.abs(first + index + 0.5 - centre) / support;
    return [first + index, Math.max(0, 1 - distance)];
  });
  const sum = taps.reduce((total, [, weight]) => total + weight, 0);
  return taps.map(([position, weight]) => [position, weight / sum]);
};

function axisOf(source: number, target: number, taps: Taps): Axis {
  const axis: Share[][] = Array.from({ length: source }, () => []);
  for (let at = 0; at < target; at += 1) {
    const centre = Math.floor(((2 * at + 1) * source) / (2 * target));
    for (const [position, weight] of taps(at, source, target)) {
      if (weight > 0) axis[position]?.push({ at, weight, picked: taps === nearest || position === centre });
    }
  }
  return axis;
}

function tapsOf({ fit, resize = 'bilinear' }: ModelInput): Taps {
  if (resize === 'nearest') return nearest;
  return fit === 'longest-side' ? antialiased : bilinear;
}

/** Columns and rows of the input by those of the image; undefined where the image is not made smaller, so that all of it shows. */
export function axesOf(size: Size, input: ModelInput): readonly [columns: Axis, rows: Axis] | undefined {
  const [width, height] = filledBy(size, input);
  if (width >= size.width && height >= size.height) return undefined;
  const taps = tapsOf(input);
  return [axisOf(size.width, width, taps), axisOf(size.height, height, taps)];
}
