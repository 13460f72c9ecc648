import type { Prediction } from './review';

const mean = (values: readonly number[]): number =>
  values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);

const within = (value: number): number => Math.min(1, Math.max(0, value));

/**
 * How unsure an answer is, `[0, 1]`. Classification: entropy of the probabilities over its largest value, ln of the number of
 * classes. Segmentation: mean over the structures of (1 - p) / (1 - threshold), p being the mean probability of the foreground;
 * a structure without foreground counts as 1, for its answer says nothing of how near it was.
 */
export function uncertaintyOf(prediction: Prediction): number {
  if (prediction.kind === 'segmentation') {
    const room = 1 - prediction.threshold;
    return mean(
      prediction.masks.map(({ meanProbability }) =>
        meanProbability === undefined || room <= 0 ? 1 : within((1 - meanProbability) / room),
      ),
    );
  }
  const { classes } = prediction;
  if (classes.length < 2) return 0;
  const entropy = classes.reduce((sum, { probability: p }) => (p > 0 ? sum - p * Math.log(p) : sum), 0);
  return within(entropy / Math.log(classes.length));
}
