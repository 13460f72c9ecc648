// The study of the demonstration: every slice shows a lesion of its own, so that a mask on the wrong slice would be seen.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  LESION_CLASSES,
  syntheticLesion,
  type SyntheticLesion,
} from '../../../../services/synthetic/synthetic-lesions';
import { seriesFiles } from '../../../support/scanned-series';
import type { DemoSlice } from './parts';

const SEED = 20_240;
/** Beyond the pictures that the model learns from. */
const FIRST = 2_000_000;
const SLICES = 8;
export const SIDE = 192;

/** The middle of a picture in grey (ITU-R BT.601), with its mask. */
export function greySlice({ image, mask, width, height }: SyntheticLesion): DemoSlice {
  const [left, top] = [(width - SIDE) >> 1, (height - SIDE) >> 1];
  const pixels = new Uint8Array(SIDE * SIDE);
  const cut = new Uint8Array(SIDE * SIDE);
  for (let y = 0; y < SIDE; y += 1) {
    for (let x = 0; x < SIDE; x += 1) {
      const from = (y + top) * width + x + left;
      const [red = 0, green = 0, blue = 0] = image.subarray(from * 3, from * 3 + 3);
      pixels[y * SIDE + x] = Math.round(0.299 * red + 0.587 * green + 0.114 * blue);
      cut[y * SIDE + x] = mask[from] ?? 0;
    }
  }
  return { pixels, mask: cut, width: SIDE, height: SIDE };
}

export function demoSlice(index: number): DemoSlice {
  return greySlice(syntheticLesion(SEED, index, LESION_CLASSES[index % LESION_CLASSES.length] ?? 'round'));
}

export function demoSlices(): DemoSlice[] {
  return Array.from({ length: SLICES }, (_, at) => demoSlice(FIRST + at));
}

/** Writes the study, and answers its files in the order of the slices. */
export function writeStudy(folder: string, slices: readonly DemoSlice[], study: string): Buffer[] {
  mkdirSync(folder, { recursive: true });
  const files = seriesFiles(slices, { study });
  // Names say nothing of the order: the places in the headers do.
  files.forEach((file, at) => writeFileSync(join(folder, `${(at * 5) % files.length}.dcm`), file));
  return files;
}
