import { mostRanks, shareOf } from '../../../../../../services/training/domain/jobs/capacity';

const here = { concurrency: 4, threadsPerJob: 2 };
const elsewhere = { ...here, remoteThreads: 8 };

test('a rank takes the place of a worker, and its threads', () => {
  expect(shareOf(1, here)).toEqual({ places: 1, threads: 2 });
  expect(shareOf(4, here)).toEqual({ places: 4, threads: 2 });
});

test('more ranks than places take them all and share the threads of all, one at least', () => {
  expect(shareOf(2, { concurrency: 1, threadsPerJob: 8 })).toEqual({ places: 1, threads: 4 });
  expect(shareOf(3, { concurrency: 1, threadsPerJob: 8 })).toEqual({ places: 1, threads: 2 });
  expect(shareOf(8, here)).toEqual({ places: 4, threads: 1 });
  expect(shareOf(16, here)).toEqual({ places: 4, threads: 1 });
});

test('ranks of other machines take one place, and a run of one process stays here', () => {
  expect(shareOf(64, elsewhere)).toEqual({ places: 1, threads: 8 });
  expect(shareOf(1, elsewhere)).toEqual({ places: 1, threads: 2 });
});

test('a training has as many ranks as there are threads, elsewhere as many as a specification may name', () => {
  expect(mostRanks(here)).toBe(8);
  expect(mostRanks(elsewhere)).toBe(4096);
});
