import { Engine } from '../../../native/lib';
import type { LoadPredictor } from '../domain/evaluations/ports';

/** Loads a model as the services that serve it do. */
export const loadNativePredictor: LoadPredictor = async ({ model, base }, { device, threads }) => {
  const engine = new Engine({
    device,
    workers: 1,
    threadsPerWorker: threads,
    queueCapacity: 4,
    maxBatch: 1,
    maxBatchWaitMs: 0,
    embeddingCacheBytes: 1 << 20,
    embeddingTtlMs: 60_000,
  });
  try {
    const encoder = await engine.loadBase(base.weightsPath, JSON.stringify(base.manifest.architecture));
    const head = await engine.loadModel(encoder, model.weightsPath, JSON.stringify(model.manifest.architecture));
    return {
      segment: async (pixels, threshold, signal) =>
        (await engine.segment(head, pixels, threshold, { signal })).masks.map(({ mask }) => mask),
      classify: async (pixels, signal) => Array.from((await engine.classify(head, pixels, { signal })).probabilities),
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
};
