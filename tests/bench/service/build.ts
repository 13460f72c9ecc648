// A build of the services, this checkout's or another's, that is measured: its inference service and a gateway in front of it.

import type { SegmentationServiceDefinition } from '../../../proto/gen/automed/segmentation/v1/SegmentationService';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { type ApiClient } from '../../../services/common/grpc/client';
import { cpuMs, fromBuild, startProgram, type Program } from '../../support/stack';
import { segmentationClient } from '../../support/api-clients';

/** Where the time of one call goes, milliseconds. */
export interface CallTimes {
  wall: number;
  decode: number;
  queue: number;
  preprocess: number;
  inference: number;
  postprocess: number;
  encode: number;
  /** Of the inference service besides: reading and writing messages, waiting for other threads. */
  server: number;
  /** Outside the inference service: sending, the gateway, receiving. */
  transport: number;
}

export type Stage = keyof CallTimes;

export class MeasuredBuild {
  private constructor(
    readonly name: string,
    readonly gatewayAddress: string,
    private readonly programs: readonly Program[],
    private readonly clients: Record<'gateway' | 'direct', ApiClient<SegmentationServiceDefinition>>,
  ) {}

  /** @param settings of the inference service, beside the store */
  static async start(
    name: string,
    checkout: string,
    home: string,
    settings: Record<string, string> = {},
  ): Promise<MeasuredBuild> {
    const environment = { AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'error', AUTOMED_PRELOAD: 'polyp', ...settings };
    const inference = await startProgram('inference', environment, fromBuild(checkout, 'inference'));
    const backends = {
      AUTOMED_SEGMENTATION_BACKENDS: inference.address,
      AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
      AUTOMED_LOG_LEVEL: 'error',
    };
    const gateway = await startProgram('gateway', backends, fromBuild(checkout, 'gateway'));
    return new MeasuredBuild(name, gateway.address, [gateway, inference], {
      gateway: segmentationClient(gateway.address),
      direct: segmentationClient(inference.address),
    });
  }

  /** One Segment through the gateway, or past it. */
  async segment(image: Buffer, way: 'gateway' | 'direct' = 'gateway'): Promise<CallTimes> {
    const begun = performance.now();
    const answer = await this.clients[way].unary('Segment', { model: 'polyp', image: { encoded: image } });
    return timesOf(answer, performance.now() - begun);
  }

  /** Processor time that its programs have taken so far, milliseconds. */
  cpuMs(): number {
    return this.programs.reduce((sum, program) => sum + cpuMs(program), 0);
  }

  async stop(): Promise<void> {
    for (const client of Object.values(this.clients)) client.close();
    for (const program of this.programs) await program.stop();
  }
}

function timesOf({ timings }: SegmentResponse__Output, wall: number): CallTimes {
  if (!timings) throw new Error('the answer tells no times');
  const { decodeMs, queueMs, preprocessMs, inferenceMs, postprocessMs, encodeMs, totalMs } = timings;
  const stages = { decode: decodeMs, queue: queueMs, preprocess: preprocessMs, postprocess: postprocessMs };
  const told = decodeMs + queueMs + preprocessMs + inferenceMs + postprocessMs + encodeMs;
  return {
    ...{ wall, ...stages, inference: inferenceMs, encode: encodeMs },
    server: totalMs - told,
    transport: wall - totalMs,
  };
}
