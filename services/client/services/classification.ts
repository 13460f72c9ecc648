import type { Channel } from '@grpc/grpc-js';
import type { ClassificationServiceDefinition } from '../../../proto/gen/automed/classification/v1/ClassificationService';
import type { ClassifyRequest } from '../../../proto/gen/automed/classification/v1/ClassifyRequest';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { ClassifyStreamRequest } from '../../../proto/gen/automed/classification/v1/ClassifyStreamRequest';
import { streamAnswers, type StreamAnswer } from '../core/answers';
import type { ResumeOptions } from '../core/breaks';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions, StreamOptions } from '../core/options';

/** Class probabilities by trained models. Every method rejects with an AutomedError. */
export class ClassificationClient {
  private readonly calls: Caller<ClassificationServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.classification.v1.ClassificationService', channel, options);
  }

  /** Gives the probability of each class of a model for one image. */
  classify(request: ClassifyRequest, options?: CallOptions): Promise<ClassifyResponse__Output> {
    return this.calls.unary('Classify', request, options);
  }

  /**
   * Classifies a series of images; one that fails is answered with its error, and the series goes on; so it does where the stream
   * breaks.
   */
  classifyStream(
    requests: Iterable<ClassifyStreamRequest> | AsyncIterable<ClassifyStreamRequest>,
    options?: StreamOptions & ResumeOptions,
  ): AsyncGenerator<StreamAnswer<ClassifyResponse__Output>> {
    return streamAnswers(this.calls.resumedSeries('ClassifyStream', requests, options));
  }
}
