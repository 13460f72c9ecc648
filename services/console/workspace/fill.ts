// Fills a queue: each image is read, predicted and added, a few at a time.

import { toBase64 } from '../../console-kit/api/bytes';
import { sentence } from '../../console-kit/api/call';
import { readSample } from '../../console-kit/api/datasets';
import { analyze } from '../../console-kit/api/models';
import { addReview } from '../../console-kit/api/reviews';
import type { Image } from '../../console-kit/api/types';

/** Calls under way at a time; the server has a queue of its own. */
const PARALLEL = 2;

export interface ImageToFill {
  name: string;
  group: string;
  origin: string;
  image: (signal: AbortSignal) => Promise<Image>;
}

export interface Filled {
  added: number;
  failures: string[];
}

export const sampleToFill = (dataset: string, { name, group = '' }: { name: string; group?: string }): ImageToFill => ({
  name,
  group,
  origin: dataset,
  image: async (signal) => (await readSample(dataset, name, { signal })).image,
});

export const fileToFill = (file: File): ImageToFill => ({
  name: file.name,
  group: '',
  origin: 'file',
  image: async () => ({ encoded: toBase64(new Uint8Array(await file.arrayBuffer())) }),
});

interface FillOptions {
  queue: string;
  /** `name@version` */
  model: string;
  signal: AbortSignal;
  onProgress: (done: number) => void;
}

/** What cannot be read or predicted is left out; images that are in the queue already stay as they were decided. */
export async function fill(images: readonly ImageToFill[], options: FillOptions): Promise<Filled> {
  const { queue, model, signal, onProgress } = options;
  const filled: Filled = { added: 0, failures: [] };
  let [next, done] = [0, 0];
  const work = async (): Promise<void> => {
    while (next < images.length && !signal.aborted) {
      const { image: read, ...facts } = images[(next += 1) - 1] as ImageToFill;
      try {
        const image = await read(signal);
        const [finding] = await analyze([model], image, { signal });
        if (finding) await addReview({ queue, ...facts, image, finding }, { signal });
        filled.added += 1;
      } catch (error) {
        if (signal.aborted) return;
        filled.failures.push(`${facts.name}: ${sentence(error)}`);
      }
      onProgress((done += 1));
    }
  };
  await Promise.all(Array.from({ length: PARALLEL }, work));
  return filled;
}
