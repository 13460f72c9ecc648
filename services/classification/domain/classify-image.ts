import type { MemoryBudget } from '../../common/memory-budget';
import { useImage, type ImageFacts, type OpenedImage } from '../../imaging/image-input';
import type { ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { ClassificationModel } from './ports';

export interface ClassifyCommand {
  image: OpenedImage;
  options: () => RunOptions;
}

export interface ClassifiedImage {
  facts: ImageFacts;
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
  memory: MemoryBudget,
): Promise<ClassifiedImage> {
  const admission = { masks: 0, wait: command.options };
  return useImage(command.image, memory, admission, async ({ pixels, facts, decodeMs }) => {
    const { probabilities, timings } = await model.classify(pixels, command.options());
    const named = nameClasses(model.classes, probabilities);
    return { ...named, facts, identity: model.identity, timings: { ...timings, decodeMs, encodeMs: 0 } };
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
