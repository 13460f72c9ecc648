import type { PredictMasksRequest__Output } from '../../../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import { InvalidInputError } from '../../../../services/client';
import { automedError } from '../../../../services/common/errors';
import { unary } from '../../../../services/common/grpc/handlers';
import { served } from './server';

const INTERACTIVE = 'automed.segmentation.v1.InteractiveSegmentationService';
const image = { encoded: Buffer.from('pixels') };
const point = { points: [{ xPx: 1, yPx: 1, label: 'POINT_LABEL_FOREGROUND' as const }] };

/** A server that keeps embeddings until `evict`; `sent` says what each request brought. */
async function keeping(id = 'e1') {
  const kept = new Set<string>();
  const sent: (string | undefined)[] = [];
  const client = await served({
    [INTERACTIVE]: (log) => ({
      EncodeImage: unary(log, () => {
        kept.add(id);
        return { embeddingId: id };
      }),
      PredictMasks: unary(log, ({ source, embeddingId, points }: PredictMasksRequest__Output) => {
        sent.push(source);
        if (source === 'embeddingId' && !kept.has(embeddingId ?? ''))
          throw automedError('EMBEDDING_NOT_RESIDENT', 'Send the image.');
        if (points.length === 0) throw automedError('INVALID_ARGUMENT', 'A prompt is missing.', { field: 'points' });
        kept.add(id);
        return { embeddingId: id };
      }),
    }),
  });
  return { client, sent, evict: () => kept.clear() };
}

test('an image is sent once, and again when its embedding is gone', async () => {
  const { client, sent, evict } = await keeping();
  const opened = client.interactive.open({ model: 'tiny', image });
  expect(opened.embeddingId).toBeUndefined();
  for (let prompt = 0; prompt < 2; prompt += 1) await opened.predictMasks(point);
  evict();
  for (let prompt = 0; prompt < 2; prompt += 1) await opened.predictMasks(point);
  expect(opened.embeddingId).toBe('e1');
  expect(sent).toEqual(['image', 'embeddingId', 'embeddingId', 'image', 'embeddingId']);
});

test('an image that was encoded ahead is not sent again', async () => {
  const { client, sent } = await keeping();
  const opened = client.interactive.open({ model: 'tiny', image });
  await opened.encode();
  await opened.predictMasks(point);
  expect(sent).toEqual(['embeddingId']);
});

test('an embedding that an earlier answer named is tried first', async () => {
  const { client, sent } = await keeping();
  await client.interactive.open({ model: 'tiny', image, embeddingId: 'of another day' }).predictMasks(point);
  expect(sent).toEqual(['embeddingId', 'image']);
});

test('another error of a prompt does not send the image again', async () => {
  const { client, sent } = await keeping();
  const opened = client.interactive.open({ model: 'tiny', image });
  await opened.predictMasks(point);
  await expect(opened.predictMasks({})).rejects.toBeInstanceOf(InvalidInputError);
  expect(sent).toEqual(['image', 'embeddingId']);
});

test('a server that keeps no embeddings gets the image each time', async () => {
  const { client, sent } = await keeping('');
  const opened = client.interactive.open({ model: 'tiny', image });
  for (let prompt = 0; prompt < 2; prompt += 1) await opened.predictMasks(point);
  expect(opened.embeddingId).toBeUndefined();
  expect(sent).toEqual(['image', 'image']);
});
