import { Counter, Gauge, Histogram } from 'prom-client';
import type { EngineStats } from '../../../native/lib';
import type { Admission } from '../../common/admission';
import type { RunTimings } from '../../common/inference';
import type { MemoryBudget } from '../../common/memory-budget';
import { SECONDS, type Telemetry } from '../../common/telemetry';
import { pixelPool } from '../../imaging/pixel-pool';
import type { NativeHost } from './native-engine';

const BATCH_SIZES = [1, 2, 4, 8, 16, 32, 64, 128];
const LOAD_SECONDS = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300];

/** Times that the engine and the loader tell of. */
export class EngineMetrics {
  private readonly wait: Histogram;
  private readonly stages: Histogram;
  private readonly batch: Histogram;
  private readonly load: Histogram;

  constructor({ registry }: Telemetry) {
    const registers = [registry];
    this.wait = new Histogram({
      name: 'automed_engine_queue_wait_seconds',
      help: 'From the arrival of an image in the queue to its forward pass',
      buckets: SECONDS,
      registers,
    });
    this.stages = new Histogram({
      name: 'automed_engine_stage_seconds',
      help: 'Time of each stage of an image that was answered: preprocess, inference (encoder is a part of it), postprocess',
      labelNames: ['stage'],
      buckets: SECONDS,
      registers,
    });
    this.batch = new Histogram({
      name: 'automed_engine_batch_size',
      help: 'Images that shared the forward pass of an image that was answered',
      buckets: BATCH_SIZES,
      registers,
    });
    this.load = new Histogram({
      name: 'automed_model_load_seconds',
      help: 'From the request for a model to its first answer: checksum, base, weights, golden image',
      buckets: LOAD_SECONDS,
      registers,
    });
  }

  answered({ queueMs, preprocessMs, inferenceMs, encoderMs, postprocessMs, batchSize }: RunTimings): void {
    this.wait.observe(queueMs / 1000);
    this.stages.observe({ stage: 'preprocess' }, preprocessMs / 1000);
    if (encoderMs > 0) this.stages.observe({ stage: 'encoder' }, encoderMs / 1000);
    this.stages.observe({ stage: 'inference' }, inferenceMs / 1000);
    this.stages.observe({ stage: 'postprocess' }, postprocessMs / 1000);
    this.batch.observe(batchSize);
  }

  loaded(seconds: number): void {
    this.load.observe(seconds);
  }
}

/** Publishes what an engine counts, read at each scrape. */
export function observeEngine(telemetry: Telemetry, stats: () => EngineStats): void {
  const gauge = (name: string, help: string, read: (now: EngineStats) => number): void =>
    telemetry.gauge(name, help, () => read(stats()));
  const counter = (name: string, help: string, read: (now: EngineStats) => number): void =>
    telemetry.counter(name, help, () => read(stats()));
  gauge('engine_queued_images', 'Images that wait', (now) => now.queuedImages);
  gauge('engine_running_images', 'Images in a forward pass', (now) => now.runningImages);
  gauge('engine_image_seconds', 'Moving average of the time of one image', (now) => now.imageTimeMs / 1000);
  counter('engine_batches_total', 'Forward passes', (now) => now.batches);
  counter('engine_batched_images_total', 'Images in forward passes', (now) => now.batchedImages);
  counter('engine_encoded_images_total', 'Images through an encoder', (now) => now.encodedImages);
  counter('compute_seconds_total', "Time of the engine's workers", (now) => now.computeSeconds);
  gauge('embedding_cache_entries', 'Embeddings that are kept', (now) => now.cachedEmbeddings);
  gauge('embedding_cache_bytes', 'Memory of the embeddings that are kept', (now) => now.cachedBytes);
  counter('embedding_cache_hits_total', 'Embeddings found', (now) => now.cacheHits);
  counter('embedding_cache_misses_total', 'Embeddings not found', (now) => now.cacheMisses);
  counter('embedding_cache_evictions_total', 'Embeddings that made room', (now) => now.cacheEvictions);
  counter('embedding_cache_expirations_total', 'Embeddings kept too long', (now) => now.cacheExpirations);
  new Counter({
    name: 'automed_engine_requests_total',
    help: 'Requests that left the engine, by outcome',
    labelNames: ['outcome'],
    registers: [telemetry.registry],
    collect() {
      const now = stats();
      this.reset();
      this.inc({ outcome: 'completed' }, now.completedRequests);
      this.inc({ outcome: 'refused' }, now.refusedRequests);
      this.inc({ outcome: 'cancelled' }, now.cancelledRequests);
      this.inc({ outcome: 'expired' }, now.expiredRequests);
      this.inc({ outcome: 'failed' }, now.failedRequests);
    },
  });
  new Counter({
    name: 'automed_wasted_compute_seconds_total',
    help: "Time of the engine's workers for images whose caller left: before it did, and in the step during which it did",
    labelNames: ['spent'],
    registers: [telemetry.registry],
    collect() {
      const now = stats();
      this.reset();
      this.inc({ spent: 'before' }, now.wastedBeforeSeconds);
      this.inc({ spent: 'after' }, now.wastedAfterSeconds);
    },
  });
  new Gauge({
    name: 'automed_device_memory_bytes',
    help: "Memory of the accelerator: in tensors, and reserved by LibTorch's allocator. No series on a CPU",
    labelNames: ['state'],
    registers: [telemetry.registry],
    collect() {
      const { deviceAllocatedBytes, deviceReservedBytes } = stats();
      if (deviceAllocatedBytes === null || deviceReservedBytes === null) return;
      this.set({ state: 'allocated' }, deviceAllocatedBytes);
      this.set({ state: 'reserved' }, deviceReservedBytes);
    },
  });
}

