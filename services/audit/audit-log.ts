// The audit trail of a program: a file a day of JSON lines, and one of the same events as DICOM audit messages. On the disk when written.

import { createHmac, randomUUID } from 'node:crypto';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../common/make-folder';
import type { AuditedStudy, AuditEvent, TimedEvent } from './types';
import { auditXml } from './xml';

/** Equal events that others cause at will are counted for so long before they are written again, milliseconds. */
const COUNTED_MS = 60_000;
/** Kinds of them that are counted apart. */
const MOST_COUNTED = 1000;

export class AuditLog {
  private writing: Promise<void> = Promise.resolve();
  private readonly counted = new Map<string, { event: AuditEvent; since: number; count: number }>();

  /** @param key of the hashes that stand for patients and studies */
  private constructor(
    private readonly folder: string,
    private readonly source: string,
    private readonly key: Buffer,
  ) {}

  /** Makes the folder when it is missing. @param source name of this system in messages */
  static async open(folder: string, source: string, key: Buffer): Promise<AuditLog> {
    await makeFolder(folder);
    return new AuditLog(folder, source, key);
  }

  /** What stands for a study and its patient. */
  studyOf({ number, study, patient }: AuditedStudy): AuditedStudy {
    const hashed = (text: string): string => createHmac('sha256', this.key).update(text).digest('hex');
    return { number, study: hashed(`study ${study}`), patient: hashed(`patient ${patient}`) };
  }

  /** Resolves when the event is on the disk; rejects as the file system does. */
  write(event: AuditEvent, now = new Date()): Promise<void> {
    const timed: TimedEvent = { time: now, id: randomUUID(), ...event };
    const day = now.toISOString().slice(0, 10);
    const next = this.writing.then(async () => {
      await append(join(this.folder, `audit-${day}.jsonl`), `${JSON.stringify(timed)}\n`);
      await append(join(this.folder, `audit-${day}.xml`), `${auditXml(timed, this.source)}\n`);
    });
    // One that failed does not hold up the next.
    this.writing = next.catch(() => undefined);
    return next;
  }

  /**
   * Writes the first of equal events at once, and how many followed within a minute: nobody fills the disk by being refused.
   * @param alike what makes events equal; without anything that whoever causes them chooses freely, such as a name
   */
  async writeCounted(event: AuditEvent, alike: string, now = Date.now()): Promise<void> {
    const isMore = !this.counted.has(alike) && this.counted.size >= MOST_COUNTED;
    const key = isMore ? `others: ${event.action}` : alike;
    const known = this.counted.get(key);
    if (known && now - known.since < COUNTED_MS) {
      known.count += 1;
      return;
    }
    // At once: others may come while this one is written.
    this.counted.set(key, { event, since: now, count: 0 });
    if (known && known.count > 0) await this.write({ ...known.event, count: known.count }, new Date(now));
    await this.flush(now);
    await this.write(event, new Date(now));
  }

  /** Writes what was only counted so far, of events that are older than a minute; all of them without a time. */
  async flush(now = Infinity): Promise<void> {
    for (const [key, { event, since, count }] of this.counted) {
      if (now - since < COUNTED_MS) continue;
      this.counted.delete(key);
      if (count > 0) await this.write({ ...event, count });
    }
  }

  /** Resolves when everything is on the disk. */
  async close(): Promise<void> {
    await this.flush();
    await this.writing;
  }
}

/** A line that was cut short, as by a full disk, spoils itself alone. */
async function append(path: string, line: string): Promise<void> {
  const file = await open(path, 'a+', 0o640);
  try {
    const { size } = await file.stat();
    const { buffer, bytesRead } = await file.read(Buffer.alloc(1), 0, 1, Math.max(0, size - 1));
    const isCut = bytesRead === 1 && buffer.toString() !== '\n';
    await file.writeFile(isCut ? `\n${line}` : line);
    await file.datasync();
  } finally {
    await file.close();
  }
}
