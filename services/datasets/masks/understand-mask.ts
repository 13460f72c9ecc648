// What the values of a mask mean where nobody said it. One file decides for itself, and what is not certain is refused: a
// palette by index (all but index 0), drawn colours by colour (all but black), a grey mask of two values by value (all but
// 0), one with loss or smooth edges by its two peaks, and a layer of one colour by its transparency.

import { automedError, type AutomedError } from '../../common/errors';
import type { StatedValues } from './mask-values';
import { hasTwoPeaks, histogramOf } from './peaks';
import { DRAWN_COLOURS } from './stored-mask';
import type { Samples, StoredMask } from './stored-values';

/** The field of errors that say a mask's values are not certain. */
export const AMBIGUOUS_FIELD = 'mask_values';
/** Begins the message on a mask that cannot be used. */
export const UNUSABLE_MASK = 'its mask cannot be used: ';
/** So few values in a file without loss are labels, each meant as it is. */
const FEW_VALUES = 8;
/** Values that an error names. */
const NAMED = 8;
const VOID_INDEX = 255;
/** Palettes made from the bits of a class number have three shades of a colour; more are the smooth edge of one. */
const SHADES = 3;

export interface Understood {
  mask: Uint8Array;
  /** How it was read. */
  kind: 'palette' | 'grey' | 'colour' | 'transparency' | 'segmentation' | 'stated';
  /** Stored values that are foreground, as told; empty when nothing is. */
  foreground: string[];
  /** Grey with two values: foreground, where it is neither 1 nor the largest of its type. */
  unusual?: number;
  /** Stated: the file holds several values, and none of those. */
  missed?: boolean;
}

export function ambiguous(what: string): AutomedError {
  return automedError('INVALID_ARGUMENT', `${what}: state which values are foreground (--mask-values)`, {
    field: AMBIGUOUS_FIELD,
  });
}

export const hex = (rgb: number): string => `#${rgb.toString(16).padStart(6, '0')}`;

export function listed(values: readonly (number | string)[]): string {
  const more = values.length - NAMED;
  return `${values.slice(0, NAMED).join(', ')}${more > 0 ? ` and ${more} more values` : ''}`;
}

/** @throws InvalidInputError (field `mask_values`) that names the values found */
export function understand(stored: StoredMask, stated?: StatedValues): Understood {
  if (stated) return byStatement(stored, stated);
  const alpha = alphaOf(stored);
  const counts = histogramOf(stored.values);
  if (!alpha) return byValues(stored, counts);
  const [visible, hidden] = [new Set<number>(), new Set<number>()];
  for (let at = 0; at < alpha.length; at += 1) {
    ((alpha[at] as number) > 127 ? visible : hidden).add(colourAt(stored, at));
  }
  if (visible.size <= 1 && hidden.size > 1) throw ambiguous('its colours differ where it is transparent');
  if (visible.size <= 1) return { ...byGrey(alpha, histogramOf(alpha), 255, false), kind: 'transparency' };
  const read = byValues(stored, counts);
  if (read.mask.some((value, at) => value === 1 && (alpha[at] as number) <= 127)) {
    throw ambiguous('its colours and its transparency show different shapes');
  }
  return read;
}

function colourAt({ palette, values }: StoredMask, at: number): number {
  const value = values[at] as number;
  return palette ? (palette[value]?.rgb ?? 0) : value;
}

/** Where the mask is not opaque all over. */
function alphaOf({ alpha, palette, values }: StoredMask): Uint8Array | undefined {
  if (!palette) return alpha;
  const own = Uint8Array.from(values, (index) => palette[index]?.alpha ?? 255);
  return own.every((value) => value === 255) ? undefined : own;
}

/** Values are compared as they are stored, colours as they are shown. */
function byStatement(stored: StoredMask, { ranges, text }: StatedValues): Understood {
  const { values, kind, scale } = stored;
  if (ranges.length === 0)
    throw ambiguous(`it has no labels, as segments of DICOM have, and ${text} names nothing else`);
  const [colours, numbers] = [ranges.filter(({ colour }) => colour), ranges.filter(({ colour }) => !colour)];
  if (kind === 'colour' && colours.length === 0) {
    throw ambiguous(`it holds colours, and ${text} names none (as #ff0000 does)`);
  }
  const within = (value: number, some: typeof ranges): boolean =>
    some.some(({ from, to }) => value >= from && value <= to);
  const rgbOf = (at: number): number =>
    kind === 'grey' ? Math.round((255 * (values[at] as number)) / scale) * 0x010101 : colourAt(stored, at);
  const mask = Uint8Array.from(values, (value, at) => {
    const stated = (kind !== 'colour' && within(value, numbers)) || (colours.length > 0 && within(rgbOf(at), colours));
    return stated ? 1 : 0;
  });
  if (alphaOf(stored) && new Set(mask).size < 2) throw ambiguous(`its shape is in its transparency, not in ${text}`);
  if (mask.includes(1)) return { mask, kind: 'stated', foreground: [text] };
  return { mask, kind: 'stated', foreground: [], ...(new Set(values).size > 1 ? { missed: true } : {}) };
}

