// An S3 server of the test's own, on a free port.

import { readdirSync, readFileSync } from 'node:fs';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join, relative } from 'node:path';
import { PutObjectCommand, S3Client } from '@aws-sdk/client-s3';

interface Context {
  method: string;
  path: string;
  status: number;
  body: unknown;
  headers: Record<string, string | undefined>;
}
type Middleware = (context: Context, next: () => Promise<void>) => Promise<void>;

interface S3rver {
  run(): Promise<AddressInfo>;
  close(): Promise<void>;
  httpServer: Server;
  middleware: Middleware[];
  store: { getMetadata(bucket: string, key: string): Promise<{ etag: string }> };
}
// It comes without types.
// eslint-disable-next-line @typescript-eslint/no-require-imports
const S3rverClass = require('s3rver') as new (options: object) => S3rver;

export interface ObjectStore {
  client: S3Client;
  /** What a program needs to find it. */
  env: Record<string, string>;
  /** Puts every file below a folder under a prefix. */
  upload(bucket: string, prefix: string, folder: string): Promise<void>;
  put(bucket: string, key: string, body: Buffer): Promise<void>;
  port: number;
  http: Server;
  stop(): Promise<void>;
}

export interface ObjectStoreOptions {
  /** Another port than any free one: that of a server which was stopped. */
  port?: number;
  /** Whether the server evaluates If-None-Match and If-Match of PUT, which s3rver by itself ignores. Default: true. */
  conditions?: boolean;
}

/** Evaluates the conditions of a PUT as RFC 9110 has it, one PUT at a time. */
function conditionalWrites(server: S3rver): Middleware {
  let turn = Promise.resolve();
  return async (context, next) => {
    const { 'if-none-match': absent, 'if-match': match } = context.headers;
    if (context.method !== 'PUT') return next();
    const work = turn.then(async () => {
      const [, bucket = '', ...key] = decodeURIComponent(context.path).split('/');
      const etag = await server.store.getMetadata(bucket, key.join('/')).then(
        (metadata) => metadata.etag,
        () => undefined,
      );
      const holds = (absent === undefined || etag === undefined) && (match === undefined || match === etag);
      if (holds) return next();
      context.status = 412;
      context.body = { Error: { Code: 'PreconditionFailed', Message: 'a condition does not hold' } };
    });
    turn = work.catch(() => undefined);
    return work;
  };
}

export async function startObjectStore(
  directory: string,
  buckets: readonly string[],
  { port: wanted = 0, conditions = true }: ObjectStoreOptions = {},
): Promise<ObjectStore> {
  const server = new S3rverClass({
    address: '127.0.0.1',
    port: wanted,
    silent: true,
    directory,
    configureBuckets: buckets.map((name) => ({ name, configs: [] })),
  });
  // Within the part that writes objects as XML, which is the first.
  if (conditions) server.middleware.splice(1, 0, conditionalWrites(server));
  const { port } = await server.run();
  const env = {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'S3RVER',
    AWS_SECRET_ACCESS_KEY: 'S3RVER',
    AWS_REGION: 'us-east-1',
  };
  const client = new S3Client({
    endpoint: env.AWS_ENDPOINT_URL_S3,
    region: env.AWS_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
  });
  const put = async (bucket: string, key: string, body: Buffer): Promise<void> => {
    await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
  };
  return {
    client,
    port,
    http: server.httpServer,
    env,
    put,
    async upload(bucket, prefix, folder) {
      for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
        if (entry.isDirectory()) continue;
        const path = join(entry.parentPath, entry.name);
        await put(bucket, `${prefix}${relative(folder, path).replaceAll('\\', '/')}`, readFileSync(path));
      }
    },
    async stop() {
      client.destroy();
      server.httpServer.closeAllConnections();
      await server.close();
    },
  };
}
