// The way of an image to its embedding through the services, beside gRPC servers of a page of Python around PyTorch and around
// onnxruntime: the same weights, images and threads. Equal embeddings are checked before anything is timed.

import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import sharp from 'sharp';
import { BRIEF_SPIN } from '../../../native/lib';
import { channelOptions } from '../../../services/common/grpc/client';
import { interactiveClient } from '../../support/api-clients';
import { fromBuild, startProgram } from '../../support/stack';
import { makeStore, type TestStore } from '../../support/stack-store';
import { startPeer } from '../peers';
import { spread, type Spread } from './measure';
import { pictures } from './pictures';

const ROOT = join(__dirname, '..', '..', '..');
const PYTHON = process.env.AUTOMED_REFERENCE_PYTHON ?? 'python3';
/** Relative L2 distance up to which two float32 embeddings are the same. */
const SAME = 1e-4;
/** SAM's, on the 0-255 scale. */
const MEAN = [123.675, 116.28, 103.53] as const;
const DEVIATION = [58.395, 57.12, 57.375] as const;

/** A server that makes an embedding of each image that it gets. */
interface Contender {
  name: string;
  encode: (image: Buffer) => Promise<void>;
  /** Absent where the server keeps embeddings to itself. */
  embedding?: (image: Buffer) => Promise<Float32Array>;
  stop: () => Promise<unknown>;
}

const floatsOf = (bytes: Buffer): Float32Array => new Float32Array(new Uint8Array(bytes).buffer);

