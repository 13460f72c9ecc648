// What a build answers under load, beside what its engine does alone: 16 callers at once, then arrivals at shares of that.

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
/** Of the capacity; targets are for 0.7. */
const SHARES = [0.3, 0.5, 0.7, 0.9];
const TARGET_SHARE = 0.7;
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
  /** Latencies at each share, from when each call was due. */
  at_load: { share: number; per_second: number; p50_ms: number; p99_ms: number }[];
}

interface LoadSettings {
  /** Of each round, and of each share three times that. */
  seconds: number;
  /** Of the capacity, at which latencies are taken. */
  shares?: readonly number[];
  deadlineMs?: number;
}

/** Encoded images without their embeddings kept, so that every call runs the encoder. */
export async function measureLoad(
  address: string,
  { store, base }: TestStore,
  images: readonly Buffer[],
  { seconds, shares = SHARES, deadlineMs = 60_000 }: LoadSettings,
): Promise<LoadResult> {
  const durationMs = seconds * 1000;
  const { requestSerialize } = serviceDefinition<ServiceDefinition>(SERVICE).Segment ?? {};
  if (!requestSerialize) throw new Error('there is no Segment');
  const requests = images.map((encoded) => requestSerialize({ model: 'polyp', image: { encoded } }));
  const client = new LoadClient({ address, path: `/${SERVICE}/Segment`, requests, deadlineMs });
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
    const atLoad: LoadResult['at_load'] = [];
    for (const share of shares) {
      const perSecond = share * served;
      const { p50, p99 } = summarize(await client.openLoop(perSecond, ROUNDS * durationMs), ROUNDS * durationMs);
      atLoad.push({ share, per_second: perSecond, p50_ms: p50, p99_ms: p99 });
    }
    const { p50_ms, p99_ms } = atLoad.find(({ share }) => share === TARGET_SHARE) ?? { p50_ms: NaN, p99_ms: NaN };
    return {
      ...{ service_per_second: served, engine_per_second: computed, throughput_ratio: served / computed },
      ...{ p50_ms, p99_ms, p99_over_p50: p99_ms / p50_ms, at_load: atLoad },
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
