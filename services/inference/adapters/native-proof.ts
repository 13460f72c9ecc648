// The first forward pass of a model, before anybody waits for it: LibTorch lays out its kernels, and the memory is there.

import { setTimeout as sleep } from 'node:timers/promises';
import type { Engine, Model, RequestOptions } from '../../../native/lib';
import { AutomedError } from '../../common/errors';
import type { Pixels } from '../../imaging/pixels';
import type { StoredModel } from '../../store';

/** Before waiting requests: one image that many wait for. */
const OPTIONS: RequestOptions = { priority: 100 };
const RETRY_MS = 100;

/** Runs a model on an image once. */
export async function prove(engine: Engine, head: Model, { manifest }: StoredModel): Promise<void> {
  const side = manifest.preprocessing.image_size;
  const pixels: Pixels = {
    data: new Uint8Array(side * side * 3).fill(128),
    width: side,
    height: side,
    channels: 3,
    sampleType: 'uint8',
  };
  await patiently(async () => {
    if (manifest.task === 'segmentation') await engine.segment(head, pixels, manifest.threshold, OPTIONS);
    else await engine.classify(head, pixels, OPTIONS);
  });
}

/** A full queue is no reason not to load: its requests are being answered. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof AutomedError) || error.code !== 'QUEUE_FULL') throw error;
      await sleep(error.retryAfterMs ?? RETRY_MS);
    }
  }
}
