// What a build answers under load, beside what its engine does alone: 16 callers at once, then arrivals at 70 % of that.

import type { ServiceDefinition } from '@grpc/grpc-js';
import { Engine } from '../../../native/lib';
import { availableCores } from '../../../services/common/cores';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { decodeImage } from '../../../services/imaging/decode';
import { inputRuleText, type StoredModel } from '../../../services/store';
import { percentile } from '../../../services/terminal/statistics';
import { LoadClient, summarize } from '../../support/open-loop';
import type { TestStore } from '../../support/stack-store';

const CALLERS = 16;
const ROUNDS = 3;
const SHARE = 0.7;
const SERVICE = 'automed.segmentation.v1.SegmentationService';

export interface LoadResult {
  /** Images per second with 16 callers, and of the engine alone with as many; medians of interleaved rounds. */
  service_per_second: number;
  engine_per_second: number;
  throughput_ratio: number;
  /** At 70 % of the service's, from when each call was due, milliseconds. */
  p50_ms: number;
  p99_ms: number;
  p99_over_p50: number;
}

/** Encoded images without their embeddings kept, so that every call runs the encoder. */
export async function measureLoad(
  address: string,
  { store, base }: TestStore,
  images: readonly Buffer[],
  seconds: number,
): Promise<LoadResult> {
  const durationMs = seconds * 1000;
  const { requestSerialize } = serviceDefinition<ServiceDefinition>(SERVICE).Segment ?? {};
  if (!requestSerialize) throw new Error('there is no Segment');
  const requests = images.map((encoded) => requestSerialize({ model: 'polyp', image: { encoded } }));
  const client = new LoadClient({ address, path: `/${SERVICE}/Segment`, requests, deadlineMs: 60_000 });
  const engine = await EngineAlone.load(
    base.weightsPath,
    await store.resolveModel('polyp'),
    base.manifest.architecture,
  );
  try {
    const [service, alone]: [number[], number[]] = [[], []];
    await client.capacity(CALLERS, durationMs / 2);
    for (let round = 0; round < ROUNDS; round += 1) {
      service.push(await client.capacity(CALLERS, durationMs));
      alone.push(await engine.capacity(images, CALLERS, durationMs));
    }
    const [served, computed] = [percentile(service, 0.5), percentile(alone, 0.5)];
    const { p50, p99 } = summarize(await client.openLoop(SHARE * served, ROUNDS * durationMs), ROUNDS * durationMs);
    return {
      ...{ service_per_second: served, engine_per_second: computed, throughput_ratio: served / computed },
      ...{ p50_ms: p50, p99_ms: p99, p99_over_p50: p99 / p50 },
    };
  } finally {
    client.close();
    await engine.close();
  }
}

/** The engine in this process, as the inference service makes it, given decoded pixels. */
class EngineAlone {
  private constructor(
    private readonly engine: Engine,
    private readonly model: Awaited<ReturnType<Engine['loadModel']>>,
  ) {}

  static async load(
    baseWeights: string,
    { manifest, weightsPath }: StoredModel,
    architecture: object,
  ): Promise<EngineAlone> {
    const cores = availableCores();
    const engine = new Engine({
      ...{ device: 'cpu', workers: cores, threadsPerWorker: 1, queueCapacity: 64, maxBatch: 1, maxBatchWaitMs: 0 },
      ...{ embeddingCacheBytes: 0, embeddingTtlMs: 1_000 },
    });
    const base = await engine.loadBase(baseWeights, JSON.stringify(architecture));
    const { architecture: head, preprocessing } = manifest;
    return new EngineAlone(
      engine,
      await engine.loadModel(base, weightsPath, JSON.stringify(head), inputRuleText(preprocessing)),
    );
  }

  async capacity(images: readonly Buffer[], callers: number, durationMs: number): Promise<number> {
    const pixels = await Promise.all(images.map((image) => decodeImage(image)));
    const begun = performance.now();
    let answered = 0;
    const caller = async (): Promise<void> => {
      while (performance.now() - begun < durationMs) {
        await this.engine.segment(this.model, pixels[answered % pixels.length]!, 0.5);
        answered += 1;
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return (answered * 1000) / (performance.now() - begun);
  }

  close(): Promise<void> {
    return this.engine.close();
  }
}
