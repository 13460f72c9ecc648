// Entry of a process that decodes images for another: bytes in, a header or pixels or what is wrong with them out.

import sharp from 'sharp';
import { AutomedError } from '../../common/errors';
import { giveWay } from '../../common/niceness';
import { inspectImage, type DecodeLimits, type UndecodedImage } from '../decode';
import type { Pixels } from '../pixels/pixels';

export interface DecodeRequest {
  bytes: Uint8Array;
  limits: DecodeLimits;
  /** As of inspectImage(). */
  also: readonly string[];
  wanted: 'header' | 'pixels';
}

export type ImageHeader = Omit<UndecodedImage, 'decode'>;

/** An InvalidInputError on field `image` as what can cross between processes, or another error's text. */
export type DecodeFailure = { code: 'UNSUPPORTED_IMAGE' | 'INVALID_ARGUMENT'; message: string } | { fault: string };

export type DecodeAnswer = { header: ImageHeader } | { pixels: Pixels } | DecodeFailure;

/** All that libvips may read here, whatever it takes the bytes for. */
const LOADERS = ['Png', 'Jpeg', 'Tiff', 'Webp'].map((format) => `VipsForeignLoad${format}Buffer`);

async function answer({ bytes, limits, also, wanted }: DecodeRequest): Promise<DecodeAnswer> {
  try {
    const image = await inspectImage(bytes, limits, also);
    if (wanted === 'pixels') return { pixels: await image.decode() };
    const { width, height, decodeBytes } = image;
    return { header: { width, height, decodeBytes } };
  } catch (error) {
    if (!(error instanceof AutomedError)) return { fault: error instanceof Error ? error.message : String(error) };
    const { code, message } = error;
    return code === 'UNSUPPORTED_IMAGE' || code === 'INVALID_ARGUMENT' ? { code, message } : { fault: message };
  }
}

sharp.block({ operation: ['VipsForeignLoad'] });
sharp.unblock({ operation: LOADERS });
giveWay();
process.on('message', (request: DecodeRequest) => void answer(request).then((found) => process.send?.(found)));
// It ends with the process that it works for, which answers what is under way before it does.
process.on('disconnect', () => process.exit());
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => undefined);
process.send?.('ready');
