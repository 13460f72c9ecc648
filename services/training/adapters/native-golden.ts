import { digestAnswer, Engine } from '../../../native/lib';
import type { AnswerGolden } from '../domain/make-golden';

/** Loads the weights as the services do, asks them about one image, and lets them go. */
export const answerNatively: AnswerGolden = async ({ base, head }, { device, threads }, pixels) => {
  const engine = new Engine({
    device,
    workers: 1,
    threadsPerWorker: threads,
    queueCapacity: 2,
    maxBatch: 1,
    maxBatchWaitMs: 0,
    embeddingCacheBytes: 0,
    embeddingTtlMs: 1,
  });
  try {
    const encoder = await engine.loadBase(base.weightsPath, JSON.stringify(base.manifest.architecture));
    const model = await engine.loadModel(encoder, head.weightsPath, JSON.stringify(head.architecture));
    return await digestAnswer(engine, model, pixels, head.threshold);
  } finally {
    await engine.close();
  }
};
