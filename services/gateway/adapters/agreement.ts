// How much the answers of two models to one image agree.

import type { ServiceDefinition } from '@grpc/grpc-js';
import type { ClassifyResponse__Output } from '../../../proto/gen/automed/classification/v1/ClassifyResponse';
import type { Mask__Output } from '../../../proto/gen/automed/common/v1/Mask';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { decodeRle } from '../../common/coco-rle';
import { serviceDefinition } from '../../common/grpc/proto';
import { decodeMask, unpackBits } from '../../imaging/mask';

const SEGMENT = '/automed.segmentation.v1.SegmentationService/Segment';
const CLASSIFY = '/automed.classification.v1.ClassificationService/Classify';

/**
 * Mean Dice of masks in their order, or 1 or 0 for the same or another first class; undefined for other methods, and for masks
 * that are not as many or not of one size.
 */
export async function agreement(path: string, one: Buffer, other: Buffer): Promise<number | undefined> {
  if (path === SEGMENT) {
    const [a, b] = [decode<SegmentResponse__Output>(path, one), decode<SegmentResponse__Output>(path, other)];
    return meanDice(await Promise.all(a.masks.map(pixelsOf)), await Promise.all(b.masks.map(pixelsOf)));
  }
  if (path !== CLASSIFY) return undefined;
  const [a, b] = [decode<ClassifyResponse__Output>(path, one), decode<ClassifyResponse__Output>(path, other)];
  return a.predictedClass === b.predictedClass ? 1 : 0;
}

function decode<T>(path: string, bytes: Buffer): T {
  const [service = '', method = ''] = path.slice(1).split('/');
  const described = serviceDefinition<ServiceDefinition>(service)[method];
  if (!described) throw new Error(`there is no ${path}`);
  return described.responseDeserialize(bytes) as T;
}

async function pixelsOf({ png, cocoRle, packedBits, widthPx, heightPx }: Mask__Output): Promise<Uint8Array> {
  if (cocoRle !== undefined && cocoRle !== '') return decodeRle(cocoRle, widthPx, heightPx);
  if (packedBits !== undefined && packedBits.length > 0) return unpackBits(packedBits, widthPx * heightPx);
  return (await decodeMask(png ?? Buffer.alloc(0))).mask;
}

function meanDice(one: readonly Uint8Array[], other: readonly Uint8Array[]): number | undefined {
  if (one.length === 0 || one.length !== other.length) return undefined;
  const dices = one.map((mask, at) => dice(mask, other[at] ?? new Uint8Array()));
  if (dices.includes(undefined)) return undefined;
  return dices.reduce<number>((sum, each) => sum + (each ?? 0), 0) / dices.length;
}

/** Of two empty masks 1: both say that there is nothing. */
function dice(one: Uint8Array, other: Uint8Array): number | undefined {
  if (one.length !== other.length) return undefined;
  let [both, sum] = [0, 0];
  for (let pixel = 0; pixel < one.length; pixel += 1) {
    const [a, b] = [one[pixel] ?? 0, other[pixel] ?? 0];
    both += a & b;
    sum += a + b;
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}
