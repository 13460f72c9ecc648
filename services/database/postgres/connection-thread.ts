// The thread of a PostgreSQL connection. It answers one query after another, and shows the server that the service lives.

import { parentPort, workerData, type MessagePort } from 'node:worker_threads';

import { Client, DatabaseError, types } from 'pg';
import type { Answer, Query, ThreadData } from './protocol';

/** The server ends a session that says nothing for so long, and with it falls the lock of its service, milliseconds. */
const SESSION_MS = 8_000;
const HEARTBEAT_MS = 2_000;
/** Without an answer for so long the server counts as gone, milliseconds. */
const ANSWER_MS = 5_000;

const { url, signal, port } = workerData as ThreadData & { port: MessagePort };
// Times and counts stay far below 2^53.
types.setTypeParser(types.builtins.INT8, Number);

const client = new Client({
  connectionString: url,
  application_name: 'automed training',
  connectionTimeoutMillis: ANSWER_MS,
  query_timeout: ANSWER_MS,
  keepAlive: true,
});

let ended = false;

function lose(reason: string): void {
  if (ended) return;
  ended = true;
  parentPort?.postMessage({ lost: reason });
}

const opening = open();
// Whoever asks is told.
opening.catch(() => undefined);

async function open(): Promise<void> {
  client.on('error', (error) => lose(error.message));
  client.on('end', () => lose('the server ended the connection'));
  await client.connect();
  await client.query(`SET idle_session_timeout = ${SESSION_MS}`);
  await client.query(`SET idle_in_transaction_session_timeout = ${SESSION_MS}`);
  setInterval(() => {
    client.query('SELECT 1').catch((error: unknown) => {
      // The server refuses it in a transaction in which a statement has failed, and lives.
      if (!(error instanceof DatabaseError)) lose((error as Error).message);
    });
  }, HEARTBEAT_MS);
}

async function answer({ sql, values }: Query): Promise<Answer> {
  try {
    await opening;
    if (ended) throw new Error('the connection was lost');
    const result = await client.query(sql, [...values]);
    return { rows: result.rows };
  } catch (error) {
    const { message } = error as Error;
    if (error instanceof DatabaseError && error.code !== undefined) return { error: { message, code: error.code } };
    // It is the connection that failed, and what became of the query is not known.
    lose(message);
    return { error: { message } };
  }
}

port.on('message', (query: Query) => {
  void answer(query).then((answered) => {
    port.postMessage(answered);
    Atomics.store(signal, 0, 1);
    Atomics.notify(signal, 0);
  });
});
