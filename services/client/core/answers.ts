import { automedError, type AutomedError } from '../../common/errors';
import { fromItemStatus } from '../../common/grpc/status';
import type { ItemStatus__Output } from '../../../proto/gen/automed/common/v1/ItemStatus';

/** What a stream answers to one of its requests, by the request's position, `[0, inf)`. */
export type StreamAnswer<T> = { index: number; result: T } | { index: number; error: AutomedError };

const PAGE_SIZE = 200;

/** What an answer must hold. @throws InternalError */
export function present<T>(value: T | null | undefined, name: string): T {
  if (value === null || value === undefined) throw automedError('INTERNAL', `the answer lacks its ${name}`);
  return value;
}

/** Yields the items of a list that comes in pages. */
export async function* paged<T>(
  page: (request: { pageSize: number; pageToken: string }) => Promise<{ items: T[]; nextPageToken: string }>,
): AsyncGenerator<T> {
  let pageToken = '';
  do {
    const { items, nextPageToken } = await page({ pageSize: PAGE_SIZE, pageToken });
    yield* items;
    pageToken = nextPageToken;
  } while (pageToken !== '');
}

/** Everything that an iterator yields, e.g. `await collect(client.models.list())`. */
export async function collect<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}

interface Item<T> {
  index: number;
  result?: T | null;
  status?: ItemStatus__Output | null;
}

/** Answers of a stream, in the order of the requests, with typed errors in place of statuses. */
export async function* streamAnswers<T>(items: AsyncIterable<Item<T>>): AsyncGenerator<StreamAnswer<T>> {
  for await (const { index, result, status } of items) {
    if (status) yield { index, error: fromItemStatus(status) };
    else yield { index, result: present(result, 'result') };
  }
}
