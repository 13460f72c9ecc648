import type { DrawnFrame } from '../content/drawn-frames';

/** Adds a mask to what is united; whether any pixel was there already. */
function unite(united: Uint8Array, mask: Uint8Array): boolean {
  let twice = false;
  mask.forEach((value, pixel) => {
    if (value !== 1) return;
    twice ||= united[pixel] === 1;
    united[pixel] = 1;
  });
  return twice;
}

/** Whether any pixel belongs to two segments. */
export function overlap(drawn: readonly DrawnFrame[]): boolean {
  const unitedAt = new Map<number, Uint8Array>();
  return drawn.some(({ at, mask }) => {
    const united = unitedAt.get(at);
    if (united) return unite(united, mask);
    unitedAt.set(at, Uint8Array.from(mask));
    return false;
  });
}
