// Which images of a data set to label next: every image is encoded once, the rest happens on what is kept of it.

import { automedError } from '../../../common/errors';
import type { Pixels } from '../../../imaging/pixels/pixels';
import type { ModelStore, StoredBase } from '../../../store';
import { readData, resolveSource } from '../../../datasets/layouts/read-data';
import { decodeInOrder, type DecodedSample } from '../../../datasets/load/load-samples';
import { limitSamples } from '../../../datasets/split/limit';
import { PARTS } from '../../../datasets/files/part-names';
import { keep, type Embedding, type KeptImage, type Label } from '../../../next-labels/kept-image';
import { orderLabels } from '../../../next-labels/label-order';
import type { Emit, FinishedEvent, OrderLabelsSpec } from '../../protocol/protocol';

/** An encoder in memory. */
export interface Embedder {
  embed(pixels: Pixels, signal: AbortSignal): Promise<Embedding>;
  close(): Promise<void>;
}

export type LoadEmbedder = (base: StoredBase, machine: { device: string; threads: number }) => Promise<Embedder>;

export interface OrderLabelsDependencies {
  store: ModelStore;
  loadEmbedder: LoadEmbedder;
  emit: Emit;
  signal: AbortSignal;
}

/** Progress is told after so many images. */
const TOLD = 8;

/** What is known of an image, its structures united. */
export function labelOf({ sample, pixels, masks }: DecodedSample, classes: number): Label {
  const { width, height } = pixels;
  if (!masks) return { kind: 'class', index: sample.label ?? 0, classes };
  const size = width * height;
  const union = masks.subarray(0, size).slice();
  for (let at = size; at < masks.length; at += 1) if (masks[at] !== 0) union[at % size] = 1;
  return { kind: 'mask', mask: union, width, height };
}

interface Kept {
  labelled: KeptImage[];
  unlabelled: KeptImage[];
}

async function keepAll(
  spec: OrderLabelsSpec,
  embedder: Embedder,
  { emit, signal }: Pick<OrderLabelsDependencies, 'emit' | 'signal'>,
): Promise<Kept> {
  const folder = await readData(await resolveSource(spec));
  if (folder.unlabelled.length === 0) {
    const text =
      'The data set has no image without a label. Put such images into its folder unlabelled/, or into images/ without a mask.';
    throw automedError('INVALID_ARGUMENT', text, { field: 'dataset' });
  }
  const masks = spec.task === 'segmentation';
  const all = PARTS.flatMap((part) => folder.parts[part]);
  const labelled = limitSamples(all, { count: spec.limit, seed: spec.seed });
  const unlabelled = folder.unlabelled.map(({ name, imagePath }) => ({ name, imagePath }));
  const kept: Kept = { labelled: [], unlabelled: [] };
  const total = labelled.length + unlabelled.length;
  let done = 0;
  const read = async (into: KeptImage[], samples: typeof labelled, labels: boolean): Promise<void> => {
    for await (const result of decodeInOrder(samples, { depth: 16 })) {
      signal.throwIfAborted();
      if ('problem' in result) {
        const message = `${result.sample.name}: ${result.problem}`;
        emit({ type: 'log', level: 'warn', message });
      } else {
        const embedding = await embedder.embed(result.pixels, signal);
        const label = labels ? labelOf(result, folder.classes.length) : undefined;
        into.push(keep(result.sample, embedding, masks, label));
      }
      done += 1;
      if (done % TOLD === 0 || done === total) emit({ type: 'preparing', done, total });
    }
  };
  await read(kept.labelled, labelled, true);
  await read(kept.unlabelled, unlabelled, false);
  if (kept.labelled.length > 0) return kept;
  throw automedError('INVALID_ARGUMENT', 'None of the labelled images could be used.', { field: 'dataset' });
}

/** Resolves to a finished event whose metrics are a LabelOrder. */
export async function orderNextLabels(
  { device, threads, ...spec }: OrderLabelsSpec,
  { store, loadEmbedder, emit, signal }: OrderLabelsDependencies,
): Promise<FinishedEvent> {
  const base = await store.resolveBase(spec.base);
  await store.verify(base);
  const embedder = await loadEmbedder(base, { device, threads });
  try {
    const { labelled, unlabelled } = await keepAll({ ...spec, device, threads }, embedder, { emit, signal });
    const order = await orderLabels(labelled, unlabelled, {
      masks: spec.task === 'segmentation',
      count: spec.count,
      seed: spec.seed,
      signal,
      onProgress: (done, total) => emit({ type: 'preparing', done, total }),
    });
    return { type: 'finished', metrics: { ...order } };
  } catch (error) {
    if (signal.aborted) throw automedError('CANCELLED', 'The order was cancelled.', { cause: error });
    throw error;
  } finally {
    await embedder.close();
  }
}
