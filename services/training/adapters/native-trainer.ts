import { initBase, Trainer } from '../../../native/lib';
import type { CreateTrainer } from '../domain/ports';

/** Starts a run of the native trainer. */
export const createNativeTrainer: CreateTrainer = async (settings) => {
  const { recipe } = settings;
  return Trainer.create({
    device: settings.device,
    threads: settings.threads,
    task: settings.task,
    baseArchitecture: JSON.stringify(settings.baseArchitecture),
    baseWeightsPath: settings.baseWeightsPath,
    headArchitecture: JSON.stringify(settings.headArchitecture),
    headWeightsPath: settings.headWeightsPath,
    backboneWeightsPath: settings.backboneWeightsPath,
    trainEncoder: settings.trainEncoder,
    seed: settings.seed,
    optimizer: recipe.optimizer,
    learningRate: recipe.learningRate,
    weightDecay: recipe.weightDecay,
    batchSize: recipe.batchSize,
    horizontalFlip: recipe.horizontalFlip,
    verticalFlip: recipe.verticalFlip,
    rotationDegrees: recipe.rotationDegrees,
    batchNormMomentum: recipe.batchNormMomentum,
    cachePath: settings.cachePath,
  });
};

/** Writes the randomly initialised weights of a base; resolves to its parameter count. */
export async function initNativeBase(architecture: object, seed: number, weightsPath: string): Promise<number> {
  return initBase(JSON.stringify(architecture), seed, weightsPath);
}
