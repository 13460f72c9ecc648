// What callers do with reviews.

import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { automedError } from '../common/errors';
import { nameSchema } from '../store';
import { agreementByVersion, agreementOf, type VersionAgreement } from './agreement';
import type { ImageFiles } from './image-files';
import {
  modelOf,
  type NewDecision,
  type QueueCounts,
  type Review,
  type ReviewDraft,
  type ReviewFilter,
  type ReviewOrder,
  type ReviewTable,
} from './review';
import { checkAmendment } from './amendment';
import { uncertaintyOf } from './uncertainty';

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;
const MAX_NAME = 500;
const MAX_TEXT = 200;
const MAX_REASON = 1000;
/** Alike for every queue, so that one cannot fill the disk unseen. */
const MAX_QUEUE = 100_000;

export type NewReview = Omit<ReviewDraft, 'id' | 'uncertainty' | 'image'> & {
  image: Omit<ReviewDraft['image'], 'sha256'> & { encoded: Uint8Array };
};

export class Reviews {
  constructor(
    private readonly table: ReviewTable,
    private readonly images: ImageFiles,
    private readonly now: () => number = Date.now,
  ) {}

  /** @throws InvalidInputError that names the field */
  async add({ image, ...added }: NewReview): Promise<Review> {
    if (!nameSchema.safeParse(added.queue).success) {
      throw refused('queue', 'The queue must be 1 to 63 of a-z 0-9 - _ . and begin with a letter or digit.');
    }
    if (added.name === '') throw refused('name', 'The image has no name.');
    checkLength('name', added.name, MAX_NAME);
    for (const field of ['group', 'origin'] as const) checkLength(field, added[field], MAX_TEXT);
    const { encoded, ...facts } = image;
    const sha256 = this.images.digestOf(encoded);
    const known = this.known(added, sha256);
    if (known) return known;
    if (this.table.count(added.queue) >= MAX_QUEUE) {
      throw automedError('ILLEGAL_STATE', `The queue ${added.queue} has ${MAX_QUEUE} reviews; begin another one.`, {
        field: 'queue',
      });
    }
    const id = randomBytes(16).toString('hex');
    // The file first: a row always has its image. A crash between the two leaves a file that no queue knows.
    await this.images.write(id, encoded);
    const again = this.known(added, sha256);
    if (again) {
      await this.images.remove([id]);
      return again;
    }
    const draft = { ...added, id, uncertainty: uncertaintyOf(added.prediction), image: { ...facts, sha256 } };
    return this.table.insert(draft);
  }

  get(id: string): Review {
    const review = /^[0-9a-f]{32}$/.test(id) ? this.table.find(id) : undefined;
    if (review) return review;
    throw automedError('NOT_FOUND', `There is no review ${JSON.stringify(id.slice(0, 64))}.`, { field: 'id' });
  }

  imageOf({ id }: Review): Promise<Buffer> {
    return this.images.read(id);
  }

  list(
    filter: ReviewFilter,
    order: ReviewOrder,
    { pageSize, pageToken }: { pageSize: number; pageToken: string },
  ): { reviews: Review[]; nextPageToken: string } {
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw refused('page_size', `A page size of ${pageSize} is outside [0, ${MAX_PAGE}].`);
    }
    const match = /^(\d(?:\.\d{1,20})?(?:e-\d{1,3})?):(\d{1,15})$/.exec(pageToken);
    if (pageToken !== '' && !match) throw refused('page_token', 'The page token is not one of this list.');
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    const after = match ? { uncertainty: Number(match[1]), number: Number(match[2]) } : undefined;
    const found = this.table.list(filter, order, size + 1, after);
    const reviews = found.slice(0, size);
    const last = reviews.at(-1);
    return { reviews, nextPageToken: found.length > size && last ? `${last.uncertainty}:${last.number}` : '' };
  }

  /** @param before decisions that the caller has seen */
  decide(id: string, decided: NewDecision, before: number): Review {
    const review = this.get(id);
    checkLength('reason', decided.reason, MAX_REASON);
    checkLength('decided_by', decided.decidedBy, MAX_TEXT);
    if (decided.state !== 'ACCEPTED' && decided.reason.trim() === '') {
      throw refused('reason', 'Say why: a prediction is rejected or amended for a reason.');
    }
    checkAmendment(review.prediction, decided);
    const agreement = agreementOf(review.prediction, decided);
    const latest = review.decisions.at(-1);
    if (latest && before === review.decisions.length - 1) {
      const { time: _, ...same } = latest;
      if (isDeepStrictEqual(same, { ...decided, agreement })) return review;
    }
    const changed = this.table.decide(id, { ...decided, agreement, time: this.now() }, before);
    if (changed) return changed;
    throw automedError('ILLEGAL_STATE', 'Somebody else has decided meanwhile; look at the review again.', {
      field: 'decision_count',
    });
  }

  queues(): QueueCounts[] {
    return this.table.queues();
  }

  async removeQueue(queue: string): Promise<number> {
    const ids = this.table.removeQueue(queue);
    if (ids.length === 0)
      throw automedError('NOT_FOUND', `There is no queue ${JSON.stringify(queue)}.`, { field: 'queue' });
    await this.images.remove(ids);
    return ids.length;
  }

  agreement(filter: { model?: string | undefined; queue?: string | undefined }): VersionAgreement[] {
    return agreementByVersion(this.table.agreed(filter));
  }

  /** The same review, added before. @throws InvalidInputError where the name stands for another image */
  private known(added: Omit<NewReview, 'image'>, sha256: string): Review | undefined {
    const same = this.table.findSame(added.queue, added.name, modelOf(added));
    if (!same || same.image.sha256 === sha256) return same;
    throw refused('name', `The queue ${added.queue} has another image of this name; give each image its own.`);
  }
}

const refused = (field: string, message: string): Error => automedError('INVALID_ARGUMENT', message, { field });

function checkLength(field: string, text: string, most: number): void {
  if (text.length > most) throw refused(field, `${field} has ${text.length} characters; at most ${most} are kept.`);
}
