// How a version in reduced precision answers beside itself in float32, on the images that chose its checkpoint.

import { decodeSampleDeep } from '../../../datasets/load/load-samples';
import type { Sample } from '../../../datasets/samples/sample';
import type { Pixels } from '../../../imaging/pixels/pixels';
import { diceOf, type GoldenAnswer, type PrecisionAgreement } from '../../../store';
import type { GoldenWeights } from './make-golden';

/** Weights loaded in both precisions. */
export interface PrecisionPair {
  exact(pixels: Pixels): Promise<GoldenAnswer>;
  reduced(pixels: Pixels): Promise<GoldenAnswer>;
  close(): Promise<void>;
}

export type LoadPrecisionPair = (
  weights: GoldenWeights,
  machine: { device: string; threads: number },
) => Promise<PrecisionPair>;

const likeliest = (probabilities: readonly number[]): number => probabilities.indexOf(Math.max(...probabilities));

/**
 * @param samples at least one
 * @param signal ends it with the signal's reason; absent: too late for that
 */
export async function measureAgreement(
  pair: PrecisionPair,
  samples: readonly Sample[],
  signal?: AbortSignal,
): Promise<PrecisionAgreement> {
  const overlaps: number[] = [];
  let [rightExact, rightReduced] = [0, 0];
  for (const sample of samples) {
    signal?.throwIfAborted();
    const { pixels } = await decodeSampleDeep(sample);
    const [exact, reduced] = [await pair.exact(pixels), await pair.reduced(pixels)];
    overlaps.push(...exact.masks.map(({ mask }, index) => diceOf(reduced.masks[index]!.mask, mask)));
    if (likeliest(exact.probabilities) === sample.label) rightExact += 1;
    if (likeliest(reduced.probabilities) === sample.label) rightReduced += 1;
  }
  const images = samples.length;
  if (overlaps.length === 0) return { images, accuracyPoints: (100 * (rightReduced - rightExact)) / images };
  return { images, dice: overlaps.reduce((sum, value) => sum + value, 0) / overlaps.length };
}
