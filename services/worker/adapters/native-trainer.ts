import { headArchitecture, initBase, spinBriefly, Trainer, type ProcessGroup } from '../../../native/lib';
import { headArchitectureSchema, inputRuleText } from '../../store';
import type { CreateTrainer, NamedHead, TrainerSettings } from '../domain/ports/trainer';

/**
 * How long OpenMP's threads spin before they sleep. A step of a small model is a thousand short pieces: on two quiet cores it takes
 * 0.6 x the time of threads that sleep at once, beside a neighbour that wants one of them 1.3 x; with more than twice as many
 * iterations no less, and 1.7 x.
 */
const SPIN_ITERATIONS = 2_000;

/** To be called before anything else of the addon. */
export function letThreadsSpin(): void {
  spinBriefly(SPIN_ITERATIONS);
}

/** Ranks of one machine have a GPU each. */
function deviceOf({ device, processGroup }: TrainerSettings): string {
  return processGroup !== null && device === 'cuda' ? `cuda:${processGroup.localRank}` : device;
}

/** What the trainer is told of the process group: `localRank` has already become its device. */
function ranksOf({ processGroup }: TrainerSettings): ProcessGroup | null {
  if (!processGroup) return null;
  const { localRank: _, ...ranks } = processGroup;
  return ranks;
}

/** Starts a run of the native trainer. */
export const createNativeTrainer: CreateTrainer = async (settings) => {
  const { recipe } = settings;
  return Trainer.create({
    device: deviceOf(settings),
    threads: settings.threads,
    task: settings.task,
    baseArchitecture: JSON.stringify(settings.baseArchitecture),
    baseWeightsPath: settings.baseWeightsPath,
    headArchitecture: settings.headArchitecture === null ? null : JSON.stringify(settings.headArchitecture),
    preprocessing: settings.preprocessing === null ? null : inputRuleText(settings.preprocessing),
    headWeightsPath: settings.headWeightsPath,
    backboneWeightsPath: settings.backboneWeightsPath,
    train: settings.train,
    structures: settings.structures,
    threshold: settings.threshold ?? 0.5,
    seed: settings.seed,
    optimizer: recipe.optimizer,
    learningRate: recipe.learningRate,
    weightDecay: recipe.weightDecay,
    batchSize: recipe.batchSize,
    accumulationSteps: recipe.accumulationSteps,
    horizontalFlip: recipe.horizontalFlip,
    verticalFlip: recipe.verticalFlip,
    rotationDegrees: recipe.rotationDegrees,
    rotationSteps: recipe.rotationSteps,
    batchNormMomentum: recipe.batchNormMomentum,
    gradientClip: recipe.gradientClip,
    precision: recipe.precision,
    dropout: recipe.dropout ?? null,
    processGroup: ranksOf(settings),
    cachePath: settings.cachePath,
    embeddingCachePath: settings.embeddings?.path ?? null,
    embeddingCacheBytes: settings.embeddings?.maxBytes ?? 0,
    baseSha256: settings.embeddings?.base ?? '',
  });
};

export const namedNativeHead: NamedHead = async (system, baseArchitecture, classes) => {
  const text = await headArchitecture(system, JSON.stringify(baseArchitecture), classes);
  return headArchitectureSchema.parse(JSON.parse(text));
};

/** Writes the randomly initialised weights of a base; resolves to its parameter count. */
export async function initNativeBase(architecture: object, seed: number, weightsPath: string): Promise<number> {
  return initBase(JSON.stringify(architecture), seed, weightsPath);
}
