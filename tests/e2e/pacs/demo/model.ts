// A small model that draws lesions in grey slices, trained once and kept.

import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { encodeMaskPng } from '../../../../services/imaging/mask';
import { demoSlice, SIDE } from './study';

const PICTURES = 240;
const MODEL = 'slice-lesion';
const STAMP = 'trained.json';
const AUTOMED = join(__dirname, '../../../../services/cli/bin/automed.mjs');

/** Coded terms of what the model draws: a lesion, as SNOMED CT names it. */
const TERMS = { lesion: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };

function automed(...args: string[]): void {
  const { status } = spawnSync(process.execPath, [AUTOMED, ...args], { stdio: 'inherit' });
  if (status !== 0) throw new Error(`automed ${args.slice(0, 2).join(' ')} failed`);
}

async function writePictures(folder: string): Promise<void> {
  for (const kind of ['images', 'masks']) mkdirSync(join(folder, kind), { recursive: true });
  for (let at = 0; at < PICTURES; at += 1) {
    const { pixels, mask, width, height } = demoSlice(at);
    const name = `${String(at).padStart(4, '0')}.png`;
    await sharp(pixels, { raw: { width, height, channels: 1 } })
      .png()
      .toFile(join(folder, 'images', name));
    writeFileSync(join(folder, 'masks', name), await encodeMaskPng(mask, width, height));
  }
}

/** Trains the model when that was not done before. */
export async function trainedStore(
  folder: string,
  say: (line: string) => void,
): Promise<{ store: string; model: string }> {
  const store = join(folder, 'store');
  const stamp = JSON.stringify({ generator: 2, pictures: PICTURES, side: SIDE });
  const stampFile = join(folder, STAMP);
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return { store, model: MODEL };
  say(`training ${MODEL} on ${PICTURES} synthetic slices (once, a few minutes)`);
  for (const stale of [store, join(folder, 'data')]) rmSync(stale, { recursive: true, force: true });
  await writePictures(join(folder, 'data'));
  automed('bases', 'create', 'tiny', '--arch', 'tiny', '--seed', '1', '--home', store);
  const recipe = ['--epochs', '4', '--batch', '4', '--lr', '3e-4', '--warmup-steps', '40', '--clip', '1'];
  const batchNorm = ['--batch-norm', 'running', '--bn-momentum', '0.03'];
  const what = ['--data', join(folder, 'data'), '--base', 'tiny', '--name', MODEL, '--train', 'encoder'];
  const terms = join(folder, 'terms.json');
  writeFileSync(terms, JSON.stringify(TERMS));
  const drawn = ['--structure', 'lesion', '--terms', terms];
  automed('train', 'segmentation', ...what, ...drawn, ...recipe, ...batchNorm, '--home', store);
  writeFileSync(stampFile, stamp);
  return { store, model: MODEL };
}
