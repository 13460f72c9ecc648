import { Engine } from '../../../native/lib';

/** An engine for one job of a worker: one image at a time. */
export function workerEngine(
  { device, threads }: { device: string; threads: number },
  embeddingCacheBytes: number,
): Engine {
  return new Engine({
    device,
    workers: 1,
    threadsPerWorker: threads,
    queueCapacity: 4,
    maxBatch: 1,
    maxBatchWaitMs: 0,
    embeddingCacheBytes,
    embeddingTtlMs: 60_000,
  });
}
