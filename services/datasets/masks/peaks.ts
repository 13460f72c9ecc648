// Whether a histogram is that of two values with smooth edges or coding noise, or that of labels.

/** Of the full range: what lies below is the lower peak's side, and above its complement the upper one's. */
const LOW = 0.25;
/** Levels of 256 that one peak may spread over, to each side. */
const SPREAD = 6;
/** Share of the middle values within one window that makes them a third peak, where edges spread evenly. */
const THIRD_PEAK = 0.5;
/** The same where nothing answers it on the other side of the middle. */
const LONE_PEAK = 0.2;
/** Share of all pixels below which a third peak is noise. */
const NOTICEABLE = 0.005;
/** Share of pixels off both peaks that edges may have in a file without loss. */
const EDGES = 0.25;
/** Levels beside a peak that are its own. */
const NEAR = 12;
/** Of the levels around a third peak: what lies between it and either of the two must fall below it by this factor. */
const VALLEY = 3;

export function histogramOf(values: Iterable<number>): Map<number, number> {
  const counts = new Map<number, number>();
  for (const value of values) counts.set(value, (counts.get(value) ?? 0) + 1);
  return counts;
}

/** @param top the largest value of the range */
export function hasTwoPeaks(counts: Map<number, number>, top: number, lossy: boolean): boolean {
  const bins = new Float64Array(256);
  let pixels = 0;
  for (const [value, count] of counts) {
    const bin = Math.min(255, Math.round((255 * value) / top));
    bins[bin] = (bins[bin] as number) + count;
    pixels += count;
  }
  const [low, high] = [Math.ceil(255 * LOW), Math.floor(255 * (1 - LOW))];
  const sum = (from: number, to: number): number => bins.slice(Math.max(0, from), to + 1).reduce((a, b) => a + b, 0);
  const middle = sum(low, high);
  for (let at = low; at <= high; at += 1) {
    const window = sum(Math.max(low, at - SPREAD), Math.min(high, at + SPREAD));
    if (window > THIRD_PEAK * middle && window > NOTICEABLE * pixels) return false;
  }
  const modeOf = (from: number, to: number): number => {
    const side = bins.slice(from, to + 1);
    return from + side.indexOf(Math.max(...side));
  };
  const modes = [modeOf(0, low), modeOf(high, 255)] as const;
  if (hasThirdPeak(bins, modes, pixels)) return false;
  if (lossy) return true;
  const near = (mode: number): number => sum(mode - 3, mode + 3);
  const off = pixels - near(modes[0]) - near(modes[1]);
  return off <= EDGES * pixels;
}

/** A label beside the two peaks, dark or bright as it may be: noise and edges fall off from a peak, and do not rise again. */
function hasThirdPeak(bins: Float64Array, modes: readonly [number, number], pixels: number): boolean {
  const around = Array.from(bins, (_, at) => bins.slice(Math.max(0, at - 3), at + 4).reduce((a, b) => a + b, 0));
  const isOff = (at: number): boolean => modes.every((mode) => Math.abs(at - mode) > NEAR);
  const off = bins.reduce((total, count, at) => total + (isOff(at) ? count : 0), 0);
  return around.some((own, at) => {
    // Edges are of dark and bright levels alike.
    const share = own >= VALLEY * (around[modes[0] + modes[1] - at] ?? 0) ? LONE_PEAK : THIRD_PEAK;
    if (!isOff(at) || own <= share * off || own <= NOTICEABLE * pixels) return false;
    const rises = (mode: number): boolean => {
      const between = around.slice(Math.min(at, mode), Math.max(at, mode) + 1);
      return own >= VALLEY * Math.min(...between);
    };
    return rises(modes[0]) && rises(modes[1]);
  });
}
