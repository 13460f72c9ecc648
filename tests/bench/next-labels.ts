// How many labels the order of `automed data next-labels` saves against random order, simulated on ISIC 2017 (masks) and
// Brain MRI (classes): labels are hidden and asked for again, five seeds each, by linear heads on embeddings that are kept.
//
//   npm run bench:next-labels [-- WEIGHTS]      base: tiny, of random weights (seed 1), or of a safetensors file
//
// Needs isic2017 and brain_mri in AUTOMED_TEST_DATA (default ../shared/data).

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initBase } from '../../native/lib';
import { readData, resolveSource } from '../../services/datasets/layouts/read-data';
import { decodeInOrder } from '../../services/datasets/load/load-samples';
import { PARTS } from '../../services/datasets/files/part-names';
import { keep, type KeptImage } from '../../services/next-labels/kept-image';
import { rescaleAll, statementOf } from '../../services/next-labels/label-order';
import { simulate, type Benefit } from '../../services/next-labels/simulation';
import type { StoredBase, Task } from '../../services/store';
import { baseArchitecture } from '../../services/store/architectures';
import { loadNativeEmbedder } from '../../services/worker/adapters/native-embedder';
import { labelOf, type Embedder } from '../../services/worker/domain/data/order-labels';
import { bench } from './keep-alive';

const DATA = process.env.AUTOMED_TEST_DATA ?? join(__dirname, '..', '..', '..', 'shared', 'data');
const SETS: readonly (readonly [string, Task])[] = [
  ['isic2017', 'segmentation'],
  ['brain_mri', 'classification'],
];
const { signal } = new AbortController();

async function keptImages(name: string, task: Task, embedder: Embedder): Promise<KeptImage[]> {
  const folder = await readData(await resolveSource({ data: join(DATA, name), task }));
  const kept: KeptImage[] = [];
  for await (const result of decodeInOrder(
    PARTS.flatMap((part) => folder.parts[part]),
    { depth: 16 },
  )) {
    if ('problem' in result) continue;
    const embedding = await embedder.embed(result.pixels, signal);
    kept.push(keep(result.sample, embedding, task === 'segmentation', labelOf(result, folder.classes.length)));
  }
  return kept;
}

function print(name: string, benefit: Benefit): void {
  const { poolCount, testCount } = benefit;
  process.stdout.write(`${name} (${poolCount} images to label, ${testCount} to measure on): ${statementOf(benefit)}\n`);
}

async function main(): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  const [given] = process.argv.slice(2);
  const { architecture } = baseArchitecture('tiny');
  const weightsPath = given ?? join(folder, 'base.safetensors');
  if (given === undefined) await initBase(JSON.stringify(architecture), 1, weightsPath);
  const base = { weightsPath, manifest: { architecture } } as StoredBase;
  const embedder = await loadNativeEmbedder(base, { device: 'cpu', threads: 1 });
  try {
    for (const [name, task] of SETS) {
      const images = await keptImages(name, task, embedder);
      rescaleAll(images);
      const onProgress = (done: number, total: number): void =>
        void process.stderr.write(`${name}: curve ${done} of ${total}\n`);
      print(name, await simulate(images, { masks: task === 'segmentation', signal, onProgress }));
    }
  } finally {
    await embedder.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

bench(main);
