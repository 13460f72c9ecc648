// Pictures that use a small share of the range of their samples: what a model sees of them is nearly one grey.

import { samples, type Pixels } from '../imaging/pixels/pixels';
import { intensityText, type Intensity } from '../store';
import { counted, finding, type Finding } from '../datasets/samples/finding';

/** 12 bits in 16 are a sixteenth, 13 an eighth; 14 bits, a quarter, still show. */
const SMALL_SHARE = 1 / 8;
/** Full scale of what has more than 8 bits. */
const FULL = { uint16: 65535, float32: 255 } as const;

/** Share of samples at either end that hot pixels, markers and written text may have. */
const STRAY = 0.025;
/** Samples by which the range of nearly all is told. */
const TAKEN = 65_536;

/** Lowest and highest colour sample, as stored. */
export interface ValueRange {
  sampleType: keyof typeof FULL;
  low: number;
  high: number;
  /** The range of nearly all samples, where it is narrower. */
  most?: { low: number; high: number };
}

/** Undefined for 8 bits, whose range is what pictures are made for, and for pictures that name their window. */
export function valueRangeOf(pixels: Pixels): ValueRange | undefined {
  const { sampleType, channels, window } = pixels;
  if (sampleType === 'uint8' || window !== undefined) return undefined;
  const { values } = samples(pixels);
  const colours = channels < 3 ? 1 : 3;
  let [low, high] = [Infinity, -Infinity];
  for (let pixel = 0; pixel < values.length; pixel += channels) {
    for (let band = 0; band < colours; band += 1) {
      const value = values[pixel + band] ?? 0;
      if (value < low) low = value;
      if (value > high) high = value;
    }
  }
  const most = rangeOfMost(values, channels);
  const narrower = most !== undefined && (most.low > low || most.high < high);
  return { sampleType, low, high, ...(narrower ? { most } : {}) };
}

function rangeOfMost(values: ArrayLike<number>, channels: number): ValueRange['most'] {
  const pixels = values.length / channels;
  const count = Math.min(pixels, TAKEN);
  const stray = Math.floor(STRAY * count);
  if (stray === 0) return undefined;
  // Of colour the first band: stray pixels are in all of them.
  const sorted = Float64Array.from({ length: count }, (_, at) => {
    const pixel = Math.floor((at * pixels) / count);
    return values[pixel * channels] ?? 0;
  }).sort();
  return { low: sorted[stray] ?? 0, high: sorted[count - 1 - stray] ?? 0 };
}

/** The stored values that become 0 and 255; undefined where each picture has its own. */
function scaleOf(
  sampleType: ValueRange['sampleType'],
  intensity: Intensity,
): { low: number; high: number } | undefined {
  if (intensity.policy === 'percentile') return undefined;
  if (intensity.policy === 'window') return intensity;
  return { low: 0, high: intensity.policy === 'dtype' && sampleType === 'float32' ? 1 : FULL[sampleType] };
}

const brief = (value: number): string => String(Number.isInteger(value) ? value : Number(value.toPrecision(4)));

/**
 * Pictures of more than 8 bits whose values lie in a small part of the scale, or of float beyond it.
 * @param intensity what the values mean; default: `full`
 */
export function rangeFindings(
  seen: readonly { name: string; range: ValueRange | undefined }[],
  intensity: Intensity = { policy: 'full' },
): Finding[] {
  return (['uint16', 'float32'] as const).flatMap((sampleType): Finding[] => {
    const scale = scaleOf(sampleType, intensity);
    if (scale === undefined) return [];
    const own = seen.flatMap(({ name, range }) => (range?.sampleType === sampleType ? [{ name, range }] : []));
    const kind = sampleType === 'uint16' ? '16-bit' : 'float';
    const shown = ({ low, high }: Pick<ValueRange, 'low' | 'high'>): number =>
      Math.min(high, scale.high) - Math.max(low, scale.low);
    // A window leaves values out on purpose.
    const isBeyond = ({ low, high }: ValueRange): boolean =>
      sampleType === 'float32' && intensity.policy !== 'window' && (low < scale.low || high > scale.high);
    const isNarrow = (range: Pick<ValueRange, 'low' | 'high'>): boolean =>
      range.high > range.low && shown(range) <= SMALL_SHARE * (scale.high - scale.low);
    const tell = (belongs: (range: ValueRange) => boolean, consequence: string, ofMost = false): Finding[] => {
      const found = own.filter(({ range }) => belongs(range));
      if (found.length === 0) return [];
      const told = found.map(({ range }) => (ofMost ? (range.most ?? range) : range));
      const low = Math.min(...told.map((range) => range.low));
      const high = Math.max(...told.map((range) => range.high));
      const message =
        `${found.length} of ${counted(own.length, `${kind} picture`)} ${found.length === 1 ? 'holds' : 'hold'} values ` +
        `${brief(low)} to ${brief(high)}${ofMost ? ' in nearly all pixels' : ''}, taken on the scale ${brief(scale.low)} to ${brief(scale.high)}: ` +
        `${consequence} (--intensity)`;
      const names = found.map(({ name }) => name);
      return [finding('value-range', 'warning', message, names)];
    };
    return [
      ...tell((range) => !isBeyond(range) && isNarrow(range), 'a model sees next to no contrast'),
      ...tell(
        (range) => !isBeyond(range) && !isNarrow(range) && range.most !== undefined && isNarrow(range.most),
        'a model sees next to no contrast',
        true,
      ),
      ...tell(isBeyond, 'a model has seen nothing like the values beyond it'),
    ];
  });
}

/** What stored samples mean to a model, and what was said of the data that it is measured on. */
export interface ValueRule {
  /** `name@version` of the model. */
  model: string;
  /** Absent: `full`. */
  used: Intensity | undefined;
  /** Absent: nothing was said. */
  stated: Intensity | undefined;
}

/** A warning where the data is said to mean something else than the model was trained on. */
export function ruleFindings({ model, used, stated }: ValueRule): Finding[] {
  if (stated === undefined || intensityText(stated) === intensityText(used)) return [];
  const message =
    `the values of the data are stated as ${intensityText(stated)}, and ${model} was trained on ${intensityText(used)}: ` +
    `${intensityText(used)}, the rule of the model, is used, as in serving (--intensity)`;
  return [finding('value-range', 'warning', message)];
}
