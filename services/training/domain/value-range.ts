// Pictures that use a small share of the range of their samples: what a model sees of them is nearly one grey.

import { samples, type Pixels } from '../../imaging/pixels';
import { counted, finding, type Finding } from './finding';

/** 12 bits in 16 are a sixteenth, 13 an eighth; 14 bits, a quarter, still show. */
const SMALL_SHARE = 1 / 8;
/** Full scale of what has more than 8 bits. */
const FULL = { uint16: 65535, float32: 255 } as const;

/** Lowest and highest colour sample, as stored. */
export interface ValueRange {
  sampleType: keyof typeof FULL;
  low: number;
  high: number;
}

/** Undefined for 8 bits, whose range is what pictures are made for. */
export function valueRangeOf(pixels: Pixels): ValueRange | undefined {
  const { sampleType, channels } = pixels;
  if (sampleType === 'uint8') return undefined;
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
  return { sampleType, low, high };
}

function isNarrow({ sampleType, low, high }: ValueRange): boolean {
  return high > low && high - low <= SMALL_SHARE * FULL[sampleType];
}

/** Beyond both ends of the scale there is nothing that a model has seen. */
function isBeyond({ sampleType, low, high }: ValueRange): boolean {
  return sampleType === 'float32' && (low < 0 || high > FULL.float32);
}

const brief = (value: number): string => String(Number(value.toPrecision(4)));

/** Pictures of more than 8 bits whose values lie in a small part of their range, or beyond it. */
export function rangeFindings(seen: readonly { name: string; range: ValueRange | undefined }[]): Finding[] {
  return (['uint16', 'float32'] as const).flatMap((sampleType): Finding[] => {
    const own = seen.flatMap(({ name, range }) => (range?.sampleType === sampleType ? [{ name, range }] : []));
    const scale = sampleType === 'uint16' ? `0 to ${FULL.uint16}` : `0 to ${FULL.float32}`;
    const kind = sampleType === 'uint16' ? '16-bit' : 'float';
    const tell = (belongs: (range: ValueRange) => boolean, consequence: string): Finding[] => {
      const found = own.filter(({ range }) => belongs(range));
      if (found.length === 0) return [];
      const low = Math.min(...found.map(({ range }) => range.low));
      const high = Math.max(...found.map(({ range }) => range.high));
      const message =
        `${found.length} of ${counted(own.length, `${kind} picture`)} ${found.length === 1 ? 'holds' : 'hold'} values ${brief(low)} to ${brief(high)}, ` +
        `taken on the scale ${scale}: ${consequence}`;
      const names = found.map(({ name }) => name);
      return [finding('value-range', 'warning', message, names)];
    };
    return [
      ...tell((range) => !isBeyond(range) && isNarrow(range), 'a model sees next to no contrast; stretch them first'),
      ...tell(isBeyond, 'a model has seen nothing like the values beyond it; scale them first'),
    ];
  });
}