/** Undefined where it ends first: what it needs is not there. */
async function pythonServer(name: string, kind: string, spec: string): Promise<Contender | undefined> {
  const env = { ...process.env, GOMP_SPINCOUNT: String(BRIEF_SPIN) }; // as the inference service's
  const script = join(__dirname, 'peer.py');
  const child: ChildProcess = spawn(PYTHON, [script, spec, kind], { stdio: ['pipe', 'pipe', 'inherit'], env });
  child.on('error', () => undefined);
  if (!child.stdout) return undefined;
  const { value, done } = await createInterface({ input: child.stdout })[Symbol.asyncIterator]().next();
  if (done === true) return undefined;
  const { address } = JSON.parse(value) as { address: string };
  const client = new Client(address, credentials.createInsecure(), channelOptions());
  const same = (bytes: Buffer): Buffer => bytes;
  const call = (image: Buffer, metadata: Metadata): Promise<Buffer> =>
    new Promise((resolve, reject) =>
      client.makeUnaryRequest('/peer.Encoder/Encode', same, same, image, metadata, (error, answer) =>
        error ? reject(error) : resolve(answer as Buffer),
      ),
    );
  return {
    name,
    encode: async (image) => void (await call(image, new Metadata())),
    embedding: async (image) => {
      const metadata = new Metadata();
      metadata.set('embedding', 'whole');
      return floatsOf(await call(image, metadata));
    },
    stop: async () => {
      client.close();
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
  };
}

/** The inference service, which answers the name of the embedding that it keeps. */
async function ownServer(home: string, arch: string): Promise<Contender> {
  const settings = { AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'error', AUTOMED_THREADS_PER_WORKER: '' };
  const program = await startProgram('inference', settings, fromBuild(ROOT, 'inference'));
  const client = interactiveClient(program.address);
  return {
    name: 'this',
    encode: async (encoded) => {
      const { timings } = await client.unary('EncodeImage', { model: arch, image: { encoded } });
      if (timings?.embeddingCached) throw new Error('the server had seen this image before');
    },
    stop: () => {
      client.close();
      return program.stop();
    },
  };
}

/** The embedding of the native encoder, as the inference service runs it. */
async function nativeEmbedding({ base }: TestStore, image: Buffer, folder: string): Promise<Float32Array> {
  const { data, info } = await sharp(image).raw().toBuffer({ resolveWithObject: true });
  const count = info.width * info.height;
  const planes = Float32Array.from({ length: 3 * count }, (_, at) => {
    const band = Math.floor(at / count);
    return ((data[3 * (at % count) + band] ?? 0) - MEAN[band as 0]) / DEVIATION[band as 0];
  });
  const path = (name: string): string => join(folder, name);
  writeFileSync(path('image.f32'), new Uint8Array(planes.buffer));
  writeFileSync(path('architecture.json'), JSON.stringify(base.manifest.architecture));
  execFileSync('cmake', ['--build', join(ROOT, 'build'), '--target', 'automed_bench'], { stdio: ['ignore', 2, 2] });
  const args = [base.weightsPath, path('architecture.json'), path('image.f32'), '1', 'packed', 'float32'];
  const peer = await startPeer('native', join(ROOT, 'build', 'Release', 'automed_bench'), args);
  if (!peer) throw new Error('build/Release/automed_bench does not start');
  await peer.run(path('native.f32'));
  await peer.close();
  return floatsOf(readFileSync(path('native.f32')));
}

/** @throws where a server computes something else than the native encoder */
async function checkEqual(contenders: readonly Contender[], image: Buffer, expected: Float32Array): Promise<void> {
  const norm = Math.sqrt(expected.reduce((sum, value) => sum + value ** 2, 0));
  for (const { name, embedding } of contenders) {
    if (!embedding) continue;
    const found = await embedding(image);
    const off = Math.sqrt(expected.reduce((sum, value, at) => sum + (value - (found[at] ?? NaN)) ** 2, 0));
    if (!(off / norm <= SAME)) throw new Error(`${name} computes something else: relative distance ${off / norm}`);
  }
}

export interface ServerTimes {
  /** Of one caller's calls, milliseconds. */
  call: Spread;
  /** Median of the ratios of neighbouring calls to ours. */
  ratio: number;
  /** From the start of the server to its first answer, weights read, milliseconds; that of onnxruntime exports them besides. */
  first_answer_ms: number;
}

/**
 * Servers in turn, call by call, each with images that it has not seen.
 * @returns by name; without the Python servers where what they need is not there
 */
export async function measureServers(home: string, arch: string, calls: number): Promise<Record<string, ServerTimes>> {
  const store = await makeStore(home, arch);
  const { architecture } = store.base.manifest;
  const spec = join(home, 'peers.json');
  const threads = availableParallelism();
  writeFileSync(spec, JSON.stringify({ architecture, weights: store.base.weightsPath, threads }));
  const images = await pictures('png', calls + 1, architecture.image_size);
  const [first, ...rest] = images as [Buffer, ...Buffer[]];
  const contenders: (Contender & { firstAnswerMs: number })[] = [];
  try {
    for (const start of [
      () => ownServer(home, arch),
      () => pythonServer('PyTorch, grpcio', 'eager', spec),
      () => pythonServer('onnxruntime, grpcio', 'onnxruntime', spec),
    ]) {
      const begun = performance.now();
      const contender = await start();
      await contender?.encode(first);
      if (contender) contenders.push({ ...contender, firstAnswerMs: performance.now() - begun });
    }
    if (contenders.length > 1) await checkEqual(contenders, first, await nativeEmbedding(store, first, home));
    const times = contenders.map((): number[] => []);
    for (const image of rest) {
      for (const [at, { encode }] of contenders.entries()) {
        const begun = performance.now();
        await encode(image);
        times[at]?.push(performance.now() - begun);
      }
    }
    return Object.fromEntries(
      contenders.map(({ name, firstAnswerMs }, at) => {
        const own = times[at] ?? [];
        const ratio = spread(own.map((ms, call) => ms / (times[0]?.[call] ?? NaN))).median;
        return [name, { call: spread(own), ratio, first_answer_ms: firstAnswerMs }];
      }),
    );
  } finally {
    for (const { stop } of contenders) await stop();
  }
}
