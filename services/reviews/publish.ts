// A data set made of what people decided: accepted answers as they are, amended ones as they were amended.

import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeRle } from '../common/coco-rle';
import { AutomedError, automedError } from '../common/errors';
import { makeFolder } from '../common/make-folder';
import { extensionOf } from '../imaging/formats';
import { encodeMaskPng } from '../imaging/mask';
import { displayPng } from '../imaging/display-png';
import { publishFolder, sweepTemporaries, temporaryName } from '../store/durable';
import type { DatasetSource } from '../datasets/samples/data-selection';
import type { Review } from './review';

/** A review with the answer that counts. */
interface Labelled {
  review: Review;
  masks: { structure: string; cocoRle: string; widthPx: number; heightPx: number }[];
  className: string;
}

function labelOf(review: Review): Labelled | undefined {
  const { state, prediction, decisions } = review;
  if (state !== 'ACCEPTED' && state !== 'AMENDED') return undefined;
  const latest = decisions.at(-1);
  const amended = state === 'AMENDED';
  if (prediction.kind === 'segmentation') {
    return { review, masks: amended ? (latest?.masks ?? []) : prediction.masks, className: '' };
  }
  return { review, masks: [], className: amended ? (latest?.className ?? '') : prediction.predicted };
}

const decidedAt = ({ decisions }: Review): number => decisions.at(-1)?.time ?? 0;

/** The latest decision about each picture: several versions may have answered the same one. */
function labelled(reviews: readonly Review[]): Labelled[] {
  const pictures = new Map<string, Review>();
  for (const review of reviews) {
    if (review.state === 'PENDING') continue;
    const key = `${review.image.sha256}/${review.image.frameNumber ?? 1}`;
    const known = pictures.get(key);
    if (!known || decidedAt(known) <= decidedAt(review)) pictures.set(key, review);
  }
  return [...pictures.values()].flatMap((review) => labelOf(review) ?? []);
}

/** A review that could not become a part of the data set. */
export interface Skipped {
  id: string;
  name: string;
  /** A sentence for people. */
  problem: string;
}

export interface Published {
  source: DatasetSource;
  skipped: Skipped[];
  imageCount: number;
  amendedCount: number;
}

interface Options {
  /** Folder that data sets are written below. */
  folder: string;
  imageOf: (review: Review) => Promise<Buffer>;
}

/**
 * Writes a folder of the layout `plain`. A review whose image or answer is broken is left out and named.
 * @throws IllegalStateError where there is nothing to write, or the answers are of different kinds
 */
export async function writeDataset(reviews: readonly Review[], { folder, imageOf }: Options): Promise<Published> {
  const all = labelled(reviews);
  if (all.length === 0) throw refused('Nothing in the queue is accepted or amended yet.');
  checkKinds(all);
  const [samples, skipped]: [Labelled[], Skipped[]] = [[], []];
  await makeFolder(folder);
  await sweepTemporaries(folder);
  const temporary = join(folder, temporaryName());
  const location = join(folder, String(Date.now()));
  try {
    await mkdir(temporary);
    for (const sample of all) {
      const files = await filesOf(sample, imageOf).catch((error: unknown) => {
        skipped.push(skippedOf(sample.review, error));
        return undefined;
      });
      if (!files) continue;
      samples.push(sample);
      for (const { folder: below, name, bytes } of files) await writeBelow(join(temporary, below), name, bytes);
    }
    const [first] = skipped;
    if (first && samples.length === 0) throw refused(`${first.name} (review ${first.id}): ${first.problem}`);
    await writeGroups(temporary, samples);
    if (!(await publishFolder(temporary, location))) throw refused('Another data set is being written; try again.');
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
  const structures = samples[0]?.masks.map(({ structure }, at) => ({ name: structure, masks: masksFolder(at) })) ?? [];
  const isSegmentation = structures.length > 0;
  return {
    source: {
      task: isSegmentation ? 'segmentation' : 'classification',
      location,
      layout: 'plain',
      eachMask: false,
      ...(isSegmentation ? { structures } : {}),
    },
    skipped,
    imageCount: samples.length,
    amendedCount: samples.filter(({ review }) => review.state === 'AMENDED').length,
  };
}

const refused = (why: string): Error => automedError('ILLEGAL_STATE', why, { field: 'queue' });

const masksFolder = (structure: number): string => (structure === 0 ? 'masks' : `masks-${structure + 1}`);

/** Answers of one kind fit into one data set. */
const kindOf = ({ masks, review: { prediction } }: Labelled): string =>
  prediction.kind === 'segmentation' ? JSON.stringify(masks.map(({ structure }) => structure)) : 'classes';

/** @throws IllegalStateError that names a review of the rarest kind, where there are several */
function checkKinds(samples: readonly Labelled[]): void {
  const kinds = new Map<string, Labelled[]>();
  for (const sample of samples) kinds.set(kindOf(sample), [...(kinds.get(kindOf(sample)) ?? []), sample]);
  const [rarest] = [...kinds.values()].sort((x, y) => x.length - y.length);
  if (kinds.size < 2 || !rarest?.[0]) return;
  const { id, name, prediction } = rarest[0].review;
  throw refused(
    `The queue holds answers of models that draw or name different things: ${rarest.length} of ${samples.length}, such as ` +
      `${name} (review ${id}) by ${prediction.model.name}@${prediction.model.version}, are unlike the others. Reject these, or fill another queue with them.`,
  );
}

/** Faults of the machine stop the whole; those of a review's own image or answer do not. */
function skippedOf({ id, name }: Review, error: unknown): Skipped {
  if (!(error instanceof AutomedError)) throw error;
  return { id, name, problem: error.message };
}

interface SampleFile {
  /** Below the root of the data set. */
  folder: string;
  name: string;
  bytes: Buffer;
}

async function filesOf({ review, masks, className }: Labelled, imageOf: Options['imageOf']): Promise<SampleFile[]> {
  if (masks.length === 0 && !/^[^./\\][^/\\]*$/.test(className)) {
    throw refused(`A folder cannot be called as the class ${JSON.stringify(className)}.`);
  }
  const image = await imageOf(review);
  const { frameNumber } = review.image;
  // A frame of several becomes a picture of its own, as a display shows it.
  const [bytes, extension] =
    frameNumber === undefined ? [image, extensionOf(image)] : [await displayPng(image, frameNumber), 'png'];
  const files = [{ folder: masks.length > 0 ? 'images' : className, name: `${review.id}.${extension}`, bytes }];
  for (const [at, { cocoRle, widthPx, heightPx }] of masks.entries()) {
    const mask = await encodeMaskPng(decodeRle(cocoRle, widthPx, heightPx), widthPx, heightPx);
    files.push({ folder: masksFolder(at), name: `${review.id}.png`, bytes: mask });
  }
  return files;
}

async function writeBelow(folder: string, name: string, bytes: Buffer): Promise<void> {
  await makeFolder(folder);
  await writeFile(join(folder, name), bytes);
}

/** Patients and sequences, where every image has one, so that a split does not tear them. */
async function writeGroups(root: string, samples: readonly Labelled[]): Promise<void> {
  if (samples.some(({ review }) => review.group === '')) return;
  const cell = (text: string): string => `"${text.replaceAll('"', '""')}"`;
  const rows = samples.map(({ review: { id, group } }) => `${id},${cell(group)}`);
  await writeFile(join(root, 'manifest.csv'), `name,group\n${rows.join('\n')}\n`);
}
