// The codecs of this thread, each loaded with the first frame that needs it.

import { MemoryLimit, type Codec, type StreamKind, type StreamPicture } from './codec';
import { loadCornerstone, type CornerstoneCodec } from './cornerstone';
import { NativeCodecs } from './native-codecs';

interface Loaded {
  codec: Codec;
  limit: MemoryLimit;
  /** Whether it has decoded before: what its memory grew to is not given back. */
  used: boolean;
}

const loading = new Map<StreamKind | CornerstoneCodec, Promise<Loaded>>();

/** The fastest that gives every bit of such a picture. */
function codecFor(kind: StreamKind, { samples, precision }: StreamPicture): StreamKind | CornerstoneCodec {
  if (kind === 'jpeg-ls') return 'charls';
  return kind === 'jpeg-2000' && samples === 1 && precision <= 16 ? 'openjpeg' : kind;
}

async function load(name: StreamKind | CornerstoneCodec): Promise<Loaded> {
  const limit = new MemoryLimit();
  const isCornerstone = name === 'charls' || name === 'openjpeg';
  const codec = isCornerstone ? await loadCornerstone(name, limit) : await NativeCodecs.load(name, limit);
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
  const name = codecFor(kind, picture);
  for (;;) {
    const mine = loading.get(name) ?? load(name);
    loading.set(name, mine);
    const loaded = await mine;
    // While this caller waited another one may have failed, and dropped what both had got. From here on nobody waits.
    if (mine !== loading.get(name)) continue;
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
    loading.delete(name);
    // A picture before this one may have left its memory in pieces.
    if (limit.exceeded && used) continue;
    return use(limit.exceeded ? 'too much memory' : 'damaged');
  }
}
