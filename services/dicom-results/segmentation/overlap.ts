import type { DrawnFrame } from '../content/drawn-frames';
import { setWhere } from '../content/pixels';

/** Whether any pixel belongs to two segments. */
export function overlap(drawn: readonly DrawnFrame[]): boolean {
  const unitedAt = new Map<number, Uint8Array>();
  return drawn.some(({ at, mask }) => {
    const united = unitedAt.get(at);
    if (united) return setWhere(mask, united, 1);
    unitedAt.set(at, Uint8Array.from(mask));
    return false;
  });
}
