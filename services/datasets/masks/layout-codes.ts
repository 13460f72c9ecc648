// Masks of layouts that know their values: a file must hold one of the published sets.

import { ambiguous, listed, type Understood } from './understand-mask';
import type { StoredMask } from './stored-values';

/** The values of one way of publishing a layout's masks. */
export interface MaskCode {
  background: number;
  values: readonly number[];
  foreground: readonly number[];
  /** Of structures that lie inside each other: the innermost, and the one around it. */
  nested?: { inner: number; outer: number };
}

/** Distance that a value of a lossy file may have, and the share of pixels that may be farther off. */
const NOISE = 16;
const EDGES = 0.05;

/** @throws InvalidInputError (field `mask_values`) that names the values found and those expected */
export function byCode(stored: StoredMask, codes: readonly MaskCode[]): Understood {
  // Of a palette of greys the display is what is published.
  const values = stored.palette
    ? Array.from(stored.values, (index) => greyOf(stored.palette?.[index]?.rgb ?? 0))
    : Array.from(stored.values);
  const found = [...new Set(values)].sort((a, b) => a - b);
  const known = stored.kind !== 'colour' && !values.includes(NaN);
  const code = known
    ? codes.find((each) => fits(values, each, stored) && surrounds(values, each, stored) && nests(values, each, stored))
    : undefined;
  if (!code) {
    const expected = codes.map((each) => each.values.join(', ')).join(' or ');
    const what = stored.kind === 'colour' ? 'colours' : listed(found);
    throw ambiguous(
      `it holds ${what}; ${expected} are expected, with the background around and inner structures inside`,
    );
  }
  const foreground = new Set(code.foreground);
  const mask = Uint8Array.from(values, (value) => (foreground.has(nearest(value, code)) ? 1 : 0));
  return { mask, kind: 'grey', foreground: code.foreground.map(String) };
}

const greyOf = (rgb: number): number => (rgb % 0x010101 === 0 ? rgb / 0x010101 : NaN);

function nearest(value: number, { values }: MaskCode): number {
  return values.reduce((best, each) => (Math.abs(each - value) < Math.abs(best - value) ? each : best));
}

function fits(values: readonly number[], code: MaskCode, { lossy }: StoredMask): boolean {
  const coarse = Math.max(...code.values) > 2;
  let far = 0;
  for (const value of values) {
    const distance = Math.abs(value - nearest(value, code));
    if (distance > (coarse && lossy ? NOISE : 0)) far += 1;
  }
  return far <= (coarse && lossy ? EDGES * values.length : 0);
}

/** The innermost structure meets the one around it more than the background: values that were swapped do not. */
function nests(values: readonly number[], code: MaskCode, { width }: StoredMask): boolean {
  const { nested, background } = code;
  if (!nested) return true;
  const known = new Map<number, number>();
  for (const value of new Set(values)) known.set(value, nearest(value, code));
  let [inside, outside] = [0, 0];
  const meet = (one: number | undefined, other: number | undefined): void => {
    if (one !== nested.inner && other !== nested.inner) return;
    if (one === nested.outer || other === nested.outer) inside += 1;
    if (one === background || other === background) outside += 1;
  };
  for (let at = 0; at < values.length; at += 1) {
    const own = known.get(values[at] as number);
    if ((at + 1) % width !== 0) meet(own, known.get(values[at + 1] as number));
    meet(own, known.get(values[at + width] as number));
  }
  return outside <= inside;
}

/** The background has most of the border. */
function surrounds(values: readonly number[], code: MaskCode, { width, height }: StoredMask): boolean {
  let [all, background] = [0, 0];
  for (let at = 0; at < values.length; at += 1) {
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
    all += 1;
    if (nearest(values[at] as number, code) === code.background) background += 1;
  }
  return background * 2 > all;
}
