// Writes the demonstration's labelled sets: overviews as images/ + masks/, close-ups as class folders.

import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { makeFolder } from '../common/make-folder';
import { encodeMaskPng } from '../imaging/mask';
import { LESION_CLASSES, syntheticLesion, type SyntheticLesion } from './synthetic-lesions';

export interface DemoDataOptions {
  /** Seed of every picture; test pictures are other pictures of the same seed. */
  seed: number;
  /** Pictures of each set. */
  trainCount: number;
  testCount: number;
}

export const DEMO_DATA: Readonly<DemoDataOptions> = { seed: 20240, trainCount: 360, testCount: 90 };

/** Pictures of the test part begin at this number, so that no count of training pictures reaches them. */
export const TEST_OFFSET = 1_000_000;

/** Close-ups are other pictures than the overviews of the same number. */
const CLOSE_UP_OFFSET = 10 * TEST_OFFSET;

export interface DemoFolders {
  /** Holds train/ and test/, each with images/ and masks/. */
  segmentation: string;
  /** Holds train/ and test/, each with one folder per class. */
  classification: string;
}

const STAMP = 'demo.json';

/**
 * Writes the set into `folder`, replacing an incomplete or different one; keeps a complete one.
 * @param onProgress hears how many of the pictures are written
 */
export async function writeDemoData(
  folder: string,
  options: DemoDataOptions = DEMO_DATA,
  onProgress: (done: number, total: number) => void = () => undefined,
): Promise<DemoFolders> {
  const folders = { segmentation: join(folder, 'segmentation'), classification: join(folder, 'classification') };
  const { seed, trainCount, testCount } = options;
  const stamp = JSON.stringify({ generator: 2, seed, trainCount, testCount });
  if ((await readFile(join(folder, STAMP), 'utf8').catch(() => '')) === stamp) return folders;
  for (const stale of Object.values(folders)) await rm(stale, { recursive: true, force: true });
  for (const part of ['train', 'test']) {
    for (const kind of ['images', 'masks']) await makeFolder(join(folders.segmentation, part, kind));
    for (const name of LESION_CLASSES) await makeFolder(join(folders.classification, part, name));
  }
  const total = trainCount + testCount;
  for (let number = 0; number < total; number += 1) {
    const test = number >= trainCount;
    await writeOne(folders, test ? 'test' : 'train', seed, test ? TEST_OFFSET + number - trainCount : number);
    onProgress(number + 1, total);
  }
  await writeFile(join(folder, STAMP), stamp);
  return folders;
}

async function writeOne(folders: DemoFolders, part: string, seed: number, index: number): Promise<void> {
  const lesionClass = LESION_CLASSES[index % LESION_CLASSES.length]!;
  const stem = `${part}-${String(index % TEST_OFFSET).padStart(4, '0')}`;
  const overview = syntheticLesion(seed, index, lesionClass);
  await writeJpeg(overview, join(folders.segmentation, part, 'images', `${stem}.jpg`));
  await writeFile(
    join(folders.segmentation, part, 'masks', `${stem}.png`),
    await encodeMaskPng(overview.mask, overview.width, overview.height),
  );
  const closeUp = syntheticLesion(seed, index + CLOSE_UP_OFFSET, lesionClass, 'closeUp');
  await writeJpeg(closeUp, join(folders.classification, part, lesionClass, `${stem}.jpg`));
}

async function writeJpeg({ image, width, height }: SyntheticLesion, path: string): Promise<void> {
  await sharp(image, { raw: { width, height, channels: 3 } })
    .jpeg({ quality: 93, chromaSubsampling: '4:4:4' })
    .toFile(path);
}
