// The first forward pass of a model, before anybody waits for it: LibTorch lays out its kernels, and the memory is there.

import { digestAnswer, type Engine, type Model, type RequestOptions } from '../../../native/lib';
import { AutomedError, automedError } from '../../common/errors';
import type { RunOptions } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';
import { differenceFromGolden, readGolden, type StoredModel } from '../../store';
import { sleepMs } from '../../common/timers';

/** Before waiting requests: one image that many wait for. */
const OPTIONS: RunOptions = { priority: 100 };
const RETRY_MS = 100;

export interface ProofOptions {
  /** Whether a golden image must be answered as at registration. */
  golden: boolean;
  /** Lets models of one base share an embedding: a blank image passes through its encoder once. */
  share: (pixels: Pixels, options: RunOptions) => Promise<RequestOptions>;
}

/**
 * Runs a model once. With a golden image it must answer as it did at registration, from the pixels on.
 * @throws CheckpointError (CHECKPOINT_CORRUPT)
 */
export async function prove(engine: Engine, head: Model, stored: StoredModel, options: ProofOptions): Promise<void> {
  const { manifest } = stored;
  const golden = options.golden ? await readGolden(stored) : undefined;
  const threshold = manifest.task === 'segmentation' ? manifest.threshold : null;
  const pixels = golden?.pixels ?? blank(manifest.preprocessing.image_size);
  const request = golden ? OPTIONS : await options.share(pixels, OPTIONS);
  const answer = await patiently(() => digestAnswer(engine, head, pixels, threshold, request));
  const difference = golden && differenceFromGolden(golden, answer, head.base.precision);
  if (difference === undefined) return;
  const text = `${manifest.name}@${manifest.version} does not answer as it did when it was registered: it ${difference}.`;
  throw automedError('CHECKPOINT_CORRUPT', text, { field: 'model' });
}

function blank(side: number): Pixels {
  const data = new Uint8Array(side * side * 3).fill(128);
  return { data, width: side, height: side, channels: 3, sampleType: 'uint8' };
}

/** A full queue is no reason not to load: its requests are being answered. */
async function patiently<T>(run: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await run();
    } catch (error) {
      if (!(error instanceof AutomedError) || error.code !== 'QUEUE_FULL') throw error;
      await sleepMs(error.retryAfterMs ?? RETRY_MS);
    }
  }
}
