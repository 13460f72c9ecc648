// Makes a store for pictures of the pages that compare and review, whose models see something:
//   node -r ./tests/support/stack-register.cjs tests/console/picture-store.ts FOLDER [EPOCHS...]
//   AUTOMED_SCREENSHOTS=1 AUTOMED_CONSOLE_STORE=FOLDER npx jest --config tests/console/jest.config.cjs models
// Versions of polyp are trained on discs like those of the tests, each for its epochs (1 and 4); a store with one of 4 is what Review
// is to be shown with. Some minutes on two cores.
// Try and Interactive are shown on the store of a demo, the latter with a base that was trained to follow prompts.

import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import sharp from 'sharp';
import { discImage } from '../support/stack-images';
import { makeStore } from '../support/stack-store';
import { writeDiscs } from '../support/training-service';

const CLI = join(__dirname, '../../services/cli/bin/automed.mjs');
/** Beyond 160 they begin anew, and no picture may be in two parts of the data. */
const GREY_DISCS = 150;
const COLOUR_DISCS = 120;
const EPOCHS = ['1', '4'];

/** Adds discs in colour, of several sizes, in the middle of images of several shapes. */
async function addColourDiscs(folder: string): Promise<void> {
  for (let number = 0; number < COLOUR_DISCS; number += 1) {
    const [width, height] = [100 + 5 * (number % 9), 60 + 5 * (number % 11)];
    const name = `colour-${number}.png`;
    writeFileSync(join(folder, 'images', name), (await discImage(width, height, number + 1)).png);
    const mask = Buffer.alloc(width * height);
    for (let at = 0; at < mask.length; at += 1) {
      const [x, y] = [at % width, Math.floor(at / width)];
      if (Math.hypot(x - width / 2, y - height / 2) < Math.min(width, height) / 4) mask[at] = 255;
    }
    const raw = { width, height, channels: 1 } as const;
    await sharp(mask, { raw })
      .toColourspace('b-w')
      .png()
      .toFile(join(folder, 'masks', name));
  }
}

async function main(folder: string, versions: readonly string[]): Promise<void> {
  mkdirSync(folder, { recursive: true });
  const data = writeDiscs(join(folder, 'picture-data'), GREY_DISCS);
  await addColourDiscs(data);
  const store = await makeStore(folder);
  await store.addClassification('tumour');
  for (const epochs of versions) {
    const what = ['train', 'segmentation', '--home', folder, '--name', 'polyp', '--data', data, '--base', 'tiny@1'];
    // As the demonstration trains, which settles early.
    const steps = ['--batch-size', '4', '--lr', '3e-4', '--warmup-steps', '40', '--clip', '1'];
    const norm = ['--batch-norm', 'running', '--batch-norm-momentum', '0.03'];
    const how = ['--train', 'encoder', '--structure', 'polyp', '--epochs', epochs, ...steps, ...norm];
    execFileSync(process.execPath, [CLI, ...what, ...how], { stdio: 'inherit' });
  }
}

const [folder, ...epochs] = process.argv.slice(2);
if (folder === undefined) throw new Error('Which folder is the store to be in?');
void main(resolve(folder), epochs.length > 0 ? epochs : EPOCHS);
