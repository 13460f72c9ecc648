import { LRUCache } from 'lru-cache';
import type { RequestOptions } from '../../../native/lib';
import type { RunOptions } from '../../common/inference';
import type { Pixels } from '../../imaging/pixels/pixels';
import { embeddingId, embeddingKey, type EmbeddingOrigin } from '../domain/embedding-id';

/** Images whose extents are remembered: more than embeddings of them fit into any cache. */
const MAX_SIZES = 65_536;

/** Pairs of image and caller that are remembered; the caller of a forgotten one sends the image again. */
const MAX_SHOWN = 65_536;

/** The names of embeddings in the engine's cache, and the extents of the images behind them. */
export class Embeddings {
  private readonly sizes = new LRUCache<string, { width: number; height: number }>({ max: MAX_SIZES });

  private readonly shown = new LRUCache<string, true>({ max: MAX_SHOWN });

  /** @param cacheBytes what the engine keeps; 0: nothing */
  constructor(private readonly cacheBytes: number) {}

  /** Content address of the embedding of these pixels; empty where none is kept, and then nothing is hashed. */
  async idOf(pixels: Pixels, origin: EmbeddingOrigin): Promise<string> {
    if (this.cacheBytes === 0) return '';
    const id = await embeddingId(pixels, origin);
    this.sizes.set(id, { width: pixels.width, height: pixels.height });
    return id;
  }

  /** Notes that a caller sent the image behind an id. */
  note(id: string, caller: string): void {
    if (id !== '' && caller !== '') this.shown.set(`${id} ${caller}`, true);
  }

  /** Whether a caller may prompt on an id alone: one who has shown the image, or anybody where callers are not told apart. */
  mayUse(id: string, caller: string): boolean {
    return caller === '' || this.shown.has(`${id} ${caller}`);
  }

  /** Extents of the image behind an id; undefined when this process has not seen it, or long ago. */
  sizeOf(id: string): { width: number; height: number } | undefined {
    return this.sizes.get(id);
  }

  /**
   * Options that let the engine find and keep the embedding of these pixels; nothing is hashed where none is kept.
   * @param origin undefined where the models have no use for an embedding
   */
  async sharing(options: RunOptions, pixels: Pixels, origin: EmbeddingOrigin | undefined): Promise<RequestOptions> {
    return origin ? keyed(options, await this.idOf(pixels, origin), origin) : options;
  }
}

/** Options under which the engine finds and keeps an embedding. @param id empty: it does neither */
export function keyed(options: RunOptions, id: string, origin: EmbeddingOrigin): RequestOptions {
  return id === '' ? options : { ...options, embeddingKey: embeddingKey(id, origin) };
}
