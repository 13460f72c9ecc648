import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { AddReviewRequest__Output } from '../../../proto/gen/automed/reviews/v1/AddReviewRequest';
import type { DecideReviewRequest__Output } from '../../../proto/gen/automed/reviews/v1/DecideReviewRequest';
import type { GetAgreementRequest__Output } from '../../../proto/gen/automed/reviews/v1/GetAgreementRequest';
import type { ListReviewsRequest__Output } from '../../../proto/gen/automed/reviews/v1/ListReviewsRequest';
import type { PublishReviewQueueRequest__Output } from '../../../proto/gen/automed/reviews/v1/PublishReviewQueueRequest';
import { unary, type CallContext, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import { timestamp } from '../../common/grpc/timestamp';
import type { Logger } from '../../common/logging';
import { displayPng, isShownAsIs } from '../../imaging/display-png';
import type { ReviewDatasets } from '../domain/review-datasets';
import type { Reviews } from '../../reviews/reviews';
import { toDataset } from './dataset-messages';
import { requester } from './promotion-messages';
import {
  agreementMessage,
  decidedState,
  decisionMessage,
  reviewMessage,
  stateOf,
  toMask,
  toNewImage,
  toPrediction,
} from '../../reviews/review-messages';

const NAME = 'automed.reviews.v1.ReviewService';

export interface ReviewDeps {
  reviews: Reviews;
  datasets: ReviewDatasets;
  log: Logger;
}

const given = (text: string): string | undefined => (text === '' ? undefined : text);

export function reviewService({ reviews, datasets, log }: ReviewDeps): ServiceRegistration {
  const implementation: UntypedServiceImplementation = {
    AddReview: unary(log, async (request: AddReviewRequest__Output) => {
      const { queue, name, group, origin } = request;
      const prediction = toPrediction(request.finding);
      const added = await reviews.add({ queue, name, group, origin, prediction, image: toNewImage(request.image) });
      return { review: reviewMessage(added) };
    }),
    ListReviews: unary(log, ({ queue, state, order, ...page }: ListReviewsRequest__Output) => {
      const by = order === 'REVIEW_ORDER_NEWEST_FIRST' ? 'newest-first' : 'uncertain-first';
      const found = reviews.list({ queue: given(queue), state: stateOf(state) }, by, page);
      return {
        reviews: found.reviews.map((review) => reviewMessage(review)),
        nextPageToken: found.nextPageToken,
      };
    }),
    GetReview: unary(log, ({ id }: { id: string }) => describe(reviews, id)),
    DecideReview: unary(log, (request: DecideReviewRequest__Output, context) => ({
      review: reviewMessage(decide(reviews, request, context)),
    })),
    ListReviewQueues: unary(log, () => ({
      queues: reviews.queues().map(({ name, counts, models, addTime }) => ({
        ...{ name, models, addTime: timestamp(addTime) },
        pendingCount: counts.PENDING,
        acceptedCount: counts.ACCEPTED,
        rejectedCount: counts.REJECTED,
        amendedCount: counts.AMENDED,
      })),
    })),
    DeleteReviewQueue: unary(log, async ({ queue }: { queue: string }) => ({
      deletedCount: await reviews.removeQueue(queue),
    })),
    PublishReviewQueue: unary(log, async ({ queue, dataset }: PublishReviewQueueRequest__Output) => {
      const { dataset: made, ...published } = await datasets.publish(queue, dataset === '' ? queue : dataset);
      return { dataset: toDataset(made), ...published };
    }),
    GetAgreement: unary(log, ({ model, queue }: GetAgreementRequest__Output) => ({
      versions: reviews.agreement({ model: given(model), queue: given(queue) }).map(agreementMessage),
    })),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}

async function describe(reviews: Reviews, id: string) {
  const review = reviews.get(id);
  const encoded = await reviews.imageOf(review);
  const { frameNumber, pixelSpacing } = review.image;
  return {
    review: reviewMessage(review, true),
    image: { encoded, ...(frameNumber === undefined ? {} : { frameNumber }), pixelSpacing: pixelSpacing ?? null },
    displayPng: isShownAsIs(encoded) ? Buffer.alloc(0) : await displayPng(encoded, frameNumber ?? 1),
    decisions: review.decisions.map((decision) => decisionMessage(decision)),
  };
}

function decide(reviews: Reviews, request: DecideReviewRequest__Output, { principal }: CallContext) {
  const { id, reason, className, decisionCount } = request;
  const decision = {
    state: decidedState(request.state),
    reason,
    decidedBy: requester(principal, request.decidedBy),
    masks: request.masks.map(toMask),
    className,
  };
  return reviews.decide(id, decision, decisionCount);
}
