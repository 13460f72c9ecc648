import { join } from 'node:path';
import { automedError } from '../../common/errors';
import type { Dataset } from './datasets/dataset';
import type { DatasetRegistry } from './datasets/registry';
import { KeyedLock } from './keyed-lock';
import { writeDataset, type Published } from '../../reviews/publish';
import type { Review } from '../../reviews/review';
import type { Reviews } from '../../reviews/reviews';

const PAGE = { pageSize: 1000, pageToken: '' };

/** Data sets of what was decided. They lie below the store's reviews/datasets/ and stay when their queue is deleted. */
export class ReviewDatasets {
  private readonly lock = new KeyedLock();

  /** @param home root of the store */
  constructor(
    private readonly reviews: Reviews,
    private readonly registry: DatasetRegistry,
    private readonly home: string,
  ) {}

  /** Registers the next version of the data set, and queues its check. */
  publish(queue: string, name: string): Promise<{ dataset: Dataset } & Omit<Published, 'source'>> {
    return this.lock.run(queue, async () => {
      if (!this.reviews.queues().some((each) => each.name === queue)) {
        throw automedError('NOT_FOUND', `There is no queue ${JSON.stringify(queue)}.`, { field: 'queue' });
      }
      const { source, ...counts } = await writeDataset(this.all(queue), {
        folder: join(this.home, 'reviews', 'datasets', queue),
        imageOf: (review) => this.reviews.imageOf(review),
      });
      const { version } = await this.registry.register(name, source, '');
      return { dataset: this.registry.validate(`${name}@${version}`), ...counts };
    });
  }

  private all(queue: string): Review[] {
    const found: Review[] = [];
    for (let pageToken = ''; ;) {
      const page = this.reviews.list({ queue }, 'newest-first', { ...PAGE, pageToken });
      found.push(...page.reviews);
      if ((pageToken = page.nextPageToken) === '') return found;
    }
  }
}
