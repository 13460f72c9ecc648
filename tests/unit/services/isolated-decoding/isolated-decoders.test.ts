// Real processes, which run the compiled decoder: what they answer is what this process' decoder says of the same file.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import sharp from 'sharp';
import type { AutomedError } from '../../../../services/common/errors';
import { decodeImage, DEFAULT_LIMITS, inspectImage } from '../../../../services/imaging/decode';
import type { DecoderEnded } from '../../../../services/isolated-decoding/isolated-decoder';
import {
  IsolatedDecoders,
  type IsolatedDecodersOptions,
} from '../../../../services/isolated-decoding/isolated-decoders';
import type { Pixels } from '../../../../services/imaging/pixels/pixels';
import { GREY, png, RGB, tiff } from '../../../support/images';

const opened: IsolatedDecoders[] = [];
afterAll(() => opened.forEach((decoders) => decoders.close()));

async function start(options: Partial<IsolatedDecodersOptions> = {}): Promise<IsolatedDecoders> {
  const decoders = await IsolatedDecoders.start({ count: 1, limits: DEFAULT_LIMITS, ...options });
  opened.push(decoders);
  return decoders;
}

/** Processes of this one's that decode. */
function processes(): number[] {
  const children = readFileSync(`/proc/self/task/${process.pid}/children`, 'utf8').trim().split(' ').map(Number);
  return children.filter((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('decode-child.js');
    } catch {
      return false;
    }
  });
}

/** Its memory has grown beyond what a process takes that has only started. */
function isDecoding(pid: number): boolean {
  const [, kilobytes] = /VmRSS:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) > 90_000;
}

async function startKnown(options: Partial<IsolatedDecodersOptions> = {}) {
  const before = new Set(processes());
  const decoders = await start(options);
  const pids = (): number[] => processes().filter((pid) => !before.has(pid));
  return { decoders, pids };
}

const decode = async ({ inspect }: IsolatedDecoders, bytes: Uint8Array, limits = DEFAULT_LIMITS): Promise<Pixels> =>
  (await inspect(bytes, limits)).decode();

const failure = (work: Promise<unknown>): Promise<AutomedError> =>
  work.then(
    () => {
      throw new Error('it did not fail');
    },
    (error: unknown) => error as AutomedError,
  );

const picture = sharp({
  create: { width: 60, height: 40, channels: 3, background: '#000', noise: { type: 'gaussian', mean: 128, sigma: 30 } },
});
const small = png(2, 1, GREY, 8, Buffer.from([7, 9]));
/** Takes a second or so. */
const slow = sharp({ create: { width: 5000, height: 4000, channels: 3, background: '#135' } })
  .toColourspace('rgb16')
  .png({ compressionLevel: 9 })
  .toBuffer();

test('pixels are those that this process decodes', async () => {
  const decoders = await start({ count: 2 });
  const samples = Buffer.from(Array.from({ length: 24 }, (_, at) => at * 10));
  const files = [
    small,
    png(2, 2, RGB, 16, samples),
    await picture.clone().jpeg().withMetadata({ orientation: 6 }).toBuffer(),
    await picture.clone().webp({ lossless: true }).toBuffer(),
    await picture.clone().tiff({ compression: 'lzw' }).toBuffer(),
    tiff({ width: 2, height: 1, bits: 32, sampleFormat: 3, data: Buffer.from(Float32Array.of(0.5, 7).buffer) }),
  ];
  const there = await Promise.all(files.map((bytes) => decode(decoders, bytes)));
  const here = await Promise.all(files.map((bytes) => decodeImage(bytes)));
  expect(there.map(({ data, ...shape }) => [shape, [...data]])).toEqual(
    here.map(({ data, ...shape }) => [shape, [...data]]),
  );
  expect(new Set(there.map(({ sampleType }) => sampleType))).toEqual(new Set(['uint8', 'uint16', 'float32']));
  const size = await decoders.inspect(files[2] as Buffer, DEFAULT_LIMITS);
  expect(size).toMatchObject({ width: 40, height: 60 });
  const { decodeBytes } = await inspectImage(files[2] as Buffer, DEFAULT_LIMITS);
  expect(size.decodeBytes).toBe(files[2]!.length + 2 * decodeBytes);
  for (const { data, sampleType } of there) if (sampleType === 'uint16') expect(data.byteOffset % 2).toBe(0);
});

test('files are refused as this process refuses them', async () => {
  const decoders = await start();
  const files = [Buffer.alloc(0), Buffer.from('GIF89a'), small.subarray(0, -20), await slow];
  const limits = { ...DEFAULT_LIMITS, maxPixels: 1_000_000 };
  for (const bytes of files) {
    const { code, message, field } = await failure(decodeImage(bytes, limits));
    expect(await failure(decode(decoders, bytes, limits))).toMatchObject({ code, message, field });
  }
});

