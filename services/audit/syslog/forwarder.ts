// Sends an audit trail on by syslog, from its files: what a receiver has not got waits on the disk, across restarts.

import { open, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Logger } from '../../common/logging';
import { entriesOf, errnoOf, replaceFile } from '../../store/durable';
import type { TimedEvent } from '../types';
import { syslogMessage, type Sender } from './message';
import { MOST_UDP_BYTES, sendMessages, type SyslogTarget } from './transports';

export interface ForwarderDeps {
  /** Of the trail. */
  folder: string;
  sender: Sender;
  /** Absent: nothing is sent. */
  target: () => SyslogTarget | undefined;
  log: Logger;
}

const STATE = 'syslog.json';
const DAY_FILE = /^audit-\d{4}-\d{2}-\d{2}\.jsonl$/;
/** Of a file that are read at a time, bytes; a line is far shorter. */
const BATCH_BYTES = 256 * 1024;
/** Days that are remembered: a clock that is put back writes to an earlier one. */
const DAYS = 7;
const FIRST_WAIT_MS = 1_000;
const LONGEST_WAIT_MS = 60_000;
/** What still waits when the program ends gets so long, milliseconds. */
const END_MS = 3_000;

/** Bytes of each day's file that have gone. */
type Offsets = Record<string, number>;

interface Batch {
  file: string;
  messages: Buffer[];
  /** Where it ends in the file. */
  end: number;
}

/** Sends what a trail has, at least once. Without a state it begins with the day's first event. */
export class AuditForwarder {
  private offsets: Offsets | undefined;
  private failures = 0;
  private nextTry = -Infinity;

  constructor(private readonly deps: ForwarderDeps) {}

  /** Sends what waits, up to a batch; resolves to whether there was anything. A receiver that is away is asked again later. */
  async step(signal: AbortSignal, now = new Date()): Promise<boolean> {
    const target = this.deps.target();
    if (!target || performance.now() < this.nextTry) return false;
    this.offsets ??= await this.restored(now);
    const batch = await this.next(this.offsets);
    if (!batch) return false;
    try {
      const messages = batch.messages.filter((message) => this.fits(message, target));
      if (messages.length > 0) await sendMessages(target, messages, signal);
    } catch (error) {
      if (!signal.aborted) this.failed(error);
      return false;
    }
    this.failures = 0;
    this.offsets = await this.keep({ ...this.offsets, [batch.file]: batch.end });
    return true;
  }

  /** Sends what still waits, as long as the receiver takes it; the rest goes after the next start. */
  async end(): Promise<void> {
    this.nextTry = -Infinity;
    const signal = AbortSignal.timeout(END_MS);
    while (!signal.aborted && (await this.step(signal)));
  }

  private fits({ length }: Buffer, { transport }: SyslogTarget): boolean {
    if (transport !== 'udp' || length <= MOST_UDP_BYTES) return true;
    this.deps.log.warn({ event: 'audit-too-long', bytes: length }, 'an audit message is too long for UDP');
    return false;
  }

  private failed(error: unknown): void {
    const wait = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** Math.min(this.failures, 10));
    this.failures += 1;
    this.nextTry = performance.now() + wait * (0.5 + 0.5 * Math.random());
    const fields = { event: 'audit-unsent', code: errnoOf(error) ?? '', attempts: this.failures };
    this.deps.log.warn(fields, 'audit messages did not go out by syslog: they wait in the trail');
  }

  private async restored(now: Date): Promise<Offsets> {
    const text = await readFile(join(this.deps.folder, STATE), 'utf8').catch((error: unknown) => {
      if (errnoOf(error) === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== undefined) return (JSON.parse(text) as { offsets: Offsets }).offsets;
    // On the disk at once: a receiver that is away may still be so after a restart, another day.
    return this.keep({ [`audit-${now.toISOString().slice(0, 10)}.jsonl`]: 0 });
  }

  private async keep(all: Offsets): Promise<Offsets> {
    const offsets = Object.fromEntries(Object.entries(all).sort().slice(-DAYS));
    await replaceFile(join(this.deps.folder, STATE), `${JSON.stringify({ offsets })}\n`);
    return offsets;
  }

  /** Whole lines that have not gone, of the earliest day that has some. */
  private async next(offsets: Offsets): Promise<Batch | undefined> {
    const [since = ''] = Object.keys(offsets).sort();
    const files = (await entriesOf(this.deps.folder)).filter((name) => DAY_FILE.test(name) && name >= since);
    for (const file of files.sort()) {
      const from = offsets[file] ?? 0;
      const bytes = await readFrom(join(this.deps.folder, file), from);
      const length = bytes.lastIndexOf('\n') + 1;
      if (length === 0) continue;
      const lines = bytes.toString('utf8', 0, length - 1).split('\n');
      return { file, messages: lines.flatMap((line) => this.messageOf(line)), end: from + length };
    }
    return undefined;
  }

  /** None of a line that was cut short when the machine stopped. */
  private messageOf(line: string): Buffer[] {
    try {
      const { time, ...event } = JSON.parse(line) as Omit<TimedEvent, 'time'> & { time: string };
      return [syslogMessage({ ...event, time: new Date(time) }, this.deps.sender)];
    } catch {
      if (line !== '') this.deps.log.warn({ event: 'audit-unread' }, 'a line of the audit trail is cut short');
      return [];
    }
  }
}

async function readFrom(path: string, position: number): Promise<Buffer> {
  const file = await open(path, 'r');
  try {
    const { size } = await file.stat();
    const length = Math.min(BATCH_BYTES, Math.max(0, size - position));
    const { buffer, bytesRead } = await file.read(Buffer.alloc(length), 0, length, position);
    return buffer.subarray(0, bytesRead);
  } finally {
    await file.close();
  }
}
