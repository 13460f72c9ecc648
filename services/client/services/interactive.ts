import type { Channel } from '@grpc/grpc-js';
import type { EncodeImageRequest } from '../../../proto/gen/automed/segmentation/v1/EncodeImageRequest';
import type { EncodeImageResponse__Output } from '../../../proto/gen/automed/segmentation/v1/EncodeImageResponse';
import type { GetMaskDecoderRequest } from '../../../proto/gen/automed/segmentation/v1/GetMaskDecoderRequest';
import type { GetMaskDecoderResponse__Output } from '../../../proto/gen/automed/segmentation/v1/GetMaskDecoderResponse';
import type { InteractiveSegmentationServiceDefinition } from '../../../proto/gen/automed/segmentation/v1/InteractiveSegmentationService';
import type { InteractiveSessionRequest } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { PredictMasksRequest } from '../../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import type { PredictMasksResponse__Output } from '../../../proto/gen/automed/segmentation/v1/PredictMasksResponse';
import type { SegmentEverythingRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingRequest';
import type { SegmentEverythingResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentEverythingResponse';
import { fromItemStatus } from '../../common/grpc/status';
import { present, type StreamAnswer } from '../core/answers';
import type { ResumeOptions } from '../core/breaks';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';
import { PromptedImage, type InteractiveCalls, type PromptedImageSource } from './prompted-image';

/** Answer of a session: the embedding of its image first, then the masks of each prompt that was not overtaken. */
export type SessionAnswer = StreamAnswer<
  { encoded: EncodeImageResponse__Output } | { masks: PredictMasksResponse__Output }
> & {
  /** Positions of the prompts that newer ones overtook since the answer before. */
  droppedIndexes: number[];
};

/** Masks of what points, boxes and earlier masks describe. Every method rejects with an AutomedError. */
export class InteractiveSegmentationClient implements InteractiveCalls {
  private readonly calls: Caller<InteractiveSegmentationServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.segmentation.v1.InteractiveSegmentationService', channel, options);
  }

  /** An image to put prompts on. It is sent with the first call, and again only where its embedding is gone. */
  open(source: PromptedImageSource): PromptedImage {
    return new PromptedImage(this, source);
  }

  /** Computes the embedding of an image and names it. */
  encodeImage(request: EncodeImageRequest, options?: CallOptions): Promise<EncodeImageResponse__Output> {
    return this.calls.unary('EncodeImage', request, options);
  }

  /** Draws what prompts describe, on an image or on an embedding, which may be gone: see open(). */
  predictMasks(request: PredictMasksRequest, options?: CallOptions): Promise<PredictMasksResponse__Output> {
    return this.calls.unary('PredictMasks', request, options);
  }

  /** The mask decoder of a base, to draw masks of an embedding on this side: `returnEmbedding` of encodeImage() has it. */
  getMaskDecoder(request: GetMaskDecoderRequest, options?: CallOptions): Promise<GetMaskDecoderResponse__Output> {
    return this.calls.unary('GetMaskDecoder', request, options);
  }

  /** Draws everything that a grid of points finds; takes seconds. */
  segmentEverything(
    request: SegmentEverythingRequest,
    options?: CallOptions,
  ): Promise<SegmentEverythingResponse__Output> {
    return this.calls.unary('SegmentEverything', request, options);
  }

  /**
   * Answers prompts as a person makes them. The first request brings the image; of prompts that wait only the newest is answered.
   * Where the stream breaks, the image and the prompts without an answer go to whichever replica is there.
   */
  async *session(
    requests: Iterable<InteractiveSessionRequest> | AsyncIterable<InteractiveSessionRequest>,
    options?: StreamOptions & ResumeOptions,
  ): AsyncGenerator<SessionAnswer> {
    const resuming = { ...options, onLastImage: true };
    for await (const answer of this.calls.resumedSeries('InteractiveSession', requests, resuming)) {
      const { index, droppedIndexes, encoded, result, status } = answer;
      if (status) yield { index, droppedIndexes, error: fromItemStatus(status) };
      else if (encoded) yield { index, droppedIndexes, result: { encoded } };
      else yield { index, droppedIndexes, result: { masks: present(result, 'result') } };
    }
  }
}
