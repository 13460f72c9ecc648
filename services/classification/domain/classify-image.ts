import { excerpt, shortList } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import type { MemoryBudget } from '../../common/memory-budget';
import { useImage, type ImageFacts, type OpenedImage } from '../../imaging/image-input';
import type { ModelIdentity, RunOptions, RunTimings } from '../../common/inference';
import type { ClassificationModel, ClassSaliency } from './ports';

export interface ClassifyCommand {
  image: OpenedImage;
  /** Asks where the evidence was found, for a class or, when its name is empty, for the most probable one. */
  saliency?: { className: string } | undefined;
  options: () => RunOptions;
}

export interface ClassifiedImage {
  facts: ImageFacts;
  /** In the model's order. */
  classes: readonly { name: string; probability: number }[];
  predicted: string;
  saliency?: (ClassSaliency & { className: string }) | undefined;
  identity: ModelIdentity;
  timings: RunTimings & { decodeMs: number; encodeMs: number };
}

/** Sorts one image into the model's classes. @throws InvalidInputError for a class that the model does not have */
export async function classifyImage(
  model: ClassificationModel,
  command: ClassifyCommand,
  memory: MemoryBudget,
): Promise<ClassifiedImage> {
  const admission = { masks: 0, wait: command.options };
  const wish = command.saliency && { classIndex: indexOf(model.classes, command.saliency.className) };
  return useImage(command.image, memory, admission, async ({ pixels, facts, decodeMs }) => {
    const { probabilities, saliency, timings } = await model.classify(pixels, command.options(), wish);
    const named = {
      ...nameClasses(model.classes, probabilities),
      saliency: saliency ? { ...saliency, className: model.classes[saliency.classIndex] ?? '' } : undefined,
    };
    return { ...named, facts, identity: model.identity, timings: { ...timings, decodeMs, encodeMs: 0 } };
  });
}

/** Undefined: the most probable. */
function indexOf(classes: readonly string[], name: string): number | undefined {
  if (name === '') return undefined;
  const index = classes.indexOf(name);
  if (index >= 0) return index;
  const text = `The model has no class '${excerpt(name)}'; it has ${shortList(classes)}.`;
  throw automedError('INVALID_ARGUMENT', text, { field: 'saliency.class_name' });
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
