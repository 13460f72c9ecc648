import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../../services/terminal/statistics';
import { segmentationClient } from '../../support/api-clients';
import { fromBuild, startProgram } from '../../support/stack';
import { makeStore } from '../../support/stack-store';
import { MeasuredBuild } from './build';
import { measureLoad, type LoadResult } from './load';
import { pictures } from './pictures';

const STARTS = 3;
const HEADS = ['polyp', 'lesion'] as const;

export interface LargeBase {
  arch: string;
  weights_bytes: number;
  /** From the start of the process to a model in memory and health SERVING; the file was in the page cache. */
  cold_start_ms: number;
  /** Segment of an image that was not seen, and of the same image by another head. */
  first_head_ms: number;
  second_head_ms: number;
  second_over_first: number;
  /** Without kept embeddings, through the gateway. */
  load: LoadResult;
}

const settings = (home: string): Record<string, string> => ({
  ...{ AUTOMED_HOME: home, AUTOMED_LOG_LEVEL: 'error', AUTOMED_THREADS_PER_WORKER: '' },
  AUTOMED_PRELOAD: HEADS.join(','),
});

/** The first start brings the file into the page cache, and is not counted. */
async function coldStartMs(home: string, checkout: string): Promise<number> {
  const starts: number[] = [];
  for (let start = 0; start < STARTS; start += 1) {
    const begun = performance.now();
    const program = await startProgram('inference', settings(home), fromBuild(checkout, 'inference'));
    starts.push(performance.now() - begun);
    await program.stop();
  }
  return median(starts.slice(1));
}

/** Medians of Segment of images that were not seen, and of the same images by another head. */
async function twoHeads(home: string, checkout: string, images: number): Promise<[number, number]> {
  const program = await startProgram('inference', settings(home), fromBuild(checkout, 'inference'));
  const client = segmentationClient(program.address);
  const taken: [number[], number[]] = [[], []];
  for (const encoded of await pictures('png', images + 1)) {
    for (const [at, model] of HEADS.entries()) {
      const begun = performance.now();
      await client.unary('Segment', { model, image: { encoded } });
      taken[at as 0 | 1].push(performance.now() - begun);
    }
  }
  client.close();
  await program.stop();
  return [median(taken[0].slice(1)), median(taken[1].slice(1))];
}

/** What a base of the size that models are published in does: how soon it serves, what a second head adds, how much it bears. */
export async function measureLargeBase(
  checkout: string,
  arch: string,
  { images, seconds }: { images: number; seconds: number },
): Promise<LargeBase> {
  const home = mkdtempSync(join(tmpdir(), 'automed-bench-'));
  try {
    const store = await makeStore(home, arch);
    for (const [at, head] of HEADS.entries()) await store.addSegmentation(head, at + 2);
    const cold_start_ms = await coldStartMs(home, checkout);
    const [first, second] = await twoHeads(home, checkout, images);
    const build = await MeasuredBuild.start('this', checkout, home, { AUTOMED_EMBEDDING_CACHE_BYTES: '0' });
    const load = await measureLoad(build.gatewayAddress, store, await pictures('png', 8), { seconds, shares: [0.7] });
    await build.stop();
    return {
      ...{ arch, weights_bytes: store.base.manifest.weights.bytes, cold_start_ms },
      ...{ first_head_ms: first, second_head_ms: second, second_over_first: second / first, load },
    };
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
}
