// What is kept of an image after its one encoder pass: rows that a linear head reads, and a descriptor that images are compared by.

import { automedError } from '../common/errors';

/** What an encoder made of an image, and where the image lies on the square input of the base, pixels. */
export interface Embedding {
  /** float32, `channels` x `side` x `side`. */
  features: Float32Array;
  channels: number;
  side: number;
  placement: { size: number; left: number; top: number; innerWidth: number; innerHeight: number };
}

export interface KeptImage {
  name: string;
  group?: string | undefined;
  /** Mean, standard deviation and the means of the four quarters of each channel. */
  descriptor: Float32Array;
  /** `count` x `width`: of classes the descriptor, of masks each cell of the grid with the mean around it. */
  rows: Float32Array;
  count: number;
  /** `count` x classes, rows sum to 1; absent for an image without a label. */
  targets?: Float32Array | undefined;
}

/** What is known of a labelled image. */
export type Label =
  | { kind: 'class'; index: number; classes: number }
  /** Foreground is not 0, one byte per pixel; of several structures their union. */
  | { kind: 'mask'; mask: Uint8Array; width: number; height: number };

const QUARTERS = 4;

function descriptorOf({ features, channels, side }: Embedding): Float32Array {
  const cells = side * side;
  const descriptor = new Float32Array(channels * (2 + QUARTERS));
  for (let channel = 0; channel < channels; channel += 1) {
    const at = channel * (2 + QUARTERS);
    let [sum, squares] = [0, 0];
    for (let cell = 0; cell < cells; cell += 1) {
      const value = features[channel * cells + cell] as number;
      sum += value;
      squares += value * value;
      const [below, right] = [2 * Math.floor(cell / side) >= side, 2 * (cell % side) >= side];
      descriptor[at + 2 + 2 * Number(below) + Number(right)]! += (QUARTERS * value) / cells;
    }
    const mean = sum / cells;
    descriptor[at] = mean;
    descriptor[at + 1] = Math.sqrt(Math.max(0, squares / cells - mean * mean));
  }
  return descriptor;
}

/** Cells of the grid that the image covers at least in their middle. */
function coveredCells({ side, placement }: Embedding): number[] {
  const { size, left, top, innerWidth, innerHeight } = placement;
  const inside = (at: number, from: number, extent: number): boolean => {
    const middle = ((at + 0.5) * size) / side;
    return middle >= from && middle < from + extent;
  };
  return Array.from({ length: side * side }, (_, cell) => cell).filter(
    (cell) => inside(cell % side, left, innerWidth) && inside(Math.floor(cell / side), top, innerHeight),
  );
}

/** Of each cell its features and the mean of those around it. */
function cellRows({ features, channels, side }: Embedding, cells: readonly number[]): Float32Array {
  const width = 2 * channels;
  const rows = new Float32Array(cells.length * width);
  cells.forEach((cell, row) => {
    const [x, y] = [cell % side, Math.floor(cell / side)];
    const around: number[] = [];
    for (let down = Math.max(0, y - 1); down <= Math.min(side - 1, y + 1); down += 1)
      for (let across = Math.max(0, x - 1); across <= Math.min(side - 1, x + 1); across += 1)
        around.push(down * side + across);
    for (let channel = 0; channel < channels; channel += 1) {
      const from = channel * side * side;
      const sum = around.reduce((all, each) => all + (features[from + each] as number), 0);
      rows[row * width + channel] = features[from + cell] as number;
      rows[row * width + channels + channel] = sum / around.length;
    }
  });
  return rows;
}

/** Share of foreground in each cell, beside the rest. */
function cellTargets(
  { side, placement }: Embedding,
  cells: readonly number[],
  { mask, width, height }: Extract<Label, { kind: 'mask' }>,
): Float32Array {
  const { size, left, top, innerWidth, innerHeight } = placement;
  const [seen, drawn] = [new Float32Array(side * side), new Float32Array(side * side)];
  const cellAt = (share: number, from: number, extent: number): number =>
    Math.min(side - 1, Math.floor(((from + share * extent) / size) * side));
  for (let at = 0; at < width * height; at += 1) {
    const across = cellAt(((at % width) + 0.5) / width, left, innerWidth);
    const cell = cellAt((Math.floor(at / width) + 0.5) / height, top, innerHeight) * side + across;
    seen[cell]! += 1;
    if (mask[at] !== 0) drawn[cell]! += 1;
  }
  const targets = new Float32Array(2 * cells.length);
  cells.forEach((cell, row) => {
    const share = (drawn[cell] as number) / Math.max(1, seen[cell] as number);
    targets.set([1 - share, share], 2 * row);
  });
  return targets;
}

/** Keeps what is needed of an image. @param masks whether the data set is about masks, not classes */
export function keep(
  { name, group }: Pick<KeptImage, 'name' | 'group'>,
  embedding: Embedding,
  masks: boolean,
  label?: Label,
): KeptImage {
  const descriptor = descriptorOf(embedding);
  if (!masks) {
    const targets = label?.kind === 'class' ? oneHot(label.index, label.classes) : undefined;
    return { name, group, descriptor, rows: descriptor.slice(), count: 1, targets };
  }
  const cells = coveredCells(embedding);
  if (cells.length === 0) throw automedError('INVALID_ARGUMENT', `The image ${name} covers no cell of the embedding.`);
  const targets = label?.kind === 'mask' ? cellTargets(embedding, cells, label) : undefined;
  return { name, group, descriptor, rows: cellRows(embedding, cells), count: cells.length, targets };
}

function oneHot(index: number, count: number): Float32Array {
  const values = new Float32Array(count);
  values[index] = 1;
  return values;
}
