// The golden image of a version that is being registered.

import {
  writeGolden,
  type GoldenAnswer,
  type GoldenReference,
  type HeadArchitecture,
  type InputRule,
  type StoredBase,
} from '../../../store';
import type { Pixels } from '../../../imaging/pixels/pixels';
import type { TrainSpec } from '../../protocol/protocol';
import type { Sample } from '../../../datasets/samples/sample';
import { decodeSample } from '../../../datasets/load/load-samples';
import { Random } from '../../../common/random';

/** A larger picture is not worth its place beside the weights. */
const MAX_PIXELS = 4_000_000;

export interface GoldenWeights {
  base: StoredBase;
  /** @property threshold null for classification */
  head: { weightsPath: string; architecture: HeadArchitecture; preprocessing: InputRule; threshold: number | null };
}

/** Asks weights about an image through the pipeline that will serve them. */
export type AnswerGolden = (
  weights: GoldenWeights,
  machine: { device: string; threads: number },
  pixels: Pixels,
) => Promise<GoldenAnswer>;

/** Blots on noise, by seed: an image of nobody. */
export function syntheticPixels(side: number, seed: number): Pixels {
  const random = Random.of(seed, side);
  const blots = Array.from({ length: 6 }, () => ({
    x: random.range(0, side),
    y: random.range(0, side),
    radius: random.range(side / 16, side / 4),
    colour: [random.range(0, 255), random.range(0, 255), random.range(0, 255)],
  }));
  const data = new Uint8Array(side * side * 3);
  for (let pixel = 0; pixel < side * side; pixel += 1) {
    const [x, y] = [pixel % side, Math.floor(pixel / side)];
    const blot = blots.find((each) => Math.hypot(each.x - x, each.y - y) < each.radius);
    for (let band = 0; band < 3; band += 1)
      data[3 * pixel + band] = (blot?.colour[band] ?? 120) + random.range(-20, 20);
  }
  return { data, width: side, height: side, channels: 3, sampleType: 'uint8' };
}

/** A sample where pictures of the data may be kept, and one can be read and is small enough; else an image of nobody. */
async function choosePixels(
  spec: TrainSpec,
  samples: readonly Sample[],
  side: number,
): Promise<{ source: 'sample' | 'synthetic'; pixels: Pixels }> {
  const [first] = spec.reportImages ? samples : [];
  const decoded = first && (await decodeSample(first).catch(() => undefined));
  if (decoded && decoded.pixels.width * decoded.pixels.height <= MAX_PIXELS) {
    return { source: 'sample', pixels: decoded.pixels };
  }
  return { source: 'synthetic', pixels: syntheticPixels(side, spec.seed) };
}

/** Stores a golden image below the folder of a version whose weights are there. */
export async function makeGolden(
  folder: string,
  spec: TrainSpec,
  samples: readonly Sample[],
  weights: GoldenWeights,
  answer: AnswerGolden,
): Promise<GoldenReference> {
  const { source, pixels } = await choosePixels(spec, samples, weights.base.manifest.architecture.image_size);
  return writeGolden(folder, { source, pixels, answer: await answer(weights, spec, pixels) });
}
