// Where a segment lies and how large it is, summed up frame by frame.

import { sumsOf } from '../content/pixels';
import { plus, times, type Vector } from '../source/vectors';

export class Moments {
  private count = 0;
  private sum: Vector = [0, 0, 0];
  private cubicMm = 0;

  /**
   * @param at mm in the patient of a pixel by its column and row, from 0
   * @param voxel mm3 of one pixel
   */
  add(mask: Uint8Array, columns: number, at: (column: number, row: number) => Vector, voxel: number): void {
    const { pixels, columns: column, rows: row } = sumsOf(mask, columns);
    if (pixels === 0) return;
    // Places are linear in column and row: the mean's place is the places' mean.
    this.sum = plus(this.sum, times(at(column / pixels, row / pixels), pixels));
    this.count += pixels;
    this.cubicMm += pixels * voxel;
  }

  /** Nothing where nothing was drawn. */
  get centroid(): Vector | undefined {
    return this.count === 0 ? undefined : times(this.sum, 1 / this.count);
  }

  get volume(): number {
    return this.cubicMm;
  }
}
