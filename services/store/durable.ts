// Writing so that a reader, or the next start after a power cut, sees either nothing or all of it.

import { randomUUID } from 'node:crypto';
import { open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join, sep } from 'node:path';
import { automedError } from '../common/errors';

const DAY_MS = 24 * 60 * 60 * 1000;
const TEMPORARY = '.incoming';
const TEMPORARY_NAME = /^\.incoming-(\d+)-[0-9a-f]{8}-(.*)$/;

export function errnoOf(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | undefined)?.code;
  return typeof code === 'string' ? code : undefined;
}

/** Turns "no space left" into STORAGE_FULL; other errors pass. */
export function storageError(error: unknown): unknown {
  const code = errnoOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return error;
  return automedError('STORAGE_FULL', 'The disk is full; free some space and try again.', {
    cause: error,
  });
}

async function syncPath(path: string): Promise<void> {
  const handle = await open(path, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Flushes the entries of a folder and of those above it, up to `root`, which holds it. */
export async function syncEntries(folder: string, root: string): Promise<void> {
  await syncPath(folder);
  if (folder !== root && folder.startsWith(`${root}${sep}`)) await syncEntries(dirname(folder), root);
}

/** Names in a folder, none when there is no such folder; that it cannot be read is an error. */
export async function entriesOf(folder: string): Promise<string[]> {
  return readdir(folder).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
}

/** Paths of the files below a folder, others at work or not: what goes meanwhile, and folders that are half written, are passed over. */
export async function* filesBelow(folder: string): AsyncGenerator<string> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    if (errnoOf(error) === 'ENOENT') return [];
    throw error;
  });
  for (const entry of entries) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && !entry.name.startsWith('.incoming-')) yield* filesBelow(path);
    else if (entry.isFile()) yield path;
  }
}

/** Flushes a folder, everything below it and its entries. */
export async function syncFolder(folder: string): Promise<void> {
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    await (entry.isDirectory() ? syncFolder(path) : syncPath(path));
  }
  await syncPath(folder);
}

/** What this process made; in a container the next process often has the same host name and process id. */
const own = new Set<string>();

/** A name for a temporary folder that tells later sweeps who made it. */
export function temporaryName(): string {
  const name = `${TEMPORARY}-${process.pid}-${randomUUID().slice(0, 8)}-${hostname()}`;
  own.add(name);
  return name;
}

/** Replaces a small file in one step. */
export async function replaceFile(path: string, content: string | Uint8Array): Promise<void> {
  const temporary = join(dirname(path), temporaryName());
  try {
    await writeFile(temporary, content, { flush: true });
    await rename(temporary, path);
    await syncPath(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageError(error);
  }
}

/** Makes a finished temporary folder visible under its name; false when that name is taken. */
export async function publishFolder(temporary: string, target: string): Promise<boolean> {
  await syncFolder(temporary);
  try {
    await rename(temporary, target);
  } catch (error) {
    const code = errnoOf(error);
    if (code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
  await syncPath(dirname(target));
  return true;
}

/** Takes a folder out of sight in one step, then deletes it. */
export async function removeFolder(folder: string): Promise<void> {
  const hidden = join(dirname(folder), temporaryName());
  await rename(folder, hidden);
  await syncPath(dirname(folder));
  await rm(hidden, { recursive: true, force: true });
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errnoOf(error) === 'EPERM';
  }
}

/** Whether a temporary folder's name is that of a process of this host which lives. */
export function isWrittenNow(name: string): boolean {
  const [, pid, host] = TEMPORARY_NAME.exec(name) ?? [];
  return (
    pid !== undefined && host === hostname() && (Number(pid) === process.pid ? own.has(name) : isAlive(Number(pid)))
  );
}

/**
 * Deletes what interrupted writers left: of this host when the process is gone, of other hosts that share the folder when
 * a day has passed.
 */
export async function sweepTemporaries(folder: string): Promise<void> {
  for (const name of await readdir(folder).catch(() => [])) {
    const [, pid, host] = TEMPORARY_NAME.exec(name) ?? [];
    if (pid === undefined) continue;
    const path = join(folder, name);
    const age = Date.now() - ((await stat(path).catch(() => undefined))?.mtimeMs ?? Date.now());
    const writer = Number(pid);
    const gone = writer === process.pid ? !own.has(name) : !isAlive(writer);
    const abandoned = age > DAY_MS || (host === hostname() && gone);
    if (abandoned) await rm(path, { recursive: true, force: true });
  }
}