test('the process has limits, and nothing of this one but what it needs to start', async () => {
  process.env.AUTOMED_SECRET_OF_TEST = 'secret';
  const { pids } = await startKnown({ memoryBytes: 300 * 1024 * 1024 });
  delete process.env.AUTOMED_SECRET_OF_TEST;
  const [pid] = pids();
  const limits = readFileSync(`/proc/${pid}/limits`, 'utf8');
  expect(limits).toMatch(/Max data size +314572800 +314572800/);
  expect(limits).toMatch(/Max file size +0 +0/);
  expect(limits).toMatch(/Max core file size +0 +0/);
  expect(limits).toMatch(/Max open files +64 +64/);
  const environment = readFileSync(`/proc/${pid}/environ`, 'utf8').split('\0');
  expect(
    environment.map((entry) => entry.split('=')[0]).filter((name) => /AUTOMED|NPM|HOME/i.test(name ?? '')),
  ).toEqual([]);
});

test('an image that needs more memory than its process may take is refused, and the next is decoded', async () => {
  const decoders = await start({ memoryBytes: 160 * 1024 * 1024 });
  expect(await failure(decode(decoders, await slow))).toMatchObject({ code: 'UNSUPPORTED_IMAGE', field: 'image' });
  expect([...(await decode(decoders, small)).data]).toEqual([7, 9]);
});

describe('an image whose process ends', () => {
  /** Sends a signal to the first processes that get the image, when they have it. */
  async function ended(signal: NodeJS.Signals, times: number, options: Partial<IsolatedDecodersOptions> = {}) {
    const seen: DecoderEnded[] = [];
    const { decoders, pids } = await startKnown({ ...options, onEnded: (error) => seen.push(error) });
    const image = await decoders.inspect(await slow, DEFAULT_LIMITS);
    const decoding = image.decode();
    const settled = decoding.then(
      () => undefined,
      () => undefined,
    );
    for (let time = 0; time < times; time += 1) {
      let pid: number | undefined;
      while ((pid = pids().find(isDecoding)) === undefined) await sleep(1);
      process.kill(pid, signal);
      while (signal !== 'SIGSTOP' && processes().includes(pid)) await sleep(1);
    }
    return { decoders, decoding, seen, settled };
  }

  test('is decoded by another one', async () => {
    const { decoding, seen } = await ended('SIGSEGV', 1);
    expect(await decoding).toMatchObject({ width: 5000, height: 4000 });
    expect(seen.map(({ reason, how }) => [reason, how])).toEqual([['crashed', 'SIGSEGV']]);
  });

  test('is refused when it ends that one too, and the next is decoded', async () => {
    const { decoders, decoding, seen } = await ended('SIGSEGV', 2);
    expect(await failure(decoding)).toMatchObject({ code: 'UNSUPPORTED_IMAGE', field: 'image' });
    expect(seen).toHaveLength(2);
    expect([...(await decode(decoders, small)).data]).toEqual([7, 9]);
  });

  test('may be sent again when something else ended it', async () => {
    const { decoding } = await ended('SIGKILL', 2);
    expect(await failure(decoding)).toMatchObject({ code: 'SERVICE_UNAVAILABLE', retryable: true });
  });

  test('is refused when it takes too long', async () => {
    const { decoders, decoding, seen } = await ended('SIGSTOP', 1, { graceMs: -58_000 });
    expect(await failure(decoding)).toMatchObject({
      code: 'UNSUPPORTED_IMAGE',
      message: expect.stringContaining('its time was up') as string,
    });
    expect(seen).toMatchObject([{ reason: 'late' }]);
    expect([...(await decode(decoders, small)).data]).toEqual([7, 9]);
  });
});

test('a process that ended without an image is replaced', async () => {
  const { decoders, pids } = await startKnown();
  const [pid = 0] = pids();
  process.kill(pid, 'SIGSEGV');
  while (processes().includes(pid)) await sleep(5);
  expect([...(await decode(decoders, small)).data]).toEqual([7, 9]);
  expect(pids()).not.toContain(pid);
});

test('images wait for a process, and are begun in their order', async () => {
  const { decoders, pids } = await startKnown();
  const order: number[] = [];
  const files = Array.from({ length: 12 }, (_, at) => png(1, 1, GREY, 8, Buffer.from([at])));
  await Promise.all(files.map(async (bytes) => order.push((await decode(decoders, bytes)).data[0] ?? -1)));
  expect(order).toEqual(files.map((_, at) => at));
  expect(pids()).toHaveLength(1);
});

test('processes end with the one that started them', async () => {
  const script = `
    const { IsolatedDecoders } = require('./dist/services/isolated-decoding/isolated-decoders.js');
    IsolatedDecoders.start({ count: 2, limits: { maxBytes: 1000, maxPixels: 1000 } }).then(() => {
      const { pid } = process;
      console.log(require('node:fs').readFileSync('/proc/self/task/' + pid + '/children', 'utf8'));
      setInterval(() => undefined, 1000);
    });`;
  const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [said] = (await once(parent.stdout, 'data')) as [Buffer];
  const pids = said.toString().trim().split(' ').map(Number);
  expect(pids).toHaveLength(2);
  parent.kill('SIGKILL');
  while (pids.some((pid) => existsSync(`/proc/${pid}`))) await sleep(5);
});

test('the memory of a large image is given back', async () => {
  const { decoders, pids } = await startKnown();
  await decode(decoders, await slow); // 120 MB
  while (pids().length > 0) await sleep(5);
  expect([...(await decode(decoders, small)).data]).toEqual([7, 9]);
});
