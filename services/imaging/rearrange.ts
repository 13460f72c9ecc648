/** How samples are stored, and how they are wanted. */
export interface SampleOrder {
  pixelCount: number;
  channels: number;
  sampleBytes: number;
  /** Stored channel by channel. */
  planar: boolean;
  /** `order[c]` is the stored channel that becomes channel c; undefined: c. */
  order: readonly number[] | undefined;
}

/** Copies samples to interleaved order. */
export function rearrange(
  from: Uint8Array,
  { pixelCount, channels, sampleBytes, planar, order }: SampleOrder,
): Uint8Array {
  const to = new Uint8Array(from.length);
  for (let channel = 0; channel < channels; channel += 1) {
    const stored = order?.[channel] ?? channel;
    for (let pixel = 0; pixel < pixelCount; pixel += 1) {
      const source = (planar ? stored * pixelCount + pixel : pixel * channels + stored) * sampleBytes;
      const target = (pixel * channels + channel) * sampleBytes;
      for (let byte = 0; byte < sampleBytes; byte += 1) to[target + byte] = from[source + byte] ?? 0;
    }
  }
  return to;
}
