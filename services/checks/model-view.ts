// What is left of a mask's lesions at the size of a model's input, by the weights with which the native pipeline resizes the
// image (prepare_image) and by the pixels that it takes of the mask (prepare_mask).

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

/** Of the true mask of one structure: what a model cannot see, because no pixel of its input shows it. */
export interface Losses {
  /** 1 when nothing of the mask is left, else 0; null when it shows nothing. */
  vanished: 0 | 1 | null;
  /** Lesions of the mask: 8-connected components. */
  lesions: number;
  /** Those of which nothing is left. */
  vanishedLesions: number;
}

/**
 * Share of an input pixel's value that must come from a lesion for it to show there, and where the lesion also lies under the
 * pixel's centre. A lesion as large as an input pixel has the latter wherever it lies.
 */
const SHOWN = 0.5;
const SHOWN_UNDER_CENTRE = 0.25;
const ROUNDING = 1e-6;

/** One pixel of the input, along one axis, that takes some of its value from a pixel of the image. */
interface Share {
  at: number;
  weight: number;
  /** The image's pixel lies under its centre. */
  centre: boolean;
}

/** Of each position of the image, along one axis, the pixels of the input that take something of it. */
type Axis = readonly (readonly Share[])[];

interface Size {
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
      if (weight > 0) axis[position]?.push({ at, weight, centre: taps === nearest || position === centre });
    }
  }
  return axis;
}

function tapsOf({ fit, resize = 'bilinear' }: ModelInput): Taps {
  if (resize === 'nearest') return nearest;
  return fit === 'longest-side' ? antialiased : bilinear;
}

/** Foreground of one row: columns `from` to `to`, the latter not included. */
interface Run {
  row: number;
  from: number;
  to: number;
}

/** Above any side of an input. */
const STRIDE = 2 ** 20;

/** Whether any pixel of the input shows what the runs hold. */
function isShown(runs: readonly Run[], [columns, rows]: readonly [Axis, Axis]): boolean {
  const shares = new Map<number, { sum: number; centre: boolean }>();
  const adds = (row: Share, column: Share): boolean => {
    const key = row.at * STRIDE + column.at;
    const known = shares.get(key) ?? { sum: 0, centre: false };
    known.sum += row.weight * column.weight;
    known.centre ||= row.centre && column.centre;
    shares.set(key, known);
    return known.sum >= (known.centre ? SHOWN_UNDER_CENTRE : SHOWN) - ROUNDING;
  };
  for (const { row: y, from, to } of runs) {
    for (const row of rows[y] as readonly Share[]) {
      for (let x = from; x < to; x += 1) {
        if ((columns[x] as readonly Share[]).some((column) => adds(row, column))) return true;
      }
    }
  }
  return false;
}

function runsOf(mask: Uint8Array, { width, height }: Size): Run[] {
  const runs: Run[] = [];
  for (let row = 0; row < height; row += 1) {
    const line = mask.subarray(row * width, (row + 1) * width);
    for (let from = line.indexOf(1); from >= 0;) {
      const end = line.indexOf(0, from);
      const to = end < 0 ? width : end;
      runs.push({ row, from, to });
      from = end < 0 ? -1 : line.indexOf(1, to);
    }
  }
  return runs;
}

/** The 8-connected components of runs, which are sorted by row and column. */
function componentsOf(runs: readonly Run[]): Run[][] {
  const parents = runs.map((_, index) => index);
  const rootOf = (index: number): number => {
    let root = index;
    while (parents[root] !== root) root = parents[root] = parents[parents[root] as number] as number;
    return root;
  };
  let above = 0;
  for (const [index, { row, from, to }] of runs.entries()) {
    while ((runs[above] as Run).row < row - 1 || ((runs[above] as Run).row < row && (runs[above] as Run).to < from)) {
      above += 1;
    }
    for (let other = above; other < index; other += 1) {
      const { row: ownRow, from: otherFrom } = runs[other] as Run;
      if (ownRow === row || otherFrom > to) break;
      parents[rootOf(index)] = rootOf(other);
    }
  }
  const components = new Map<number, Run[]>();
  for (const [index, run] of runs.entries()) {
    const own = components.get(rootOf(index));
    if (own) own.push(run);
    else components.set(rootOf(index), [run]);
  }
  return [...components.values()];
}

/** @param mask 0 or 1 per pixel of the image, row by row */
export function lossesOf(mask: Uint8Array, size: Size, input: ModelInput): Losses {
  const [width, height] = filledBy(size, input);
  const taps = tapsOf(input);
  const smaller = width < size.width || height < size.height;
  const axes = smaller ? ([axisOf(size.width, width, taps), axisOf(size.height, height, taps)] as const) : undefined;
  const runs = runsOf(mask, size);
  const lesions = componentsOf(runs);
  const lost = axes ? lesions.filter((lesion) => !isShown(lesion, axes)).length : 0;
  if (lesions.length === 0) return { vanished: null, lesions: 0, vanishedLesions: 0 };
  // Specks side by side may show where none of them does alone.
  const vanished = axes !== undefined && lost === lesions.length && !isShown(runs, axes);
  return { vanished: vanished ? 1 : 0, lesions: lesions.length, vanishedLesions: lost };
}
