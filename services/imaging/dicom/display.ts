// A frame as people see it: grey or RGB, in 8 bits or in 16.

import type { DataSet } from 'dicom-parser';
import { DISPLAY_LEVELS, type Pixels } from '../pixels/pixels';
import { DicomError } from './errors';
import type { ImageFormat } from './header';
import { fullScale, lookUp, readLookupTable } from './lookup-table';
import type { StoredFrame, Values } from './stored-values';
import { greyLevel, greyTransforms, measured, type Contrast, type GreyTransforms, type Padding } from './transforms';

/** Bits that hold a level of a display. */
export type DisplayDepth = 8 | 16;

const WHITE = 255;
const WHITE_16 = DISPLAY_LEVELS.high;

/** A level of 0 to 1 in 8 bits. */
const byteOf = (level: number): number => Math.round(WHITE * level);

/** The same in 16 bits, which round to what byteOf() gives, ties included. */
function wordOf(level: number): number {
  const [word, byte] = [Math.round(WHITE_16 * level), byteOf(level)];
  const [least, most] = [byte * 257 - 128, byte * 257 + 128];
  return Math.min(most, Math.max(least, word));
}

/** @param words whether 16 bits hold a level, else 8 */
function levelPixels(
  { values, width, height }: StoredFrame,
  channels: 1 | 3,
  words: boolean,
  levelOf: (value: number) => number,
): Pixels {
  const levels = words ? new Uint16Array(values.length) : new Uint8Array(values.length);
  // Most frames hold far fewer different values than pixels.
  const known = new Map<number, number>();
  const table = values.BYTES_PER_ELEMENT <= 2 ? new Int32Array(65_536).fill(-1) : undefined;
  for (let at = 0; at < values.length; at += 1) {
    const value = values[at] as number;
    let level = table ? (table[value & 0xffff] as number) : (known.get(value) ?? -1);
    if (level < 0) {
      level = words ? wordOf(levelOf(value)) : byteOf(levelOf(value));
      if (table) table[value & 0xffff] = level;
      else if (known.size < 65_536) known.set(value, level);
    }
    levels[at] = level;
  }
  const data = new Uint8Array(levels.buffer);
  return words
    ? { data, width, height, channels, sampleType: 'uint16', window: DISPLAY_LEVELS }
    : { data, width, height, channels, sampleType: 'uint8' };
}

/** Padding, NaN and infinity: maps hold NaN where nothing was measured. */
function isPadding(padding: Padding | undefined, value: number): boolean {
  if (!Number.isFinite(value)) return true;
  return padding !== undefined && value >= padding.from && value <= padding.to;
}

/** The range of what was measured, without padding; nothing where that is a single value. */
function fullRange(values: Values, { modality, padding }: GreyTransforms): Contrast | undefined {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (isPadding(padding, value)) continue;
    // A modality LUT need not rise, nor fall, all the way.
    const level = measured(modality, value);
    if (level < low) low = level;
    if (level > high) high = level;
  }
  return low < high ? { centre: (low + high) / 2, width: high - low, shape: 'LINEAR_EXACT' } : undefined;
}

/** True for 8-bit grey that says nothing about its contrast: screen captures and the like are meant as they are. */
function isScreenGrey({ bitsStored, signed }: ImageFormat, { modality }: GreyTransforms): boolean {
  return bitsStored === 8 && !signed && 'slope' in modality && modality.slope === 1 && modality.intercept === 0;
}

const SCREEN: Contrast = { centre: 127.5, width: 255, shape: 'LINEAR_EXACT' };

function greyPixels(stored: StoredFrame, format: ImageFormat, transforms: GreyTransforms, words: boolean): Pixels {
  const { modality, padding } = transforms;
  const screen = isScreenGrey(format, transforms) ? SCREEN : undefined;
  const contrast = transforms.contrast ?? screen ?? fullRange(stored.values, transforms);
  const inverted = format.photometric === 'MONOCHROME1';
  return levelPixels(stored, 1, words, (value) => {
    if (contrast === undefined || isPadding(padding, value)) return 0;
    const level = greyLevel(contrast, measured(modality, value));
    return inverted ? 1 - level : level;
  });
}

const PALETTE = [
  ['x00281101', 'x00281201'],
  ['x00281102', 'x00281202'],
  ['x00281103', 'x00281203'],
] as const;

function palettePixels({ values, width, height }: StoredFrame, dataSet: DataSet, signed: boolean): Pixels {
  const tables = PALETTE.map(([descriptor, data]) => readLookupTable(dataSet, descriptor, data, signed));
  const data = new Uint8Array(values.length * 3);
  // Some writers put entries of 8 bits into 16, and call them 16.
  const narrow = tables.every((table) => table?.entries.every((entry) => entry <= WHITE));
  tables.forEach((table, band) => {
    if (!table) throw new DicomError('PIXEL_FORMAT', 'The DICOM image lacks the palette of its colours.');
    const scale = narrow && table.bits === 16 ? 1 : WHITE / fullScale(table);
    for (let at = 0; at < values.length; at += 1) {
      data[at * 3 + band] = Math.round(lookUp(table, values[at] as number) * scale);
    }
  });
  return { data, width, height, channels: 3, sampleType: 'uint8' };
}

function rgbPixels(stored: StoredFrame, { bitsStored }: ImageFormat, words: boolean): Pixels {
  const { values, width, height } = stored;
  if (bitsStored === 8 && values instanceof Uint8Array) {
    return { data: values, width, height, channels: 3, sampleType: 'uint8' };
  }
  const most = 2 ** bitsStored - 1;
  return levelPixels(stored, 3, words, (value) => Math.min(1, value / most));
}

/**
 * Grey images go through the rescaling of the header, then through its VOI LUT, or else its first window, or else from the
 * smallest to the largest value of the frame, which is black where these are one (8-bit unsigned grey without any of these is
 * kept as it is). MONOCHROME1 is inverted, so that bright is always high on the display; padding becomes black. Palettes are
 * looked up.
 * @param depth of the levels: 8 bits, or 16 with their window where more than 8 bits are stored and no palette is used
 * @throws DicomError
 */
export function displayed(
  stored: StoredFrame,
  dataSet: DataSet,
  format: ImageFormat,
  frame: number,
  depth: DisplayDepth = 8,
): Pixels {
  const words = depth === 16 && format.bitsStored > 8;
  switch (stored.kind) {
    case 'rgb':
      return rgbPixels(stored, format, words);
    case 'palette':
      return palettePixels(stored, dataSet, format.signed);
    case 'grey':
      return greyPixels(stored, format, greyTransforms(dataSet, format, frame), words);
  }
}
