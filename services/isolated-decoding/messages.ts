// What a process that decodes images is asked, and answers.

import { z } from 'zod';
import type { DecodeLimits } from '../imaging/decode';

/** The descriptor of the channel in the process that decodes. */
export const CHANNEL = 3;

/** Beside the bytes of the image. */
export interface DecodeRequest {
  limits: DecodeLimits;
  /** As of inspectImage(). */
  also: readonly string[];
  wanted: 'header' | 'pixels';
}

const count = z.int().positive();

/** The process has started; what an image's header says; pixels, whose samples go along; or what is wrong with the image, or with us. */
export const answerSchema = z.union([
  z.strictObject({ ready: z.literal(true) }),
  z.strictObject({ header: z.strictObject({ width: count, height: count, decodeBytes: count }) }),
  z.strictObject({
    pixels: z.strictObject({
      width: count,
      height: count,
      channels: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
      sampleType: z.enum(['uint8', 'uint16', 'float32']),
    }),
  }),
  z.strictObject({ code: z.enum(['UNSUPPORTED_IMAGE', 'INVALID_ARGUMENT']), message: z.string() }),
  z.strictObject({ fault: z.string() }),
]);
export type DecodeAnswer = z.infer<typeof answerSchema>;