/** Publishes what the host keeps in memory, read at each scrape. */
export function observeWeights(telemetry: Telemetry, host: NativeHost): void {
  telemetry.gauge('loaded_models', 'Models in memory', () => host.loadedCount);
  telemetry.gauge('loaded_bases', 'Bases in memory', () => host.loadedBaseCount);
  telemetry.gauge('loaded_weights_bytes', 'Weights in memory', () => host.weightsBytes);
  telemetry.counter('weights_evictions_total', 'Idle weights that made room', () => host.evictionCount);
  new Gauge({
    name: 'automed_model_weights_bytes',
    help: 'Weights in memory of each base, and of each model without its base',
    labelNames: ['kind', 'model'],
    registers: [telemetry.registry],
    collect() {
      this.reset();
      for (const { kind, name, bytes } of host.weights()) this.set({ kind, model: name }, bytes);
    },
  });
}

/** Publishes what is let in, and what is not, read at each scrape. */
export function observeAdmission(telemetry: Telemetry, admission: Admission): void {
  telemetry.gauge('predicted_wait_seconds', 'What a request would wait now', () => admission.waitMs() / 1000);
  telemetry.gauge('admitted_requests', 'Requests let in that have no answer yet', () => admission.admittedCount);
  telemetry.counter(
    'requests_refused_for_time_total',
    'Requests that could not be answered before their deadline, or found the queue full',
    () => admission.refusedCount,
  );
}

/** Counts processes that decode images and ended with one. */
export function endedDecoders({ registry }: Telemetry): Counter {
  return new Counter({
    name: 'automed_image_decoders_ended_total',
    help: 'Processes that decode images and ended while they had one',
    registers: [registry],
  });
}

/** Publishes what requests hold of the memory and leave to other threads, read at each scrape. */
export function observeMemory(telemetry: Telemetry, memory: MemoryBudget): void {
  telemetry.counter('pixel_tasks_total', 'Masks and images that other threads recoded', () => pixelPool.completed);
  telemetry.gauge('request_memory_bytes', 'Memory that requests have reserved', () => memory.heldBytes);
  telemetry.gauge('request_memory_peak_bytes', 'The most that was reserved at once', () => memory.peakBytes);
  telemetry.gauge('request_memory_limit_bytes', 'Memory that requests may reserve', () => memory.limitBytes);
  telemetry.gauge('request_memory_waiting_bytes', 'Messages that wait for memory', () => memory.waitingBytes);
  telemetry.gauge('requests_waiting_for_memory', 'Requests that wait for memory', () => memory.waitingCount);
  telemetry.counter(
    'requests_refused_for_memory_total',
    'Requests that memory had no room for',
    () => memory.refusedCount,
  );
}
