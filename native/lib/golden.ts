import type { Engine, Head, Model, RequestOptions } from './engine';
import type { Pixels } from './types/image';

/** Below every probability that counts: what lies above it adds up to the mean over the whole image. */
const EVERYTHING = 1e-6;

/** What a model says of an image, in the few numbers that tell whether it still says so. */
export interface AnswerDigest {
  /** Segmentation: of each structure the mask at the threshold, and the mean probability over all pixels. */
  masks: { mask: Uint8Array; meanProbability: number }[];
  /** Classification: of each class. */
  probabilities: number[];
}

/** Asks a model about an image, through the engine as every request. @param threshold null for classification */
export async function digestAnswer(
  engine: Engine,
  model: Model,
  pixels: Pixels,
  threshold: number | null,
  options: RequestOptions = {},
): Promise<AnswerDigest> {
  if (threshold === null) {
    const { probabilities } = await engine.classify(model, pixels, options);
    return { masks: [], probabilities: Array.from(probabilities) };
  }
  // One pass of the encoder for both.
  const heads = [threshold, EVERYTHING].map((each): Head => ({ model, task: 'segmentation', threshold: each }));
  const { outputs } = await engine.analyze(heads, pixels, options);
  const [masks = [], whole = []] = outputs.map((output) => (output.task === 'segmentation' ? output.masks : []));
  const mean = (index: number): number => {
    const { areaPx = 0, meanProbability = 0 } = whole[index] ?? {};
    return ((meanProbability ?? 0) * areaPx) / (pixels.width * pixels.height);
  };
  return { masks: masks.map(({ mask }, index) => ({ mask, meanProbability: mean(index) })), probabilities: [] };
}
