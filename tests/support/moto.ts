// An S3 server that is not of this project: moto, which evaluates the conditions of writes itself and lists in pages.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { CreateBucketCommand, HeadBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { eventually } from './grpc';
import { freePort } from './pods';

export interface Moto {
  client: S3Client;
  /** What a program needs to find it. */
  env: Record<string, string>;
  put(key: string, body: string): Promise<void>;
  /** Requests that it was asked, such as `GET /models/a/1/model.json`, since the last look: all that were answered are among them. */
  requests(): Promise<string[]>;
  stop(): Promise<void>;
}

/** @param pythonPath where moto is @param bucket which is made */
export async function startMoto(pythonPath: string, bucket: string): Promise<Moto> {
  const port = await freePort();
  const child = spawn('python3', ['-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    env: { ...process.env, PYTHONPATH: pythonPath, PYTHONUNBUFFERED: '1' },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const ended = once(child, 'exit');
  const seen: string[] = [];
  const mark = `HEAD /${bucket}/`;
  await new Promise<void>((resolve, reject) => {
    void ended.then(() => reject(new Error('moto ended before it listened')));
    createInterface(child.stderr).on('line', (line) => {
      if (line.includes('Running on')) resolve();
      const [, request] = /"([A-Z]+ \S+) HTTP/.exec(line) ?? [];
      if (request !== undefined) seen.push(request);
    });
  });
  const env = {
    AWS_ENDPOINT_URL_S3: `http://127.0.0.1:${port}`,
    AWS_ACCESS_KEY_ID: 'test',
    AWS_SECRET_ACCESS_KEY: 'test',
    AWS_REGION: 'us-east-1',
  };
  const client = new S3Client({
    endpoint: env.AWS_ENDPOINT_URL_S3,
    region: env.AWS_REGION,
    forcePathStyle: true,
    credentials: { accessKeyId: env.AWS_ACCESS_KEY_ID, secretAccessKey: env.AWS_SECRET_ACCESS_KEY },
  });
  await client.send(new CreateBucketCommand({ Bucket: bucket }));
  return {
    client,
    env,
    async put(key, body) {
      await client.send(new PutObjectCommand({ Bucket: bucket, Key: key, Body: body }));
    },
    // Its log comes on a road of its own, maybe after the answers: one request more marks where to look up to.
    async requests() {
      await client.send(new HeadBucketCommand({ Bucket: bucket }));
      await eventually(() => seen.includes(mark));
      return seen.splice(0).filter((request) => request !== mark);
    },
    async stop() {
      client.destroy();
      child.kill('SIGTERM');
      await ended;
    },
  };
}
