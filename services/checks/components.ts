// Lesions of a mask: its 8-connected components, as runs of pixels.

import type { Size } from './input-axes';

/** Foreground of one row: columns `from` to `to`, the latter not included. */
export interface Run {
  row: number;
  from: number;
  to: number;
}

/** @param mask 0 or 1 per pixel, row by row */
export function runsOf(mask: Uint8Array, { width, height }: Size): Run[] {
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
export function componentsOf(runs: readonly Run[]): Run[][] {
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
