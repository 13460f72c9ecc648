import type { Pixels } from '../../../imaging/pixels/pixels';
import type { StoredBase, StoredModel } from '../../../store';

/** A model in memory that answers as the services do. */
export interface Predictor {
  /** The masks of its structures at the size of the image, one byte per pixel. */
  segment(pixels: Pixels, threshold: number, signal: AbortSignal): Promise<Uint8Array[]>;
  /** One probability per class. */
  classify(pixels: Pixels, signal: AbortSignal): Promise<number[]>;
  close(): Promise<void>;
}

export type LoadPredictor = (
  weights: { model: StoredModel; base: StoredBase },
  machine: { device: string; threads: number },
) => Promise<Predictor>;
