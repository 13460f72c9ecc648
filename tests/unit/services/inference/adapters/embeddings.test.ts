import { Embeddings, keyed } from '../../../../../services/inference/adapters/embeddings';
import { embeddingId, embeddingKey } from '../../../../../services/inference/domain/embedding-id';
import type { Pixels } from '../../../../../services/imaging/pixels/pixels';

const origin = { baseSha256: 'a'.repeat(64), precision: 'float32', preprocessing: '{}' };
const pixels: Pixels = { data: new Uint8Array(24).fill(7), width: 4, height: 2, channels: 3, sampleType: 'uint8' };
const options = { priority: 3 };

test('the keeper of embeddings names the embedding where the engine keeps one, and remembers the extents of its image', async () => {
  const embeddings = new Embeddings(1 << 20);
  const id = await embeddingId(pixels, origin);
  expect(embeddings.sizeOf(id)).toBeUndefined();
  expect(await embeddings.sharing(options, pixels, origin)).toEqual({
    priority: 3,
    embeddingKey: embeddingKey(id, origin),
  });
  expect(embeddings.sizeOf(id)).toEqual({ width: 4, height: 2 });
});

test('hashes nothing where nothing is kept', async () => {
  const untouched = { ...pixels };
  Object.defineProperty(untouched, 'data', { get: () => expect(true).toBe(false) });
  expect(await new Embeddings(0).sharing(options, untouched, origin)).toEqual(options);
  expect(await new Embeddings(0).idOf(untouched, origin)).toBe('');
  expect(keyed(options, '', origin)).toEqual(options);
  // A model that looks at the image alone.
  expect(await new Embeddings(1 << 20).sharing(options, untouched, undefined)).toEqual(options);
});
