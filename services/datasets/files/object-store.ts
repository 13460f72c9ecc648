// Data sets in an object store: what is read is a copy below the store's folder, which a check or a training brings up to date.

import { join } from 'node:path';
import { automedError } from '../../common/errors';

export interface MirrorOptions {
  signal: AbortSignal;
  /** Called as objects are compared or fetched. */
  onProgress?: (done: number, total: number) => void;
}

/** Makes `folder` hold exactly the objects below a location. What is there already is not fetched again. */
export type Mirror = (location: string, folder: string, options: MirrorOptions) => Promise<void>;

export const isObjectLocation = (location: string): boolean => location.startsWith('s3://');

/** @throws InvalidInputError (field `spec.location`) for anything but s3://BUCKET/PREFIX */
export function parseObjectLocation(location: string): { bucket: string; prefix: string } {
  const [, bucket = '', prefix = ''] = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*))?$/.exec(location) ?? [];
  if (bucket === '') {
    throw automedError('INVALID_ARGUMENT', 'A location in an object store is s3://BUCKET/PREFIX.', {
      field: 'spec.location',
    });
  }
  return { bucket, prefix: prefix === '' || prefix.endsWith('/') ? prefix : `${prefix}/` };
}

/** Where the copy of a data set is kept. */
export function cacheFolder(home: string, name: string, version: number): string {
  return join(home, 'datasets-cache', name, String(version));
}
