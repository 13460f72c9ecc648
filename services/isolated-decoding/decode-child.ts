// Entry of a process that decodes images for another: bytes in, a header or pixels or what is wrong with them out.

import { Socket } from 'node:net';
import sharp from 'sharp';
import { AutomedError } from '../common/errors';
import { giveWay } from '../common/niceness';
import { inspectImage } from '../imaging/decode';
import { readFrames, writeFrame } from './frames';
import { CHANNEL, type DecodeAnswer, type DecodeRequest } from './messages';

/** All that libvips may read here, whatever it takes the bytes for. */
const LOADERS = ['Png', 'Jpeg', 'Tiff', 'Webp'].map((format) => `VipsForeignLoad${format}Buffer`);

async function decode(bytes: Buffer, { limits, also, wanted }: DecodeRequest): Promise<[DecodeAnswer, Uint8Array?]> {
  const image = await inspectImage(bytes, limits, also);
  const { width, height, decodeBytes } = image;
  if (wanted === 'header') return [{ header: { width, height, decodeBytes } }];
  const { data, ...pixels } = await image.decode();
  const { channels, sampleType } = pixels;
  return [{ pixels: { width: pixels.width, height: pixels.height, channels, sampleType } }, data];
}

function failure(error: unknown): DecodeAnswer {
  if (!(error instanceof AutomedError)) return { fault: error instanceof Error ? error.message : String(error) };
  const { code, message } = error;
  return code === 'UNSUPPORTED_IMAGE' || code === 'INVALID_ARGUMENT' ? { code, message } : { fault: message };
}

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
giveWay();
const channel = new Socket({ fd: CHANNEL });
// At once, also while a thread decodes, which process.exit() would wait for.
const end = (): void => void process.kill(process.pid, 'SIGKILL');
const answer = (head: DecodeAnswer, body?: Uint8Array): void => writeFrame(channel, head, body);
readFrames(channel, {
  mostBytes: () => Infinity,
  frame: (request, bytes) =>
    void decode(bytes, request as DecodeRequest).then(
      ([head, body]) => answer(head, body),
      (error: unknown) => answer(failure(error)),
    ),
  fault: end,
});
channel.on('error', end).on('close', end);
// It ends with the process that it works for, which answers what is under way before it does.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
answer({ ready: true });
