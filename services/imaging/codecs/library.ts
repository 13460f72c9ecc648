// The codecs of this thread, each loaded with the first frame that needs it.

import { loadCharls } from './charls';
import { MemoryLimit, type Codec, type StreamKind, type StreamPicture } from './codec';
import { NativeCodecs } from './native-codecs';

interface Loaded {
  codec: Codec;
  limit: MemoryLimit;
  /** Whether it has decoded before: what its memory grew to is not given back. */
  used: boolean;
}

const loading = new Map<StreamKind, Promise<Loaded>>();

async function load(kind: StreamKind): Promise<Loaded> {
  const limit = new MemoryLimit();
  const codec = kind === 'jpeg-ls' ? await loadCharls(limit) : await NativeCodecs.load(kind, limit);
  return { codec, limit, used: false };
}

/** What came of a stream: samples, or why there are none. */
export type Outcome = Uint8Array | 'damaged' | 'too much memory';

/**
 * Decodes a stream, for `use` to take the samples while nothing else decodes. A codec that fails is loaded anew for the next
 * stream: a trap may leave the memory of its module damaged.
 */
export async function withDecoded<T>(
  kind: StreamKind,
  encoded: Uint8Array,
  picture: StreamPicture,
  use: (outcome: Outcome) => T,
): Promise<T> {
  for (;;) {
    const mine = loading.get(kind) ?? load(kind);
    loading.set(kind, mine);
    const loaded = await mine;
    // While this caller waited another one may have failed, and dropped what both had got. From here on nobody waits.
    if (mine !== loading.get(kind)) continue;
    const { codec, limit, used } = loaded;
    loaded.used = true;
    limit.expect(picture, encoded.length);
    let samples: Uint8Array | undefined;
    try {
      samples = codec.decode(encoded, picture);
    } catch {
      // What it threw may hold anything.
    }
    if (samples && !limit.exceeded) return use(samples);
    loading.delete(kind);
    // A picture before this one may have left its memory in pieces.
    if (limit.exceeded && used) continue;
    return use(limit.exceeded ? 'too much memory' : 'damaged');
  }
}
