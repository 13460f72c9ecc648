// How well copies are told from natural neighbours: pairs of different pictures of each data set that look the same, and which
// of their copies do. Data sets as in AUTOMED_TEST_DATA.
//
//   node -r ./tests/support/stack-register.cjs tests/bench/likeness.ts FOLDER ...

import sharp, { type Sharp } from 'sharp';
import { table } from '../../services/terminal/table';
import { alikePairs, isAlike, lookOf, type Look } from '../../services/checks/likeness';
import { listSamples } from '../../services/datasets/split/divide';
import { PARTS } from '../../services/datasets/files/part-names';
import { resolveSource, taskOf } from '../../services/datasets/layouts/read-data';
import { decodeInOrder } from '../../services/datasets/load/load-samples';
import { toRgb8, type Pixels } from '../../services/imaging/pixels/pixels';
import { bench } from './keep-alive';

/** Every so many pictures are copied. */
const EVERY = 7;

const COPIES: Readonly<Record<string, (image: Sharp, width: number, height: number) => Sharp>> = {
  'JPEG 90': (image) => image.jpeg({ quality: 90 }),
  'JPEG 50': (image) => image.jpeg({ quality: 50 }),
  half: (image, width) => image.resize(Math.ceil(width / 2)).png(),
  'half, JPEG 75': (image, width) => image.resize(Math.ceil(width / 2)).jpeg({ quality: 75 }),
  '0.8, JPEG 75': (image, width) => image.resize(Math.ceil(width * 0.8)).jpeg({ quality: 75 }),
  '224 x 224': (image) => image.resize(224, 224, { fit: 'fill' }).png(),
};

async function lookOfCopy(pixels: Pixels, copy: (typeof COPIES)[string]): Promise<Look | undefined> {
  const { width, height } = pixels;
  const raw = { width, height, channels: 3 } as const;
  const bytes = await copy(sharp(Buffer.from(toRgb8(pixels)), { raw }), width, height).toBuffer();
  const { data, info } = await sharp(bytes)
    .removeAlpha()
    .toColourspace('srgb')
    .raw()
    .toBuffer({ resolveWithObject: true });
  return lookOf({ data, width: info.width, height: info.height, channels: 3, sampleType: 'uint8' });
}

async function measure(folder: string): Promise<string[]> {
  const task = await taskOf({ data: folder });
  const spec = await resolveSource({ task, data: folder, seed: 0, validationFraction: 0.2, strict: false });
  const { parts } = await listSamples(spec);
  const items: { name: string; group: string; look?: Look }[] = [];
  const found = Object.fromEntries(Object.keys(COPIES).map((name) => [name, 0]));
  let copied = 0;
  for await (const result of decodeInOrder(PARTS.flatMap((part) => parts[part]))) {
    if ('problem' in result) continue;
    const { sample, pixels } = result;
    const look = lookOf(pixels);
    items.push({ name: sample.name, group: sample.group ?? sample.name, ...(look ? { look } : {}) });
    if (!look || items.length % EVERY !== 0) continue;
    copied += 1;
    for (const [name, copy] of Object.entries(COPIES)) {
      const other = await lookOfCopy(pixels, copy);
      if (other && isAlike(look, other)) found[name] = (found[name] ?? 0) + 1;
    }
  }
  const plain = items.filter(({ look }) => look === undefined).length;
  const pairs = alikePairs(items, () => true);
  const across = pairs.filter(([one, other]) => one.group !== other.group);
  for (const [one, other] of across.slice(0, 8)) process.stderr.write(`${one.name} ~ ${other.name}\n`);
  const shares = Object.values(found).map((count) => `${((100 * count) / copied).toFixed(1)} %`);
  return [folder, String(items.length), String(plain), String(pairs.length), String(across.length), ...shares];
}

async function main(): Promise<void> {
  const rows: string[][] = [];
  for (const folder of process.argv.slice(2)) rows.push(await measure(folder));
  const head = ['data', 'images', 'too plain', 'alike', 'of two groups', ...Object.keys(COPIES)];
  process.stdout.write(`${table(head, rows)}\n`);
}

bench(main);
