// Samples that a micro trainer learns from in seconds: a bright square on noise, and its mask.

import type { SplitName, Trainer } from '../../native/lib';
import { noise } from './micro';

/** Adds `count` of them, each with its square elsewhere. */
export async function addSquares(trainer: Trainer, split: SplitName, count: number): Promise<void> {
  for (let n = 0; n < count; n++) {
    const pixels = noise(64, 64, n + 1);
    const mask = new Uint8Array(64 * 64);
    for (let y = 0; y < 24; y++) {
      for (let x = 0; x < 24; x++) {
        const at = (y + 5 * (n % 6)) * 64 + x + 6 * (n % 5);
        mask[at] = 1;
        pixels.data.fill(255, at * 3, at * 3 + 3);
      }
    }
    await trainer.addSegmentationSample(split, pixels, mask);
  }
}
