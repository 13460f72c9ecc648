import { toRgb8, type Pixels } from '../imaging/pixels/pixels';

export interface Statistics {
  /** Of red, green and blue over all pixels, on the 0-255 scale; empty without images. */
  channelMeans: number[];
  channelDeviations: number[];
  /** Images by longer side, smallest first; a bucket reaches from its power of two to the next. */
  sizes: { minSide: number; images: number }[];
}

const CHANNELS = [0, 1, 2] as const;

/** Gathers intensities and sizes image by image; the pixels are not kept. */
export class StatisticsOf {
  private pixels = 0;
  private readonly sums = [0, 0, 0];
  private readonly squares = [0, 0, 0];
  private readonly sizes = new Map<number, number>();

  add(image: Pixels): void {
    const rgb = toRgb8(image);
    const sums = [0, 0, 0];
    const squares = [0, 0, 0];
    for (let at = 0; at < rgb.length; at += 3) {
      for (const channel of CHANNELS) {
        const value = rgb[at + channel] as number;
        sums[channel] = (sums[channel] as number) + value;
        squares[channel] = (squares[channel] as number) + value * value;
      }
    }
    for (const channel of CHANNELS) {
      this.sums[channel] = (this.sums[channel] as number) + (sums[channel] as number);
      this.squares[channel] = (this.squares[channel] as number) + (squares[channel] as number);
    }
    this.pixels += rgb.length / 3;
    const bucket = 2 ** Math.floor(Math.log2(Math.max(image.width, image.height)));
    this.sizes.set(bucket, (this.sizes.get(bucket) ?? 0) + 1);
  }

  result(): Statistics {
    const means = this.pixels === 0 ? [] : this.sums.map((sum) => sum / this.pixels);
    return {
      channelMeans: means,
      channelDeviations: means.map((mean, channel) =>
        Math.sqrt(Math.max(0, (this.squares[channel] as number) / this.pixels - mean * mean)),
      ),
      sizes: [...this.sizes].sort(([a], [b]) => a - b).map(([minSide, images]) => ({ minSide, images })),
    };
  }
}
