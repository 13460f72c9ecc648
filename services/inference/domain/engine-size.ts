import type { EncoderWeights } from '../../../native/lib';
import { ConfigError } from '../../common/config';

export interface EngineWishes {
  /** `cpu`, `cuda`, `cuda:N`, `auto`. */
  device: string;
  workers?: number | undefined;
  threadsPerWorker?: number | undefined;
  queueCapacity: number;
  maxBatch?: number | undefined;
  maxBatchWaitMs?: number | undefined;
  embeddingCacheBytes: number;
  embeddingTtlMs: number;
  encoderWeights: EncoderWeights;
}

export interface EngineSize {
  device: string;
  workers: number;
  threadsPerWorker: number;
  queueCapacity: number;
  maxBatch: number;
  maxBatchWaitMs: number;
  embeddingCacheBytes: number;
  embeddingTtlMs: number;
  encoderWeights: EncoderWeights;
}

/** @throws ConfigError where the device would emulate the precision: slower than float32, and nothing that agreement was measured in */
export function checkPrecision(
  { device, precision }: { device: string; precision: string },
  build: { cudaAvailable: boolean; cpuComputesInBfloat16: boolean },
): void {
  const onCpu = device === 'cpu' || (device === 'auto' && !build.cudaAvailable);
  if (precision === 'float32' || !onCpu || build.cpuComputesInBfloat16) return;
  throw new ConfigError([`AUTOMED_PRECISION: this CPU has no ${precision} arithmetic; use float32`]);
}

/**
 * Fills in what the configuration leaves open. One worker with every core answers a single request soonest. On a CPU an
 * encoder gains nothing from batches, so images do not wait for others there; on a GPU they do.
 * @param cores what the process may use, at least 1
 * @throws ConfigError when workers x threads exceed the cores: LibTorch's threads would fight each other
 */
export function sizeEngine(wishes: EngineWishes, cores: number, hasCuda: boolean): EngineSize {
  const workers =
    wishes.workers ?? (wishes.threadsPerWorker ? Math.max(1, Math.floor(cores / wishes.threadsPerWorker)) : 1);
  const threadsPerWorker = wishes.threadsPerWorker ?? Math.max(1, Math.floor(cores / workers));
  if (workers * threadsPerWorker > cores) {
    throw new ConfigError([
      `AUTOMED_WORKERS x AUTOMED_THREADS_PER_WORKER: ${workers} x ${threadsPerWorker} threads exceed the ${cores} core(s) of this process`,
    ]);
  }
  const gpu = wishes.device.startsWith('cuda') || (wishes.device === 'auto' && hasCuda);
  return {
    device: wishes.device,
    workers,
    threadsPerWorker,
    queueCapacity: wishes.queueCapacity,
    maxBatch: wishes.maxBatch ?? (gpu ? 8 : 1),
    maxBatchWaitMs: wishes.maxBatchWaitMs ?? (gpu ? 2 : 0),
    embeddingCacheBytes: wishes.embeddingCacheBytes,
    embeddingTtlMs: wishes.embeddingTtlMs,
    encoderWeights: wishes.encoderWeights,
  };
}
