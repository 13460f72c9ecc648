// The queue on a real database.

import { join } from 'node:path';
import { z } from 'zod';
import { SqlJobTable } from '../../../../../../services/training/adapters/job-table';
import { JobKinds, type JobKind } from '../../../../../../services/training/domain/jobs/kinds';
import { JobQueue, moved, type CreateJob } from '../../../../../../services/training/domain/jobs/queue';
import { temporaryFolder } from '../../../../../support/data';
import { openJobDatabase } from '../../../../../support/job-database';

const folder = temporaryFolder();
const kindOf = (name: string): JobKind => ({
  name,
  noun: `${name} job`,
  spec: z.strictObject({ rate: z.number().positive(), options: z.record(z.string(), z.int()).default({}) }),
  command: () => {
    throw new Error('nothing is started here');
  },
});

const path = join(folder, 'training.db');
let table = new SqlJobTable(openJobDatabase(path));
let queue = new JobQueue(table, new JobKinds([kindOf('training'), kindOf('evaluation')]));
const request = (changes: Partial<CreateJob> = {}): CreateJob => ({
  kind: 'training',
  requestId: '',
  spec: { rate: 1 },
  name: 'polyp',
  task: 'segmentation',
  priority: 0,
  ...changes,
});
const states = (id: string): string[] =>
  table.events(id, 1, 100).map(({ event }) => (event.type === 'state' ? event.state : event.type));

describe('create', () => {
  it('gives the same job for the same request id and content, however its keys are ordered', () => {
    const first = queue.create(request({ requestId: 'r1', spec: { rate: 2, options: { a: 1, b: 2 } } }));
    const again = queue.create(request({ requestId: 'r1', spec: { options: { b: 2, a: 1 }, rate: 2 } }));
    expect(again).toEqual(first);
    expect(first).toMatchObject({ state: 'PENDING', attempts: 0, spec: { rate: 2 } });
  });

  it('refuses another content under the same request id, and names the field', () => {
    queue.create(request({ requestId: 'r2' }));
    for (const changes of [{ spec: { rate: 3 } }, { priority: 1 }]) {
      expect(() => queue.create(request({ requestId: 'r2', ...changes }))).toThrow(
        expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'request_id' }),
      );
    }
  });

  it('keeps who asked, and nobody where that is not known', () => {
    const { id } = queue.create(request({ creator: 'user:ann' }));
    expect(queue.get('training', id).creator).toBe('user:ann');
    expect(queue.create(request()).creator).toBe('');
  });

  it('keeps the request ids of kinds apart, and makes a new job of each request without one', () => {
    const ids = [
      queue.create(request({ requestId: 'r3' })),
      queue.create(request({ requestId: 'r3', kind: 'evaluation' })),
      queue.create(request()),
      queue.create(request()),
    ].map(({ id }) => id);
    expect(new Set(ids).size).toBe(4);
  });

  it('names the field of a malformed specification', () => {
    expect(() => queue.create(request({ spec: { rate: -1 } }))).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'spec.rate' }),
    );
  });
});

describe('list', () => {
  it('walks all jobs of a kind, newest first, and stays in place while others are added', () => {
    const created = [1, 2, 3, 4, 5].map(() => queue.create(request({ name: 'paged' })).id).reverse();
    const first = queue.list({ kind: 'training', name: 'paged' }, { pageSize: 2, pageToken: '' });
    queue.create(request({ name: 'paged' }));
    const second = queue.list({ kind: 'training', name: 'paged' }, { pageSize: 2, pageToken: first.nextPageToken });
    const third = queue.list({ kind: 'training', name: 'paged' }, { pageSize: 2, pageToken: second.nextPageToken });
    expect([first, second, third].flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual(created);
    expect(third.nextPageToken).toBe('');
  });

  it('filters by state and task', () => {
    const job = queue.create(request({ name: 'filtered', task: 'classification' }));
    queue.create(request({ name: 'filtered' }));
    queue.cancel('training', job.id);
    const found = queue.list(
      { kind: 'training', name: 'filtered', task: 'classification', states: ['CANCELLED', 'FAILED'] },
      { pageSize: 0, pageToken: '' },
    );
    expect(found.jobs.map(({ id }) => id)).toEqual([job.id]);
  });

  it.each([
    [{ pageSize: 1001, pageToken: '' }, 'page_size'],
    [{ pageSize: 1, pageToken: 'x' }, 'page_token'],
  ])('refuses %j', (page, field) => {
    expect(() => queue.list({ kind: 'training' }, page)).toThrow(expect.objectContaining({ field }));
  });
});

describe('a change', () => {
  it('is stored with its event, both or neither', () => {
    const { id } = queue.create(request());
    const circular: { type: 'log'; level: 'info'; message: string; self?: unknown } = {
      type: 'log',
      level: 'info',
      message: 'x',
    };
    circular.self = circular;
    const failing = () => queue.change(id, (job) => ({ ...moved(job, 'start', ''), events: [circular] }));
    expect(failing).toThrow(/circular/);
    expect(queue.get('training', id).state).toBe('PENDING');
    queue.change(id, (job) => moved(job, 'start', '', { attempts: 1 }));
    expect(queue.get('training', id)).toMatchObject({ state: 'RUNNING', attempts: 1 });
    expect(states(id)).toEqual(['PENDING', 'RUNNING']);
  });

  it('that is asked for twice happens once', () => {
    const { id } = queue.create(request());
    queue.pause('training', id);
    queue.pause('training', id);
    expect(states(id)).toEqual(['PENDING', 'PAUSED']);
  });

  it('tells watchers of the job', () => {
    const { id } = queue.create(request());
    const heard: string[] = [];
    queue.notices.on('change', (each) => heard.push(each));
    queue.cancel('training', id);
    expect(heard).toEqual([id]);
  });

  it('survives the process', () => {
    const { id } = queue.create(request({ requestId: 'survivor' }));
    queue.pause('training', id);
    table = new SqlJobTable(openJobDatabase(path));
    queue = new JobQueue(table, new JobKinds([kindOf('training'), kindOf('evaluation')]));
    expect(queue.create(request({ requestId: 'survivor' }))).toMatchObject({ id, state: 'PAUSED' });
  });
});

test('jobs of another kind, and jobs that do not exist, are not found', () => {
  const { id } = queue.create(request());
  expect(() => queue.get('evaluation', id)).toThrow(expect.objectContaining({ code: 'NOT_FOUND', field: 'id' }));
  expect(() => queue.cancel('training', '0'.repeat(16))).toThrow('There is no training job "0000000000000000".');
});

test('what waits is ordered by priority, then by age', () => {
  const old = queue.create(request({ name: 'order' }));
  const urgent = queue.create(request({ name: 'order', priority: 5 }));
  const late = queue.create(request({ name: 'order' }));
  const order = table
    .inStates(['PENDING'])
    .filter(({ name }) => name === 'order')
    .map(({ id }) => id);
  expect(order).toEqual([urgent.id, old.id, late.id]);
});