function byValues(stored: StoredMask, counts: Map<number, number>): Understood {
  if (stored.palette && !isGreyRamp(stored.palette, counts)) return byPalette(stored, counts);
  if (stored.kind === 'colour') return byColour(stored, counts);
  return byGrey(stored.values, counts, stored.scale, stored.lossy);
}

const sorted = (counts: Map<number, number>): number[] => [...counts.keys()].sort((a, b) => a - b);
const allBut = (values: ArrayLike<number>, background: number): Uint8Array =>
  Uint8Array.from(values, (value) => (value === background ? 0 : 1));

/** The colours say the same as the indices. */
function isGreyRamp(palette: NonNullable<StoredMask['palette']>, counts: Map<number, number>): boolean {
  return [...counts.keys()].every((index) => palette[index]?.rgb === index * 0x010101);
}

function byPalette(stored: StoredMask, counts: Map<number, number>): Understood {
  const { palette = [], values } = stored;
  const indices = sorted(counts);
  const used = indices.map((index) => palette[index]?.rgb ?? 0);
  // A picture in shades of grey that its writer stored by a palette.
  if (indices.length > FEW_VALUES && used.every((rgb) => rgb % 0x010101 === 0)) {
    const shown = Float64Array.from(values, (index) => (palette[index]?.rgb ?? 0) & 0xff);
    return { ...byGrey(shown, histogramOf(shown), 255, false), kind: 'palette' };
  }
  // Two colours, black and white: a picture of the mask, in whichever order its writer found them.
  const whole = new Set(palette.map(({ rgb }) => rgb));
  const both = indices.length === 2 ? new Set(used) : whole;
  if (indices.length <= 2 && both.size === 2 && both.has(0) && both.has(0xffffff)) {
    const mask = Uint8Array.from(values, (index) => (palette[index]?.rgb === 0xffffff ? 1 : 0));
    return { mask, kind: 'palette', foreground: mask.includes(1) ? ['white'] : [] };
  }
  const drawn = indices.filter((index) => index !== 0);
  if ((palette[0]?.rgb ?? 0) !== 0 && drawn.some((index) => palette[index]?.rgb === 0)) {
    throw ambiguous(`its palette has black at another index than 0, with the indices ${listed(indices)}`);
  }
  if (drawn.length > 1 && drawn.includes(VOID_INDEX)) {
    throw ambiguous(`its palette indices are ${listed(indices)}, of which 255 often means "not to be counted"`);
  }
  return { mask: allBut(values, 0), kind: 'palette', foreground: drawn.map((index) => `index ${index}`) };
}

const bandsOf = (rgb: number): number[] => [rgb >> 16, (rgb >> 8) & 255, rgb & 255];

/** Whether a colour is another one, or that mixed with black. */
function isShade(rgb: number, of: number): boolean {
  const [own, full] = [bandsOf(rgb), bandsOf(of)];
  const share = Math.max(...own) / Math.max(1, ...full);
  return share > 0 && share <= 1 && own.every((band, at) => Math.abs(band - share * (full[at] ?? 0)) <= 1);
}

function byColour({ values, lossy }: StoredMask, counts: Map<number, number>): Understood {
  const colours = sorted(counts);
  if (lossy || colours.length > DRAWN_COLOURS) {
    throw ambiguous(`its bands differ, and it holds ${colours.length} colours`);
  }
  if (!counts.has(0) || colours.includes(0xe0e0c0)) throw ambiguous(`it holds the colours ${listed(colours.map(hex))}`);
  if (colours.some((rgb) => colours.filter((other) => isShade(other, rgb)).length > SHADES)) {
    throw ambiguous(`it holds shades of one colour, as smooth edges have them (${listed(colours.map(hex))})`);
  }
  return { mask: allBut(values, 0), kind: 'colour', foreground: colours.filter((rgb) => rgb !== 0).map(hex) };
}

function byGrey(values: Samples, counts: Map<number, number>, scale: number, lossy: boolean): Understood {
  const found = sorted(counts);
  const largest = found.at(-1) ?? 0;
  if (found.some((value) => !Number.isFinite(value) || value < 0)) throw ambiguous(`it holds ${listed(found)}`);
  if (found.length === 1 || (found.length === 2 && found[0] === 0 && (!lossy || largest === scale))) {
    const usual = [0, 1, 255, scale].includes(largest);
    const foreground = largest === 0 ? [] : [String(largest)];
    return { mask: allBut(values, 0), kind: 'grey', foreground, ...(usual ? {} : { unusual: largest }) };
  }
  const top = scale === 65535 && largest <= 255 ? 255 : scale;
  if (largest <= top / 2) {
    throw ambiguous(`it holds ${listed(found)}, the largest value is ${largest} and nothing is above ${top / 2}`);
  }
  if ((!lossy && found.length <= FEW_VALUES) || !hasTwoPeaks(counts, top, lossy)) {
    throw ambiguous(`it holds ${listed(found)}`);
  }
  const mask = Uint8Array.from(values, (value) => (value > top / 2 ? 1 : 0));
  return { mask, kind: 'grey', foreground: [`above ${top > 1 ? Math.floor(top / 2) : top / 2}`] };
}
