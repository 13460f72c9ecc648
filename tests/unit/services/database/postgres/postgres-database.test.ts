// The connection itself: what it makes of failures.

import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { PostgresDatabase } from '../../../../../services/database/postgres/postgres-database';
import { startPostgres, type PostgresServer } from '../../../../support/postgres';

let server: PostgresServer | undefined;

beforeAll(() => {
  server = startPostgres();
  if (!server) process.stderr.write('PostgreSQL is not installed (/usr/lib/postgresql): nothing is tested here\n');
});

afterAll(async () => server?.stop());

const block = (milliseconds: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

it('is lost when an answer does not come in time, so that no query gets the answer of another', () => {
  if (!server) return;
  const reasons: string[] = [];
  const database = new PostgresDatabase(server.url('late'), (reason) => reasons.push(reason), 1);
  expect(() => database.all('SELECT 1 AS one FROM pg_sleep(1)')).toThrow('does not answer');
  expect(reasons).toEqual(['no answer']);
  expect(() => database.all('SELECT 2 AS two')).toThrow('closed');
});

it('waits for the answer itself when the notice of an earlier one comes late', async () => {
  if (!server) return;
  const database = new PostgresDatabase(server.url('notices'), () => undefined);
  const { signal } = database as unknown as { signal: Int32Array };
  const notify = 'setInterval(() => Atomics.notify(require("worker_threads").workerData, 0), 1)';
  const late = new Worker(notify, { eval: true, workerData: signal });
  await once(late, 'online');
  try {
    for (const number of [1, 2, 3, 4]) {
      expect(database.all('SELECT ?::int AS number FROM pg_sleep(0.05)', [number])).toEqual([{ number }]);
    }
  } finally {
    await late.terminate();
    database.close();
  }
});

it('outlives a heartbeat in a transaction in which a statement has failed', () => {
  if (!server) return;
  const database = new PostgresDatabase(server.url('aborted'), () => undefined);
  const transaction = (): void =>
    database.transaction(() => {
      expect(() => database.all('SELECT 1 / 0')).toThrow('division by zero');
      block(2_500);
      throw new Error('given up');
    });
  expect(transaction).toThrow('given up');
  expect(database.get('SELECT 2 AS two')).toEqual({ two: 2 });
  database.close();
});

it('refuses a value that PostgreSQL cannot hold as an invalid argument', () => {
  if (!server) return;
  const database = new PostgresDatabase(server.url('values'), () => undefined);
  database.all('CREATE TABLE names (name TEXT NOT NULL)');
  const invalid = expect.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error;
  expect(() => database.all('SELECT name FROM names WHERE name = ?', ['a\0b'])).toThrow(invalid);
  expect(() => database.all('INSERT INTO names (name) VALUES (?)', [null])).toThrow(
    expect.not.objectContaining({ code: 'INVALID_ARGUMENT' }) as Error,
  );
  database.close();
});
