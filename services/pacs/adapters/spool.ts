// Where received objects lie. A file is complete and on the disk before its name tells so; names are the spool's own, never what
// a sender wrote.

import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream, type WriteStream } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { makeFolder } from '../../common/make-folder';
import { syncEntries } from '../../store/durable';

const PART = '.part';
const FILE = '.dcm';
/** First bytes of a data set that are kept in memory, for its header. */
const HEAD_BYTES = 32 * 1024;

/** A file that was received whole. */
export interface Spooled {
  /** Path below the spool. */
  name: string;
  /** Of the data set, 64 lower-case hexadecimal digits. */
  sha256: string;
  /** Of the file. */
  bytes: number;
  /** Beginning of the file, or all of it. */
  head: Buffer;
}

/** Folder of received files. */
export class Spool {
  private constructor(readonly root: string) {}

  /** Makes the folder when it is missing, and deletes files that no sender finished. */
  static async open(root: string): Promise<Spool> {
    await makeFolder(root);
    for (const name of await readdir(root, { recursive: true })) {
      if (name.endsWith(PART)) await rm(join(root, name), { force: true });
    }
    return new Spool(root);
  }

  path(name: string): string {
    return join(this.root, name);
  }

  /** Begins a file. @param beginning what stands before the data set */
  async create(beginning: Buffer): Promise<SpoolFile> {
    const id = randomUUID();
    const name = join(id.slice(0, 2), `${id}${FILE}`);
    await makeFolder(dirname(this.path(name)));
    return new SpoolFile(this, name, beginning);
  }

  /** @param name of a file that is there no longer is no error */
  async remove(name: string): Promise<void> {
    await rm(this.path(name), { force: true });
  }

  /** Names of the files that are complete. */
  async names(): Promise<string[]> {
    return (await readdir(this.root, { recursive: true })).filter((name) => name.endsWith(FILE));
  }
}

/** A file that is being received. An error of the disk shows at the end, so that whoever sends gets an answer. */
export class SpoolFile {
  private readonly stream: WriteStream;
  private readonly hash = createHash('sha256');
  private readonly beginnings: Buffer[];
  private headBytes: number;
  private bytes: number;
  private failed: Error | undefined;
  private waiting: (() => void) | undefined;

  constructor(
    private readonly spool: Spool,
    private readonly name: string,
    beginning: Buffer,
  ) {
    this.stream = createWriteStream(this.partPath, { flags: 'wx', highWaterMark: 1024 * 1024 });
    this.stream.on('error', (error) => {
      this.failed ??= error;
      this.drained();
    });
    this.stream.on('drain', () => this.drained());
    this.stream.write(beginning);
    this.beginnings = [beginning];
    this.headBytes = beginning.length;
    this.bytes = beginning.length;
  }

  private get partPath(): string {
    return this.spool.path(this.name) + PART;
  }

  /** Writes a part of the data set; false when more is waiting for the disk than should. */
  write(chunk: Buffer): boolean {
    this.bytes += chunk.length;
    this.hash.update(chunk);
    if (this.headBytes < HEAD_BYTES) {
      // A copy: the chunk is a part of a larger packet, which would be kept.
      this.beginnings.push(Buffer.from(chunk.subarray(0, HEAD_BYTES - this.headBytes)));
      this.headBytes += chunk.length;
    }
    return this.failed !== undefined || this.stream.write(chunk);
  }

  /** Runs when the disk has taken what was waiting for it, with the end of the file at the latest; at once when the disk has failed. */
  onceDrained(work: () => void): void {
    this.waiting = work;
    if (this.failed) this.drained();
  }

  private drained(): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.();
  }

  /** The file is on the disk under its name when this resolves. @throws errors of the file system as they are */
  async finish(): Promise<Spooled> {
    await new Promise<void>((resolve, reject) => {
      if (this.failed) reject(this.failed);
      this.stream.once('error', reject);
      // Called with the error of a write that failed, before the stream emits it.
      this.stream.end((error?: Error | null) => (error ? reject(error) : resolve()));
    }).finally(() => this.drained());
    const path = this.spool.path(this.name);
    const handle = await open(this.partPath, 'r');
    try {
      const { size } = await handle.stat();
      if (size !== this.bytes) throw new Error('the disk has not taken the whole file');
      await handle.datasync();
    } finally {
      await handle.close();
    }
    await rename(this.partPath, path);
    await syncEntries(dirname(path), this.spool.root);
    const head = Buffer.concat(this.beginnings);
    return { name: this.name, sha256: this.hash.digest('hex'), bytes: this.bytes, head };
  }

  /** Deletes what has come, as when the sender went away. */
  async discard(): Promise<void> {
    this.failed ??= new Error('discarded');
    this.drained();
    this.stream.destroy();
    await new Promise<void>((resolve) => (this.stream.closed ? resolve() : this.stream.once('close', resolve)));
    await rm(this.partPath, { force: true });
    await this.spool.remove(this.name);
  }
}
