import { useImage, type ImageField, type ImageIntake } from '../../imaging/image-input';
import type { ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { ClassificationModel } from './ports';

export interface ClassifyCommand {
  image: ImageField;
  options: () => RunOptions;
}

export interface ClassifiedImage {
  /** In the model's order. */
  classes: readonly { name: string; probability: number }[];
  predicted: string;
  identity: ModelIdentity;
  timings: RunTimings & { decodeMs: number; encodeMs: number };
}

/** Sorts one image into the model's classes. */
export async function classifyImage(
  model: ClassificationModel,
  command: ClassifyCommand,
  intake: ImageIntake,
): Promise<ClassifiedImage> {
  return useImage(command.image, intake, { masks: 0, wait: command.options }, async ({ pixels, decodeMs }) => {
    const { probabilities, timings } = await model.classify(pixels, command.options());
    const named = nameClasses(model.classes, probabilities);
    return { ...named, identity: model.identity, timings: { ...timings, decodeMs, encodeMs: 0 } };
  });
}

/** The probability of each class by name, and the most probable. */
export function nameClasses(
  names: readonly string[],
  probabilities: ArrayLike<number>,
): Pick<ClassifiedImage, 'classes' | 'predicted'> {
  const classes = names.map((name, index) => ({ name, probability: probabilities[index] ?? 0 }));
  const best = classes.reduce((left, right) => (right.probability > left.probability ? right : left));
  return { classes, predicted: best.name };
}
