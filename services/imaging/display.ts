// Pictures as a person can see them.

import { samples, toRgb8, type Pixels } from './pixels/pixels';

/** Percentiles of the samples that become black and white. */
const [DARKEST, BRIGHTEST] = [0.005, 0.995];
/** Pixels that tell the range, spread over the picture. */
const PROBED = 65_536;

/** The stored values that become black and white; undefined where there is only one. */
function displayRange(values: ArrayLike<number>, channels: number): [low: number, high: number] | undefined {
  const colours = channels < 3 ? 1 : 3;
  const pixels = Math.floor(values.length / channels);
  const probed = Math.min(pixels, PROBED);
  const probes = Float64Array.from({ length: probed * colours }, (_, index) => {
    const pixel = Math.floor((Math.floor(index / colours) * pixels) / probed);
    return values[pixel * channels + (index % colours)] ?? 0;
  }).sort();
  const at = (share: number): number => probes[Math.round(share * (probes.length - 1))] ?? 0;
  const ranges: [number, number][] = [
    [at(DARKEST), at(BRIGHTEST)],
    [at(0), at(1)],
  ];
  return ranges.find(([low, high]) => low < high);
}

/**
 * An 8-bit RGB copy for drawing on, as toRgb8, but of more than 8 bits the range that the picture uses fills the display: 12
 * bits in 16 or floats of 0 to 1 would be black. What a model sees is its own rule of intensity.
 */
export function toDisplayRgb8(pixels: Pixels): Uint8ClampedArray {
  const { width, height, channels, sampleType, window } = pixels;
  const { values } = samples(pixels);
  const isDisplayed = sampleType === 'uint8' || window !== undefined;
  const range = isDisplayed ? undefined : displayRange(values, channels);
  if (range === undefined) return toRgb8(pixels);
  const [low, high] = range;
  const rgb = new Uint8ClampedArray(width * height * 3);
  for (let pixel = 0; pixel < width * height; pixel += 1) {
    for (let band = 0; band < 3; band += 1) {
      const value = values[pixel * channels + (channels < 3 ? 0 : band)] ?? 0;
      rgb[pixel * 3 + band] = (255 * (value - low)) / (high - low);
    }
  }
  return rgb;
}
