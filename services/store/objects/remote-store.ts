import { join } from 'node:path';
import { BlobCache } from './blob-cache';
import type { ObjectStore } from './object-store';
import { S3Objects, type S3Location } from './s3-objects';

export interface ObjectSettings extends S3Location {
  /** Folder of the copies on this machine. Default: `model-cache` in the store's folder. */
  cacheFolder?: string | undefined;
  /** What the copies may take together. */
  cacheBytes: number;
  /** How long what was used stays whatever comes, milliseconds; see BlobCache. */
  inUseMs?: number | undefined;
}

/** Where bases and models are when not in a folder, and what this machine keeps of them. */
export interface RemoteStore {
  objects: ObjectStore;
  cache: BlobCache;
  /** Folder in which versions are written before they go out. */
  outgoing: string;
}

/** @param root folder of what belongs to this machine */
export async function openRemote(
  root: string,
  { cacheFolder, cacheBytes, inUseMs, ...location }: ObjectSettings,
): Promise<RemoteStore> {
  const cache = await BlobCache.open(cacheFolder ?? join(root, 'model-cache'), cacheBytes, inUseMs);
  return { objects: await S3Objects.open(location), cache, outgoing: join(root, 'outgoing') };
}
