// Watching on a real database: history, then what comes, for watchers of every speed.

import { join } from 'node:path';
import { z } from 'zod';
import { SqlJobTable } from '../../../../../../services/training/adapters/job-table';
import type { StoredEvent } from '../../../../../../services/training/domain/jobs/job';
import { JobKinds } from '../../../../../../services/training/domain/jobs/kinds';
import { JobQueue, moved } from '../../../../../../services/training/domain/jobs/queue';
import { watchJob } from '../../../../../../services/training/domain/jobs/watch';
import { temporaryFolder } from '../../../../../support/data';
import { openJobDatabase } from '../../../../../support/job-database';

const table = new SqlJobTable(openJobDatabase(join(temporaryFolder(), 'training.db')));
const kind = {
  name: 'training',
  noun: 'training job',
  spec: z.object({}),
  command: () => {
    throw new Error('nothing is started here');
  },
};
const queue = new JobQueue(table, new JobKinds([kind]));
const never = new AbortController().signal;

const create = (): string =>
  queue.create({ kind: 'training', requestId: '', spec: {}, name: 'x', task: 't', priority: 0 }).id;
const say = (id: string, message: string): void =>
  void queue.change(id, () => ({ patch: {}, events: [{ type: 'log', level: 'info', message }] }));
const end = (id: string): void => void queue.cancel('training', id);

async function collect(id: string, fromSequence = 0, onEvent: (event: StoredEvent) => unknown = () => undefined) {
  const sequences: number[] = [];
  for await (const event of watchJob(queue, { kind: 'training', id, fromSequence }, never)) {
    sequences.push(event.sequence);
    await onEvent(event);
  }
  return sequences;
}

const upTo = (last: number, first = 1): number[] =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);

test('a watch gives the history and then what comes, whoever comes when, each event once', async () => {
  const id = create();
  const early = collect(id);
  for (let count = 0; count < 300; count += 1) {
    say(id, `line ${count}`);
    if (count % 50 === 0) await new Promise(setImmediate);
  }
  const late = collect(id, 290);
  const slow = collect(id, 0, () => new Promise(setImmediate));
  await new Promise(setImmediate);
  say(id, 'the last line');
  end(id);
  expect(await early).toEqual(upTo(303));
  expect(await slow).toEqual(upTo(303));
  expect(await late).toEqual(upTo(303, 290));
  expect(await collect(id, 303)).toEqual([303]);
  expect(await collect(id, 304)).toEqual([]);
});

test('a watch reads no further ahead than a batch while its consumer takes its time', async () => {
  const id = create();
  for (let count = 0; count < 600; count += 1) say(id, 'x');
  const reads = jest.spyOn(table, 'events');
  const events = watchJob(queue, { kind: 'training', id, fromSequence: 0 }, never);
  await events.next();
  for (let count = 0; count < 600; count += 1) say(id, 'y');
  await new Promise(setImmediate);
  expect(reads).toHaveBeenCalledTimes(1);
  expect(reads.mock.results[0]?.value).toHaveLength(256);
  reads.mockRestore();
  await events.return();
});

test('a watch leaves no listener behind', async () => {
  const before = queue.notices.listenerCount('change');
  const id = create();
  const stop = new AbortController();
  const watches = [1, 2, 3].map(async () => {
    for await (const _ of watchJob(queue, { kind: 'training', id, fromSequence: 0 }, stop.signal)) continue;
  });
  await new Promise(setImmediate);
  expect(queue.notices.listenerCount('change')).toBe(before + 3);
  stop.abort();
  await expect(Promise.all(watches)).rejects.toMatchObject({ code: 'CANCELLED' });
  await Promise.allSettled(watches);
  expect(queue.notices.listenerCount('change')).toBe(before);
});

test('a watch ends with NOT_FOUND when the job is deleted meanwhile', async () => {
  const id = create();
  queue.pause('training', id);
  const watching = collect(id);
  await new Promise(setImmediate);
  queue.delete('training', id);
  await expect(watching).rejects.toMatchObject({ code: 'NOT_FOUND' });
});

test('a watch goes on behind a failure that was resumed', async () => {
  const id = create();
  queue.change(id, (job) => moved(job, 'fail', 'no room'));
  expect(await collect(id)).toEqual([1, 2]);
  queue.resume('training', id);
  const watching = collect(id, 3);
  await new Promise(setImmediate);
  end(id);
  queue.change(id, (job) => moved(job, 'stop', ''));
  expect(await watching).toEqual([3, 4, 5]);
});
