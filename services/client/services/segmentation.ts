import type { Channel } from '@grpc/grpc-js';
import type { SegmentationServiceDefinition } from '../../../proto/gen/automed/segmentation/v1/SegmentationService';
import type { SegmentRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import type { SegmentStreamRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentStreamRequest';
import { streamAnswers, type StreamAnswer } from '../core/answers';
import type { ResumeOptions } from '../core/breaks';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';

/** Masks by trained models. Every method rejects with an AutomedError. */
export class SegmentationClient {
  private readonly calls: Caller<SegmentationServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.segmentation.v1.SegmentationService', channel, options);
  }

  /** Draws the structures of a model in one image. */
  segment(request: SegmentRequest, options?: CallOptions): Promise<SegmentResponse__Output> {
    return this.calls.unary('Segment', request, options);
  }

  /**
   * Draws in a series of images of one model; an image that fails is answered with its error, and the series goes on;
   * so it does where the stream breaks.
   */
  segmentStream(
    requests: Iterable<SegmentStreamRequest> | AsyncIterable<SegmentStreamRequest>,
    options?: StreamOptions & ResumeOptions,
  ): AsyncGenerator<StreamAnswer<SegmentResponse__Output>> {
    return streamAnswers(this.calls.resumedSeries('SegmentStream', requests, options));
  }
}
