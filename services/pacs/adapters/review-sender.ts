// Puts what was drawn, with its images, into the review queue that the rule names. Adding one twice changes nothing, so that an
// analysis of which some are there is simply begun again.

import type { AddReviewRequest } from '../../../proto/gen/automed/reviews/v1/AddReviewRequest';
import { reopen, type Found, type Images } from '../../analysis';
import { UnavailableError } from '../../common/errors';
import type { Logger } from '../../common/logging';
import { ResultError } from '../../dicom-results';
import { encodeRle } from '../../imaging/mask';
import { policyOf, waitMs } from '../domain/backoff';
import { judgeFailure } from '../domain/failures';
import type { Site } from '../../pacs-site/schema';
import type { DoneJob } from '../domain/work';
import type { PendingReview, PendingReviews } from './journal/pending-reviews';

export interface ReviewSenderDeps {
  site: () => Site;
  reviews: PendingReviews;
  done: (job: number) => DoneJob;
  images: Images;
  /** Bytes of a file of the spool, and of the outbox. */
  received: (file: string) => Promise<Uint8Array>;
  result: (file: string) => Promise<Uint8Array>;
  /** @throws the typed errors of the gateway */
  add: (request: AddReviewRequest, signal: AbortSignal) => Promise<void>;
  /** Headers that are read at a time. */
  inFlight: number;
  log: Logger;
}

export class ReviewSender {
  /** Times in a row that found the service away: they use up no attempts. */
  private away = 0;

  constructor(private readonly deps: ReviewSenderDeps) {}

  /** Sends what is due of one analysis; resolves to whether anything was. */
  async step(signal: AbortSignal): Promise<boolean> {
    const { reviews, log } = this.deps;
    const pending = reviews.next();
    if (!pending) return false;
    try {
      const count = await this.send(pending, signal);
      this.away = 0;
      reviews.remove(pending);
      log.info({ event: 'reviews-added', job: pending.job, count }, 'images wait for a review');
    } catch (error) {
      if (!signal.aborted) this.fail(pending, error);
    }
    return true;
  }

  private async send(pending: PendingReview, signal: AbortSignal): Promise<number> {
    const { done, images, result, received, add, inFlight } = this.deps;
    const job = done(pending.job);
    const segmentation = job.results.find(({ kind }) => kind === 'SEG');
    // Where nothing was drawn there is no object.
    if (!segmentation) return 0;
    const found = await reopen({ ...job, segmentation: await result(segmentation.file) }, images, inFlight);
    const fileOf = new Map(found.context.series.map(({ sopInstanceUid }, at) => [sopInstanceUid, job.files[at]]));
    let count = 0;
    for (const drawn of drawnFrames(found)) {
      const file = fileOf.get(drawn.sopInstanceUid);
      if (file === undefined) throw new ResultError('SOURCE', 'An image that was drawn on is not kept any more.');
      await add(requestOf(drawn, await received(file), found, job, pending.patient), signal);
      count += 1;
    }
    return count;
  }

  private fail(pending: PendingReview, error: unknown): void {
    const { site, reviews, log } = this.deps;
    const { code, message, transient } = judgeFailure(error);
    const policy = policyOf(site().delivery);
    const away = error instanceof UnavailableError;
    this.away = away ? this.away + 1 : 0;
    const attempts = pending.attempts + (away ? 0 : 1);
    const again = away || (transient && attempts < policy.attempts);
    if (again) reviews.later({ ...pending, attempts }, waitMs(policy, this.away || attempts));
    else reviews.giveUp(pending);
    const fields = { event: again ? 'reviews-again' : 'reviews-dead', job: pending.job, code, attempts };
    if (code === 'INTERNAL') log.error({ ...fields, err: error }, 'reviews could not be added');
    else log.warn({ ...fields, why: message }, 'reviews could not be added');
  }
}

interface DrawnFrame {
  sopInstanceUid: string;
  frame: number;
  rows: number;
  columns: number;
  structures: { name: string; mask: Uint8Array | undefined; probability: number | undefined }[];
}

/** Frames on which anything was drawn. */
function drawnFrames({ context, masks }: Found): DrawnFrame[] {
  const sizes = new Map(context.series.map((image) => [image.sopInstanceUid, image]));
  return (masks?.frames ?? []).flatMap((reference, at) => {
    const structures = (masks?.structures ?? []).map(({ name, slices, probability }) => {
      return { name, mask: slices[at], probability };
    });
    const { rows = 0, columns = 0 } = sizes.get(reference.sopInstanceUid) ?? {};
    return structures.some(({ mask }) => mask) ? [{ ...reference, rows, columns, structures }] : [];
  });
}

function requestOf(
  { sopInstanceUid, frame, rows, columns, structures }: DrawnFrame,
  encoded: Uint8Array,
  { context }: Found,
  { rule }: DoneJob,
  patient: string,
): AddReviewRequest {
  const { name, version, threshold = 0.5 } = context.model;
  const masks = structures.map(({ name: structure, mask, probability }) => ({
    structure,
    widthPx: columns,
    heightPx: rows,
    cocoRle: encodeRle(mask ?? new Uint8Array(rows * columns), columns, rows),
    ...(mask === undefined || probability === undefined ? {} : { meanForegroundProbability: probability }),
  }));
  return {
    queue: rule.review ?? '',
    name: `${sopInstanceUid}/${frame}`,
    group: patient,
    origin: `pacs rule ${rule.name}`,
    image: { encoded: Buffer.from(encoded), frameNumber: frame },
    finding: { segmentation: { model: { name, version }, threshold, masks } },
  };
}
