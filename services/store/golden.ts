// One image and what a model said of it when it was registered: whoever loads the model can see that it still says so.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import { z } from 'zod';
import { makeFolder } from '../common/make-folder';
import { automedError } from '../common/errors';
import { packBits, unpackBits } from '../imaging/mask';
import type { Pixels } from '../imaging/pixels/pixels';
import type { GoldenReference } from './manifests';
import type { StoredModel } from './model-store';
import { isUnread, localFile } from './versions';

const FOLDER = 'golden';
const ANSWER_FILE = 'golden.json';
const PIXELS_FILE = 'pixels.gz';

/** What a model says of its golden image, through the pipeline that serves it. */
export interface GoldenAnswer {
  /** Segmentation, for each structure. */
  masks: {
    /** At the model's own threshold: 0 or 1 per pixel. */
    mask: Uint8Array;
    /** Mean probability over the whole image: tells logits apart whose masks are alike, or empty. */
    meanProbability: number;
  }[];
  /** Classification, for each class. */
  probabilities: number[];
}

export interface Golden {
  /** A validation sample, or an image without content where samples may not be kept. */
  source: 'sample' | 'synthetic';
  pixels: Pixels;
  answer: GoldenAnswer;
}

const goldenSchema = z.object({
  schema: z.literal(1),
  source: z.enum(['sample', 'synthetic']),
  precision: z.literal('float32'),
  image: z.object({
    width: z.int().min(1),
    height: z.int().min(1),
    channels: z.union([z.literal(1), z.literal(2), z.literal(3), z.literal(4)]),
    sampleType: z.enum(['uint8', 'uint16', 'float32']),
    /** Of the compressed pixels. */
    sha256: z.string(),
  }),
  masks: z.array(z.object({ packedBits: z.base64(), meanProbability: z.number() })),
  probabilities: z.array(z.number()),
});

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Writes the golden image below the folder of a version that is being registered. */
export async function writeGolden(folder: string, { source, pixels, answer }: Golden): Promise<GoldenReference> {
  const { data, width, height, channels, sampleType } = pixels;
  const compressed = await promisify(gzip)(data);
  const golden: z.infer<typeof goldenSchema> = {
    schema: 1,
    source,
    precision: 'float32',
    image: { width, height, channels, sampleType, sha256: sha256(compressed) },
    masks: answer.masks.map(({ mask, meanProbability }) => ({
      packedBits: Buffer.from(packBits(mask)).toString('base64'),
      meanProbability,
    })),
    probabilities: answer.probabilities,
  };
  const text = Buffer.from(`${JSON.stringify(golden)}\n`);
  await makeFolder(join(folder, FOLDER));
  await writeFile(join(folder, FOLDER, PIXELS_FILE), compressed);
  await writeFile(join(folder, FOLDER, ANSWER_FILE), text);
  return { file: `${FOLDER}/${ANSWER_FILE}`, sha256: sha256(text) };
}

/**
 * The golden image of a version; undefined where it was registered without one.
 * @throws CheckpointError (CHECKPOINT_CORRUPT) when it is not the one that was registered
 */
export async function readGolden(stored: StoredModel): Promise<Golden | undefined> {
  const { manifest } = stored;
  if (!manifest.golden) return undefined;
  const damaged = (cause?: unknown): Error => {
    const text = `The golden image of ${manifest.name}@${manifest.version} is missing or has changed since it was registered.`;
    return automedError('CHECKPOINT_CORRUPT', text, { cause });
  };
  try {
    const text = await readFile(await localFile(stored, `${FOLDER}/${ANSWER_FILE}`));
    const compressed = await readFile(await localFile(stored, `${FOLDER}/${PIXELS_FILE}`));
    if (sha256(text) !== manifest.golden.sha256) throw damaged();
    const { source, image, masks, probabilities } = goldenSchema.parse(JSON.parse(text.toString('utf8')));
    const { sha256: expected, ...layout } = image;
    if (sha256(compressed) !== expected) throw damaged();
    const count = image.width * image.height;
    return {
      source,
      pixels: { ...layout, data: await promisify(gunzip)(compressed) },
      answer: {
        masks: masks.map(({ packedBits, meanProbability }) => ({
          mask: unpackBits(Buffer.from(packedBits, 'base64'), count),
          meanProbability,
        })),
        probabilities,
      },
    };
  } catch (error) {
    if (isUnread(error)) throw error;
    throw damaged(error);
  }
}

/** How far an answer may be from the golden one: other processors and other kernels round differently. */
const TOLERANCES = {
  float32: { dice: 0.99, probability: 1e-3 },
  reduced: { dice: 0.95, probability: 2e-2 },
};

/** Dice of two masks of 0 and 1; two empty ones are the same. */
export function diceOf(left: Uint8Array, right: Uint8Array): number {
  let [both, sum] = [0, 0];
  for (let at = 0; at < left.length; at += 1) {
    if (left[at] && right[at]) both += 1;
    sum += (left[at] ? 1 : 0) + (right[at] ? 1 : 0);
  }
  return sum === 0 ? 1 : (2 * both) / sum;
}

/**
 * What is wrong with an answer to the golden image, as the rest of a sentence; undefined when it agrees.
 * @param precision of the loaded base: `float32`, `bfloat16`, `float16`
 */
export function differenceFromGolden(
  { answer: golden }: Golden,
  answer: GoldenAnswer,
  precision: string,
): string | undefined {
  const { dice, probability } = precision === 'float32' ? TOLERANCES.float32 : TOLERANCES.reduced;
  if (answer.masks.length !== golden.masks.length || answer.probabilities.length !== golden.probabilities.length) {
    return 'answers for another number of structures or classes';
  }
  for (const [index, expected] of golden.masks.entries()) {
    const found = answer.masks[index]!;
    const overlap = diceOf(found.mask, expected.mask);
    if (!(overlap >= dice)) {
      return `draws mask ${index + 1} with a Dice of ${overlap.toFixed(3)} to the one it was registered with`;
    }
    if (!(Math.abs(found.meanProbability - expected.meanProbability) <= probability)) {
      return `gives mask ${index + 1} a mean probability of ${found.meanProbability.toFixed(4)} instead of ${expected.meanProbability.toFixed(4)}`;
    }
  }
  const off = golden.probabilities.findIndex(
    (expected, index) => !(Math.abs((answer.probabilities[index] ?? NaN) - expected) <= probability),
  );
  if (off < 0) return undefined;
  const [found, expected] = [answer.probabilities[off] ?? NaN, golden.probabilities[off] ?? NaN];
  return `gives class ${off + 1} a probability of ${found.toFixed(4)} instead of ${expected.toFixed(4)}`;
}
