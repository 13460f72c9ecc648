// Copies of objects on this machine, named by their sha256, so that nothing is fetched twice and nothing damaged is read.

import { createWriteStream } from 'node:fs';
import { copyFile, readdir, rename, rm, stat, truncate, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { automedError } from '../../common/errors';
import { tryLock } from '../../common/file-lock';
import { makeFolder } from '../../common/make-folder';
import { errnoOf, storageError, sweepTemporaries, temporaryName } from '../durable';
import { VerifiedFiles } from '../verified-files';

const BLOB = /^[0-9a-f]{64}$/;
/** What was used within this time may be about to be opened, and stays, milliseconds. */
const IN_USE_MS = 60_000;
const LOCK_POLL_MS = 20;

/** Where the content of a file comes from. */
export type Source = () => Promise<{ bytes: number; body: Readable }>;

/**
 * Several processes may use one folder at once. A copy appears whole or not at all, is compared with its sha256 before it is
 * handed out, and fetched again when it is damaged. Together they take no more than `maxBytes`: what was not used for the
 * longest time goes first.
 */
export class BlobCache {
  private readonly verified = new VerifiedFiles();
  private readonly coming = new Map<string, Promise<boolean>>();

  private constructor(
    private readonly folder: string,
    private readonly maxBytes: number,
    private readonly inUseMs: number,
  ) {}

  static async open(folder: string, maxBytes: number, inUseMs = IN_USE_MS): Promise<BlobCache> {
    await makeFolder(folder);
    await sweepTemporaries(folder);
    return new BlobCache(folder, maxBytes, inUseMs);
  }

  path(sha256: string): string {
    return join(this.folder, sha256);
  }

  /**
   * Path of a file with this content; undefined when its source has another one.
   * @throws ResourceExhaustedError (STORAGE_FULL) when there is no room
   */
  async get(sha256: string, source: Source): Promise<string | undefined> {
    const coming = this.coming.get(sha256) ?? this.bring(sha256, source).finally(() => this.coming.delete(sha256));
    this.coming.set(sha256, coming);
    return (await coming) ? this.path(sha256) : undefined;
  }

  /** Keeps a copy of a file of this machine, which is gone afterwards, where there is room. */
  async adopt(path: string, { sha256, bytes }: { sha256: string; bytes: number }): Promise<void> {
    const reserved = await this.reserve(bytes).catch(() => undefined);
    if (reserved === undefined) return;
    try {
      // Another file system refuses to rename.
      await rename(path, reserved).catch(async () => copyFile(path, reserved));
      await rename(reserved, this.path(sha256));
    } catch {
      // It is fetched when somebody asks for it.
    } finally {
      await rm(reserved, { force: true });
    }
  }

  /** False when the source has another content. */
  private async bring(sha256: string, source: Source): Promise<boolean> {
    const path = this.path(sha256);
    if (await this.isThere(path, sha256)) return true;
    const { bytes, body } = await source();
    let temporary: string | undefined;
    try {
      temporary = await this.reserve(bytes);
      await pipeline(body, createWriteStream(temporary, { flags: 'r+', flush: true }));
      if (!(await this.verified.check(temporary, { sha256, bytes }))) return false;
      await rename(temporary, path);
      await this.used(path, sha256);
      return true;
    } catch (error) {
      throw storageError(error);
    } finally {
      body.destroy();
      if (temporary !== undefined) {
        this.verified.forget(temporary);
        await rm(temporary, { force: true });
      }
    }
  }

  private async isThere(path: string, sha256: string): Promise<boolean> {
    try {
      if (await this.verified.check(path, { sha256 })) {
        await this.used(path, sha256);
        return true;
      }
    } catch (error) {
      if (errnoOf(error) === 'ENOENT') return false;
      throw error;
    }
    await rm(path, { force: true });
    return false;
  }

  /** Its time of access says when, whatever the mount says of access times; its time of change is nobody's business. */
  private async used(path: string, sha256: string): Promise<void> {
    await utimes(path, (performance.timeOrigin + performance.now()) / 1000, 0);
    await this.verified.renew(path, sha256);
  }

  /** A temporary file of the size that is to come, so that other processes count it, too. */
  private async reserve(bytes: number): Promise<string> {
    if (bytes > this.maxBytes) {
      const text = `A file of ${bytes} bytes does not fit into the cache of models, which may take ${this.maxBytes} (AUTOMED_MODEL_CACHE_BYTES).`;
      throw automedError('STORAGE_FULL', text);
    }
    const lock = await this.alone();
    try {
      await this.makeRoom(bytes);
      const temporary = join(this.folder, temporaryName());
      await writeFile(temporary, '');
      await truncate(temporary, bytes);
      return temporary;
    } finally {
      lock.release();
    }
  }

  private async alone(): Promise<{ release(): void }> {
    for (;;) {
      const lock = tryLock(join(this.folder, '.lock'));
      if (lock) return lock;
      await sleep(LOCK_POLL_MS);
    }
  }

  private async makeRoom(bytes: number): Promise<void> {
    const files = await this.files();
    let room = this.maxBytes - files.reduce((sum, file) => sum + file.bytes, 0);
    const idleSince = Date.now() - this.inUseMs;
    const idle = files.filter(({ name, usedAt }) => BLOB.test(name) && usedAt <= idleSince);
    for (const { name, bytes: freed } of idle.sort((left, right) => left.usedAt - right.usedAt)) {
      if (room >= bytes) return;
      await rm(join(this.folder, name), { force: true });
      this.verified.forget(join(this.folder, name));
      room += freed;
    }
    if (room >= bytes) return;
    const text = `The cache of models is full of what is in use, so that ${bytes} bytes find no room; try again, or raise AUTOMED_MODEL_CACHE_BYTES (${this.maxBytes}).`;
    throw automedError('STORAGE_FULL', text, { retryAfterMs: this.inUseMs });
  }

  private async files(): Promise<{ name: string; bytes: number; usedAt: number }[]> {
    const names = (await readdir(this.folder)).filter((name) => BLOB.test(name) || name.startsWith('.incoming-'));
    const files = await Promise.all(
      names.map(async (name) => {
        const facts = await stat(join(this.folder, name)).catch(() => undefined);
        return facts ? [{ name, bytes: facts.size, usedAt: facts.atimeMs }] : [];
      }),
    );
    return files.flat();
  }
}
