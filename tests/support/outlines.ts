// What outlines of presentation states enclose.

import type { Corner } from '../../services/dicom-results/presentation/outline';

/** Pixels whose middle lies within an odd number of outlines. */
export function filled(outlines: readonly (readonly Corner[])[], width: number, size: number): number[] {
  return Array.from({ length: size }, (_, at) => {
    const [x, y] = [(at % width) + 0.5, Math.floor(at / width) + 0.5];
    const crossings = outlines.flatMap((outline) =>
      outline.slice(1).filter(([column, row], edge) => {
        const [fromColumn = 0, fromRow = 0] = outline[edge] ?? [];
        return column === fromColumn && column > x && Math.min(row, fromRow) < y && Math.max(row, fromRow) > y;
      }),
    );
    return crossings.length % 2;
  });
}
