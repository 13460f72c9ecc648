// Takes files from folders. A file is taken when it has not changed for a while, and moved away after it is journalled: whatever
// ends in between, it is taken again, and known then.

import { createReadStream } from 'node:fs';
import { readdir, rename, rm, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { randomUUID } from 'node:crypto';
import type { Logger } from '../../common/logging';
import { makeFolder } from '../../common/make-folder';
import { errnoOf } from '../../store/durable';
import { waitMs } from '../domain/backoff';
import type { Outcome, Source } from '../../dicom-net/reception';
import type { WatchedFolder } from '../../pacs-site/schema';
import { FileIntake } from './file-intake';
import type { Receiver } from './receiver';

export interface WatchDeps {
  folders: () => readonly WatchedFolder[];
  /** AE title that files count as sent to. */
  ownTitle: () => string;
  receiver: Receiver;
  log: Logger;
}

/** Below a watched folder: files that are kept, and files that are none of ours. */
export const DONE = 'done';
export const REFUSED = 'refused';
/** Names of files that somebody still writes, by the habits of programs that copy. */
const UNFINISHED = /^\.|\.(part|partial|tmp|temp|filepart|crdownload)$/i;
/** A file that is cut short counts as still being written for so many times of its settling. */
const CUT_PATIENCE = 15;
const AGAIN = { attempts: Infinity, firstMs: 2_000, longestMs: 300_000 };

interface Seen {
  size: number;
  mtimeMs: number;
  /** When it was seen to change last, milliseconds of the monotonic clock. */
  since: number;
  attempts: number;
  /** Not taken before. */
  notBefore: number;
  /** What came of it, while it could not be moved away: it is not read again for that. */
  outcome?: Outcome;
}

/** Watches the folders of a site. */
export class WatchedFolders {
  private readonly seen = new Map<string, Seen>();

  constructor(private readonly deps: WatchDeps) {}

  /** Takes what is ready; resolves to whether there was anything. */
  async look(signal?: AbortSignal): Promise<boolean> {
    let took = false;
    const present = new Set<string>();
    for (const folder of this.deps.folders()) {
      for await (const path of filesIn(folder.path)) {
        present.add(path);
        if (signal?.aborted || !this.deps.receiver.hasRoom) continue;
        if (await this.isReady(path, folder)) took = (await this.take(path, folder)) || took;
      }
    }
    for (const path of this.seen.keys()) if (!present.has(path)) this.seen.delete(path);
    return took;
  }

  private async isReady(path: string, { settle_seconds }: WatchedFolder): Promise<boolean> {
    const found = await stat(path).catch(() => undefined);
    if (!found) return false;
    const { size, mtimeMs } = found;
    const now = performance.now();
    const before = this.seen.get(path);
    if (before?.size !== size || before.mtimeMs !== mtimeMs) {
      this.seen.set(path, { size, mtimeMs, since: now, attempts: 0, notBefore: 0 });
      return settle_seconds === 0 && size > 0;
    }
    return size > 0 && now - before.since >= settle_seconds * 1000 && now >= before.notBefore;
  }

  /** Whether the file is out of the way. */
  private async take(path: string, folder: WatchedFolder): Promise<boolean> {
    const { log } = this.deps;
    const seen = this.seen.get(path);
    if (!seen) return false;
    const outcome = seen.outcome ?? (await this.receive(path, folder, seen));
    if (outcome === 'changed') {
      this.seen.delete(path);
      return false;
    }
    seen.attempts += 1;
    seen.notBefore = performance.now() + waitMs(AGAIN, seen.attempts);
    if ('kept' in outcome) return this.clear(path, folder, seen, outcome);
    const { refused, message } = outcome;
    const isOurs = refused === 'disk-full' || refused === 'failed';
    const isFresh = performance.now() - seen.since < CUT_PATIENCE * folder.settle_seconds * 1000;
    if (isOurs || (refused === 'unreadable' && isFresh)) return false;
    if (!seen.outcome) log.warn({ event: 'file-refused', reason: refused, folder: folder.ae }, message);
    return this.clear(path, folder, seen, outcome);
  }

  /** Gets a file out of the way; where that fails, such as on a read-only mount, it is tried again later. */
  private async clear(path: string, folder: WatchedFolder, seen: Seen, outcome: Outcome): Promise<boolean> {
    try {
      if (!('kept' in outcome)) await moveInto(REFUSED, path, folder);
      else if (folder.after === 'delete') await rm(path, { force: true });
      else await moveInto(DONE, path, folder);
      return true;
    } catch (error) {
      if (errnoOf(error) === 'ENOENT' && !(await exists(path))) return true;
      seen.outcome = outcome;
      // Errors of the file system name the file, and names of files may be names of patients.
      const fields = { event: 'file-stays', folder: folder.ae, code: errnoOf(error) ?? 'error' };
      this.deps.log.error(fields, 'a file could not be moved away');
      return false;
    }
  }

  private async receive(path: string, { ae }: WatchedFolder, before: Seen): Promise<Outcome | 'changed'> {
    const { receiver, ownTitle } = this.deps;
    const source: Source = { way: 'folder', calling: ae, called: ownTitle() };
    const intake = new FileIntake(receiver, source, { mayBeCut: true });
    try {
      for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) {
        await intake.write(chunk as Buffer);
      }
      const after = await stat(path);
      if (after.size === before.size && after.mtimeMs === before.mtimeMs) return await intake.finish();
      await intake.discard();
      return 'changed';
    } catch (error) {
      await intake.discard();
      if (errnoOf(error) === 'ENOENT') return 'changed';
      // Names of files may be names of patients.
      this.deps.log.error({ event: 'file-unreadable', folder: ae, code: errnoOf(error) }, 'a file could not be taken');
      return { refused: 'failed', message: 'The file could not be read.' };
    }
  }
}

/** Regular files below a folder; links are not followed, since they may lead anywhere. */
async function* filesIn(root: string, folder = root): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (UNFINISHED.test(entry.name)) continue;
    if (entry.isFile()) yield path;
    else if (entry.isDirectory() && !(folder === root && [DONE, REFUSED].includes(entry.name))) {
      yield* filesIn(root, path);
    }
  }
}

/** Moves a file under its name; beside one that is there already. */
async function moveInto(place: string, path: string, { path: root }: WatchedFolder): Promise<void> {
  const target = join(root, place, relative(root, path));
  await makeFolder(dirname(target));
  await rename(path, (await exists(target)) ? `${target}.${randomUUID().slice(0, 8)}` : target);
}

function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
