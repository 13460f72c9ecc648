import { singlesOf } from '../../next-labels/halves';
import type { LoadEmbedder } from '../domain/data/order-labels';
import { workerEngine } from './worker-engine';

/** An embedding has to pass through the cache; no image is asked about twice. */
const CACHE_BYTES = 64 * 1024 * 1024;

/** Loads the encoder of a base as the services that serve it do. */
export const loadNativeEmbedder: LoadEmbedder = async ({ weightsPath, manifest }, machine) => {
  const engine = workerEngine(machine, CACHE_BYTES);
  try {
    const base = await engine.loadBase(weightsPath, JSON.stringify(manifest.architecture));
    let number = 0;
    return {
      embed: async (pixels, signal) => {
        const { embedding } = await engine.embed(base, pixels, { signal, embeddingKey: String((number += 1)) });
        return { ...embedding, features: singlesOf(embedding.features) };
      },
      close: () => engine.close(),
    };
  } catch (error) {
    await engine.close();
    throw error;
  }
};
