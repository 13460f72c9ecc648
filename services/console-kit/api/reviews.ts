import { call, type CallOptions } from './call';
import type { Finding, Image, Mask } from './types';

const SERVICE = 'automed.reviews.v1.ReviewService';

export type ReviewState =
  'REVIEW_STATE_PENDING' | 'REVIEW_STATE_ACCEPTED' | 'REVIEW_STATE_REJECTED' | 'REVIEW_STATE_AMENDED';

export interface ReviewDecision {
  state: ReviewState;
  reason?: string;
  decidedBy?: string;
  decideTime?: string;
  masks?: Mask[];
  className?: string;
  agreement?: number;
}

export interface Review {
  id: string;
  queue: string;
  name: string;
  group?: string;
  origin?: string;
  model: string;
  finding: Finding;
  uncertainty?: number;
  state: ReviewState;
  decision?: ReviewDecision;
  decisionCount?: number;
  createTime?: string;
}

export interface OpenReview {
  review: Review;
  image: Image;
  displayPng?: string;
  decisions?: ReviewDecision[];
}

export interface ReviewQueue {
  name: string;
  pendingCount?: number;
  acceptedCount?: number;
  rejectedCount?: number;
  amendedCount?: number;
  models?: string[];
}

export interface VersionAgreement {
  model: string;
  agreement?: number;
  count: number;
  weeks?: { week: string; agreement?: number; count: number }[];
  drift?: { alarm?: boolean; change?: number; standardError?: number; count: number; advice?: string };
}

export interface NewReview {
  queue: string;
  name: string;
  group: string;
  origin: string;
  image: Image;
  finding: Finding;
}

export async function addReview(review: NewReview, options?: CallOptions): Promise<Review> {
  return (await call<{ review: Review }>(SERVICE, 'AddReview', review, options)).review;
}

export async function listQueues(options: CallOptions): Promise<ReviewQueue[]> {
  return (await call<{ queues?: ReviewQueue[] }>(SERVICE, 'ListReviewQueues', {}, options)).queues ?? [];
}

/** Reviews of one list, at most. */
export const MOST_LISTED = 200;

/** The most uncertain first; at most MOST_LISTED. */
export async function listReviews(queue: string, state: ReviewState, options: CallOptions): Promise<Review[]> {
  const request = { queue, state, pageSize: MOST_LISTED };
  return (await call<{ reviews?: Review[] }>(SERVICE, 'ListReviews', request, options)).reviews ?? [];
}

export const getReview = (id: string, options?: CallOptions): Promise<OpenReview> =>
  call(SERVICE, 'GetReview', { id }, options);

export interface NewDecision {
  state: ReviewState;
  reason: string;
  masks?: Mask[];
  className?: string;
}

/** @param review as the person has seen it */
export async function decideReview({ id, decisionCount = 0 }: Review, decision: NewDecision): Promise<Review> {
  return (await call<{ review: Review }>(SERVICE, 'DecideReview', { id, decisionCount, ...decision })).review;
}

export async function publishQueue(
  queue: string,
  dataset: string,
): Promise<{
  dataset: { name: string; version: number };
  imageCount: number;
  amendedCount?: number;
  skipped?: { id: string; name: string; problem: string }[];
}> {
  return call(SERVICE, 'PublishReviewQueue', { queue, dataset });
}

export async function getAgreement(options: CallOptions): Promise<VersionAgreement[]> {
  return (await call<{ versions?: VersionAgreement[] }>(SERVICE, 'GetAgreement', {}, options)).versions ?? [];
}
