import { MessageChannel, receiveMessageOnPort, Worker, type MessagePort } from 'node:worker_threads';
import { automedError } from '../../common/errors';
import { compiledThread } from '../../common/thread-entry';
import type { SqlDatabase, Value } from '../sql';
import type { Answer, Lost, Query, ThreadData } from './protocol';

/** Longer than the thread waits for the server, milliseconds. */
const ANSWER_MS = 15_000;
/** Advisory locks are numbers; this one stands for the training service of a database. */
const LEADER_LOCK = '6085341250913124';

/** Classes of SQLSTATE: the server could not serve a statement that is right. */
const UNAVAILABLE = new Set(['08', '53', '57']);
/** A value that a column cannot hold, e.g. NUL in a text. */
const DATA_EXCEPTION = '22';

/** `?` to `$1`, `$2`, ...; no statement of the tables has one in a literal. */
function numbered(sql: string): string {
  let count = 0;
  return sql.replace(/\?/g, () => `$${(count += 1)}`);
}

/**
 * A PostgreSQL database by one connection. The lock of the leader belongs to the connection that writes: who loses the lock
 * can no longer write, whatever the clocks say.
 */
export class PostgresDatabase implements SqlDatabase {
  private readonly signal = new Int32Array(new SharedArrayBuffer(4));
  private readonly port: MessagePort;
  private readonly thread: Worker;
  private closed = false;

  /**
   * @param onLost hears why the connection is gone; then nothing works any more
   * @param answerMs how long an answer is waited for, milliseconds
   */
  constructor(
    url: string,
    private readonly onLost: (reason: string) => void,
    private readonly answerMs = ANSWER_MS,
  ) {
    const { port1, port2 } = new MessageChannel();
    this.port = port1;
    const data: ThreadData = { url, signal: this.signal };
    this.thread = new Worker(compiledThread('database/postgres/connection-thread.js'), {
      workerData: { ...data, port: port2 },
      transferList: [port2],
    });
    this.thread.unref();
    this.thread.on('message', (message: Lost) => this.lose(message.lost));
    this.thread.on('error', (error) => this.lose(error.message));
  }

  /** Whether this service leads from now on; the lock falls with the connection, however that ends. */
  tryLead(): boolean {
    return (
      this.get<{ leads: boolean }>('SELECT pg_try_advisory_lock(?::bigint) AS leads', [LEADER_LOCK])?.leads === true
    );
  }

  all<Row>(sql: string, values: readonly Value[] = []): Row[] {
    return this.ask<Row>({ sql: numbered(sql), values });
  }

  get<Row>(sql: string, values: readonly Value[] = []): Row | undefined {
    return this.all<Row>(sql, values)[0];
  }

  transaction<T>(work: () => T): T {
    this.all('BEGIN');
    try {
      const result = work();
      this.all('COMMIT');
      return result;
    } catch (error) {
      // On a connection that is gone there is nothing to take back.
      this.rollBack();
      throw error;
    }
  }

  close(): void {
    this.closed = true;
    this.port.close();
    void this.thread.terminate();
  }

  private rollBack(): void {
    try {
      this.all('ROLLBACK');
    } catch {
      // The error that led here says more.
    }
  }

  private ask<Row>(query: Query): Row[] {
    if (this.closed) throw new Error('the database is closed');
    Atomics.store(this.signal, 0, 0);
    this.port.postMessage(query);
    if (!this.isAnswered()) {
      // An answer that comes late would be taken for that of the next query.
      this.lose('no answer');
      throw away(new Error('no answer'));
    }
    const { message } = receiveMessageOnPort(this.port) as { message: Answer };
    if ('rows' in message) return message.rows as Row[];
    const cause = Object.assign(new Error(message.error.message), message.error);
    throw refusal(cause, message.error.code?.slice(0, 2));
  }

  /** Waits for the answer. The notice of the one before may come only now, and wake this thread too early. */
  private isAnswered(): boolean {
    const endMs = performance.now() + this.answerMs;
    while (Atomics.load(this.signal, 0) === 0) {
      if (Atomics.wait(this.signal, 0, 0, Math.max(0, endMs - performance.now())) === 'timed-out') return false;
    }
    return true;
  }

  private lose(reason: string): void {
    if (this.closed) return;
    this.close();
    this.onLost(reason);
  }
}

/** @param sqlClass of the server's SQLSTATE; undefined where the connection failed */
function refusal(cause: Error, sqlClass: string | undefined): Error {
  if (sqlClass === undefined || UNAVAILABLE.has(sqlClass)) return away(cause);
  if (sqlClass === DATA_EXCEPTION) {
    return automedError('INVALID_ARGUMENT', `The database cannot keep or look up a value: ${cause.message}.`, {
      cause,
    });
  }
  // A statement that the server refuses otherwise is our fault.
  return new Error(cause.message, { cause });
}

const away = (cause: Error): Error =>
  automedError('SERVICE_UNAVAILABLE', 'The database of jobs does not answer; try again.', { cause });
