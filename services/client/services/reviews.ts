import type { Channel } from '@grpc/grpc-js';
import type { AddReviewRequest } from '../../../proto/gen/automed/reviews/v1/AddReviewRequest';
import type { DecideReviewRequest } from '../../../proto/gen/automed/reviews/v1/DecideReviewRequest';
import type { GetReviewResponse__Output } from '../../../proto/gen/automed/reviews/v1/GetReviewResponse';
import type { ListReviewsRequest } from '../../../proto/gen/automed/reviews/v1/ListReviewsRequest';
import type { PublishReviewQueueResponse__Output } from '../../../proto/gen/automed/reviews/v1/PublishReviewQueueResponse';
import type { Review__Output } from '../../../proto/gen/automed/reviews/v1/Review';
import type { ReviewQueue__Output } from '../../../proto/gen/automed/reviews/v1/ReviewQueue';
import type { ReviewServiceDefinition } from '../../../proto/gen/automed/reviews/v1/ReviewService';
import type { VersionAgreement__Output } from '../../../proto/gen/automed/reviews/v1/VersionAgreement';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** Predictions that wait for a person. Every method rejects with an AutomedError. */
export class ReviewsClient {
  private readonly calls: Caller<ReviewServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.reviews.v1.ReviewService', channel, options);
  }

  /** Adds a prediction to a queue; the same one again is answered as it stands. */
  async add(request: AddReviewRequest, options?: CallOptions): Promise<Review__Output> {
    return present((await this.calls.unary('AddReview', request, options, true)).review, 'review');
  }

  /** The review with its image and every decision. */
  get(id: string, options?: CallOptions): Promise<GetReviewResponse__Output> {
    return this.calls.unary('GetReview', { id }, options);
  }

  /** The most uncertain first unless another order is asked for. */
  list(
    { pageSize: _, pageToken: _token, ...filter }: ListReviewsRequest = {},
    options?: CallOptions,
  ): AsyncGenerator<Review__Output> {
    return paged(async (page) => {
      const { reviews, nextPageToken } = await this.calls.unary('ListReviews', { ...page, ...filter }, options);
      return { items: reviews, nextPageToken };
    });
  }

  /** Decides; repeating the latest decision changes nothing. */
  async decide(request: DecideReviewRequest, options?: CallOptions): Promise<Review__Output> {
    return present((await this.calls.unary('DecideReview', request, options, true)).review, 'review');
  }

  async queues(options?: CallOptions): Promise<ReviewQueue__Output[]> {
    return (await this.calls.unary('ListReviewQueues', {}, options)).queues;
  }

  /** @returns how many reviews are gone */
  async deleteQueue(queue: string, options?: CallOptions): Promise<number> {
    return (await this.calls.unary('DeleteReviewQueue', { queue }, options)).deletedCount;
  }

  /** Makes a data set of what was accepted and amended. @param dataset its name; default: that of the queue */
  publish(queue: string, dataset = '', options?: CallOptions): Promise<PublishReviewQueueResponse__Output> {
    return this.calls.unary('PublishReviewQueue', { queue, dataset }, options);
  }

  /** @param filter default: every model and queue */
  async agreement(
    filter: { model?: string; queue?: string } = {},
    options?: CallOptions,
  ): Promise<VersionAgreement__Output[]> {
    return (await this.calls.unary('GetAgreement', filter, options)).versions;
  }
}
