// Where a program finds bases and models: the part of its configuration that all of them have.

import { z } from 'zod';
import { integer, path, readConfig } from '../common/config';
import { ModelStore, requireStore, type StoreOptions } from './model-store';
import type { ObjectSettings } from './objects/remote-store';

const S3_LOCATION = /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/(.*?))?\/*$/;

const AWS_VARIABLES = ['AWS_REGION', 'AWS_ENDPOINT_URL', 'AWS_ENDPOINT_URL_S3'];

export const modelStoreSettings = {
  /** Where bases and models are: `s3://BUCKET/PREFIX`, with the AWS SDK's own variables; absent: in `home`. */
  modelStore: z.string().regex(S3_LOCATION, 'must be s3://BUCKET/PREFIX').optional(),
  /** Folder of the copies of what is in the object store. Default: `model-cache` in `home`. */
  modelCache: path().optional(),
  /** What these copies may take together, bytes: at least twice the largest model with its base. */
  modelCacheBytes: integer(1).default(20 * 1024 ** 3),
};

const schema = z.object(modelStoreSettings);

/** How to reach the object store; undefined where the store is a folder. */
export function objectSettings(environment: NodeJS.ProcessEnv = process.env): ObjectSettings | undefined {
  const config = readConfig(schema, environment);
  if (config.modelStore === undefined) return undefined;
  const [, bucket = '', prefix = ''] = S3_LOCATION.exec(config.modelStore) ?? [];
  return {
    bucket,
    prefix: prefix === '' ? '' : `${prefix}/`,
    ...s3Addressing(environment),
    cacheFolder: config.modelCache,
    cacheBytes: config.modelCacheBytes,
  };
}

/** How the AWS SDK is to address buckets; it reads credentials, region and endpoint from its own variables. */
export function s3Addressing(environment: NodeJS.ProcessEnv = process.env): { forcePathStyle: boolean } {
  const { AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: general } = environment;
  return { forcePathStyle: (own ?? general ?? '') !== '' };
}

/** What a program on another machine needs to find the same object store; credentials are not part of it. */
export function objectStoreVariables(environment: NodeJS.ProcessEnv): Record<string, string> {
  if ((environment['AUTOMED_MODEL_STORE'] ?? '') === '') return {};
  const names = ['AUTOMED_MODEL_STORE', 'AUTOMED_MODEL_CACHE_BYTES', ...AWS_VARIABLES];
  return Object.fromEntries(names.flatMap((name) => (environment[name] ? [[name, environment[name]]] : [])));
}

/** The store that the environment names, made when it is missing. */
export async function openStore(home: string, options: StoreOptions = {}): Promise<ModelStore> {
  return ModelStore.open(home, { ...options, objects: objectSettings() });
}

/** Looks for the store that the environment names, and makes none: a mistyped folder is no empty store. */
export async function requireConfiguredStore(home: string): Promise<void> {
  if (readConfig(schema, process.env).modelStore === undefined) await requireStore(home);
}

/** @throws NotFoundError on field `home` where it would be a folder, and is not there */
export async function existingStore(home: string): Promise<ModelStore> {
  return ModelStore.existing(home, { objects: objectSettings() });
}
