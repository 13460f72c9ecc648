// Copies of S3 prefixes. Each object is fetched beside its place, checked, and moved there, so that a copy that was cut short
// goes on where it stopped.

import { createHash } from 'node:crypto';
import { readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type * as Sdk from '@aws-sdk/client-s3';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { makeFolder } from '../../common/make-folder';
import { automedError } from '../../common/errors';
import { replaceFile, temporaryName } from '../../store/durable';
import { tryLock, type FileLock } from '../../common/file-lock';
import { objectStoreError } from '../../store/objects/s3-errors';
import { parseObjectLocation, type Mirror, type MirrorOptions } from '../../datasets/files/object-store';

/** Objects fetched at a time. */
const PARALLEL = 8;
/** Between two tries to be the only one at work on a copy. */
const LOCK_POLL_MS = 200;
/** Fetched objects between two records of what is there. */
const RECORD_EVERY = 200;
/** What is there: the ETag of each file. */
const RECORD = '.mirror.json';
/** No image is larger; an object is held in memory while it is checked. */
const MAX_OBJECT_BYTES = 64 * 1024 * 1024;
/** What data sets are packed in: nothing reads them, and they may lie beside what they held. */
const ARCHIVE = /\.(zip|tar|t?gz|7z|rar|bz2|xz)$/i;

const recordSchema = z.record(z.string(), z.string());

export interface S3Settings {
  /** Buckets as folders of the endpoint, as stores other than AWS want it. */
  forcePathStyle: boolean;
  /** Larger objects are refused. Default: 64 MiB. */
  maxObjectBytes?: number;
}

/** The objects below a prefix, and what reads them. */
interface Source {
  sdk: typeof Sdk;
  client: Sdk.S3Client;
  bucket: string;
  prefix: string;
  maxObjectBytes: number;
}

interface Remote {
  key: string;
  /** Path below the folder. */
  path: string;
  etag: string;
  size: number;
}

/** A mirror that reads with the credentials, region and endpoint of the environment's AWS variables. */
export function s3Mirror({ forcePathStyle, maxObjectBytes = MAX_OBJECT_BYTES }: S3Settings): Mirror {
  return async (location, folder, options) => {
    const { bucket, prefix } = parseObjectLocation(location);
    // Loaded only here: most workers never see an object store.
    const sdk = await import('@aws-sdk/client-s3');
    const client = new sdk.S3Client({ forcePathStyle });
    try {
      const lock = await alone(folder, options.signal);
      try {
        await update({ sdk, client, bucket, prefix, maxObjectBytes }, folder, options);
      } finally {
        lock.release();
      }
    } catch (error) {
      throw explained(error, location, options.signal);
    } finally {
      client.destroy();
    }
  };
}

/** Waits for whoever else brings the copy up to date: another job, or another rank of the same one. */
async function alone(folder: string, signal: AbortSignal): Promise<FileLock> {
  for (;;) {
    const lock = tryLock(`${folder}.lock`);
    if (lock) return lock;
    signal.throwIfAborted();
    await sleep(LOCK_POLL_MS);
  }
}

function explained(error: unknown, location: string, signal: AbortSignal): unknown {
  if (signal.aborted) return automedError('CANCELLED', 'Fetching the data set was cancelled.', { cause: error });
  return objectStoreError(error, location, 'location');
}

async function update(source: Source, folder: string, { signal, onProgress }: MirrorOptions): Promise<void> {
  const remote = await listObjects(source, signal);
  if (remote.length === 0) {
    throw automedError('NOT_FOUND', `There are no objects below s3://${source.bucket}/${source.prefix}.`, {
      field: 'location',
    });
  }
  await makeFolder(folder);
  const there = await readRecord(folder);
  await removeOthers(folder, new Set(remote.map(({ path }) => path)));
  let done = 0;
  const waiting = [...remote];
  const record = async (): Promise<void> => replaceFile(join(folder, RECORD), JSON.stringify(there));
  const work = async (): Promise<void> => {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      signal.throwIfAborted();
      if (there[next.path] !== next.etag || (await sizeOf(join(folder, next.path))) !== next.size) {
        await fetchObject(source, next, folder, signal);
        there[next.path] = next.etag;
      }
      done += 1;
      onProgress?.(done, remote.length);
      if (done % RECORD_EVERY === 0) await record();
    }
  };
  try {
    await Promise.all(Array.from({ length: PARALLEL }, work));
  } finally {
    waiting.length = 0;
    await record();
  }
}

async function listObjects(source: Source, signal: AbortSignal): Promise<Remote[]> {
  const { sdk, client, bucket, prefix, maxObjectBytes } = source;
  const objects: Remote[] = [];
  for await (const page of sdk.paginateListObjectsV2({ client }, { Bucket: bucket, Prefix: prefix })) {
    signal.throwIfAborted();
    for (const { Key: key = '', ETag: etag = '', Size: size = 0 } of page.Contents ?? []) {
      const path = key.slice(prefix.length);
      if (path === '' || path.endsWith('/') || ARCHIVE.test(path)) continue;
      if (path.split('/').some((part) => part === '' || part === '.' || part === '..' || part.includes('\\'))) {
        throw automedError('INVALID_ARGUMENT', `The object ${key} has no name that a file can have.`, {
          field: 'location',
        });
      }
      if (size > maxObjectBytes) {
        const message = `The object ${key} has ${size} bytes; none of a data set may have more than ${maxObjectBytes}.`;
        throw automedError('INVALID_ARGUMENT', message, { field: 'location' });
      }
      objects.push({ key, path, etag: etag.replaceAll('"', ''), size });
    }
  }
  return objects;
}

async function fetchObject(
  { sdk, client, bucket }: Source,
  { key, path, etag, size }: Remote,
  folder: string,
  signal: AbortSignal,
): Promise<void> {
  const { Body } = await client.send(new sdk.GetObjectCommand({ Bucket: bucket, Key: key }), { abortSignal: signal });
  const bytes = Body ? await Body.transformToByteArray() : new Uint8Array();
  // The ETag of an object that was put in one piece, without a key of the customer's, is the MD5 of its content.
  const md5 = /^[0-9a-f]{32}$/.test(etag) ? createHash('md5').update(bytes).digest('hex') : etag;
  if (bytes.length !== size || md5 !== etag) {
    throw automedError('ILLEGAL_STATE', `The object ${key} changed or was damaged while it was fetched; try again.`, {
      field: 'location',
    });
  }
  const target = join(folder, path);
  await makeFolder(dirname(target));
  const temporary = join(dirname(target), temporaryName());
  await writeFile(temporary, bytes);
  await rename(temporary, target);
}

async function readRecord(folder: string): Promise<Record<string, string>> {
  const text = await readFile(join(folder, RECORD), 'utf8').catch(() => '{}');
  try {
    return recordSchema.parse(JSON.parse(text));
  } catch {
    // A record that cannot be read costs fetching again, and nothing else.
    return {};
  }
}

async function sizeOf(path: string): Promise<number | undefined> {
  return stat(path).then(
    ({ size }) => size,
    () => undefined,
  );
}

/** Deletes copies of objects that are gone, and what an interrupted fetch left. */
async function removeOthers(folder: string, wanted: ReadonlySet<string>): Promise<void> {
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isDirectory()) continue;
    const full = join(entry.parentPath, entry.name);
    const path = full.slice(folder.length + 1).replaceAll('\\', '/');
    if (path !== RECORD && !wanted.has(path)) await rm(full, { force: true });
  }
}
