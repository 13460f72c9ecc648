import sharp from 'sharp';
import { decodeStoredMask } from '../../../../../services/datasets/masks/stored-mask';

const SIDE = 8;

/** A PNG of one colour, with one pixel of another. */
async function png(channels: 1 | 3, ground: readonly number[], drawn: readonly number[]): Promise<Buffer> {
  const data = Uint8Array.from({ length: SIDE * SIDE * channels }, (_, at) =>
    at < channels ? drawn[at]! : ground[at % channels]!,
  );
  return sharp(data, { raw: { width: SIDE, height: SIDE, channels } })
    .toColourspace(channels === 1 ? 'b-w' : 'srgb')
    .png()
    .toBuffer();
}

it.each([
  ['grey', () => png(1, [0], [7]), 'grey', [7, 0], 1],
  ['grey in three channels', () => png(3, [0, 0, 0], [7, 7, 7]), 'grey', [7, 0], 1],
  ['colours', () => png(3, [0, 0, 0], [1, 2, 3]), 'colour', [0x010203, 0], 4],
] as const)('holds %s in as few bytes as they need', async (_, bytes, kind, values, width) => {
  const stored = await decodeStoredMask(await bytes());
  expect(stored).toMatchObject({ kind, width: SIDE, height: SIDE, lossy: false });
  expect([...stored.values].slice(0, 2)).toEqual(values);
  expect((stored.values as Uint8Array).byteLength).toBe(SIDE * SIDE * width);
});
