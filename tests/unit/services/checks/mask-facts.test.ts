import type { DecodedSample } from '../../../../services/datasets/load/load-samples';
import { maskFactsOf } from '../../../../services/checks/mask-facts';
import type { ModelInput } from '../../../../services/checks/input-axes';

/** A picture with a lesion of `side` x `side` pixels at (x, y). */
function sample(width: number, height: number, { x, y, side }: { x: number; y: number; side: number }): DecodedSample {
  const masks = new Uint8Array(width * height);
  for (let row = y; row < y + side; row += 1) masks.fill(1, row * width + x, row * width + x + side);
  const pixels = { data: new Uint8Array(), width, height, channels: 1, sampleType: 'uint8' } as const;
  return { sample: { name: 'a', imagePath: '' }, pixels: pixels, masks, digest: '', imageDigest: '' };
}

const vanishes = (decoded: DecodedSample, input?: ModelInput): boolean => maskFactsOf(decoded, input).vanishes;

test('one inverted file of several is seen, although their union has no border of its own', () => {
  const decoded = sample(100, 100, { x: 0, y: 0, side: 100 });
  const inverted = sample(100, 100, { x: 0, y: 0, side: 100 }).masks!.fill(0, 4040, 4060);
  const file = { kind: 'grey', foreground: ['255'], structure: 0 } as const;
  const other = sample(100, 100, { x: 30, y: 30, side: 30 }).masks!;
  const understood = [inverted, other].map((mask) => ({ ...file, foreground: ['255'], mask }));
  expect(maskFactsOf({ ...decoded, understood }).surrounds).toBe(true);
  expect(maskFactsOf({ ...decoded, understood: understood.slice(1) }).surrounds).toBe(false);
});

describe('a lesion that is lost at the size of the model', () => {
  it('lies between the pixels that the model sees', () => {
    // Of 2048 columns every eighth is seen: 4, 12, 20 and so on.
    expect(vanishes(sample(2048, 2048, { x: 5, y: 5, side: 3 }))).toBe(true);
    expect(vanishes(sample(2048, 2048, { x: 4, y: 4, side: 1 }))).toBe(false);
    expect(vanishes(sample(2048, 2048, { x: 5, y: 5, side: 8 }))).toBe(false);
  });

  it('is another one for another size, and for images that are scaled by their longer side', () => {
    const small = sample(512, 512, { x: 0, y: 0, side: 1 });
    expect(vanishes(small)).toBe(true);
    expect(vanishes(small, { side: 1024, fit: 'longest-side' })).toBe(false);
    // Stretched to 256 rows every row of 300 x 40 is seen; scaled to 34 rows, six are not.
    const sliver = sample(300, 40, { x: 1, y: 3, side: 1 });
    expect(vanishes(sliver, { side: 256, fit: 'pad-or-stretch' })).toBe(false);
    expect(vanishes(sliver, { side: 256, fit: 'longest-side' })).toBe(true);
  });

  it('is counted beside others that are left, and not where nothing is', () => {
    const pair = sample(2048, 2048, { x: 5, y: 5, side: 3 });
    expect(maskFactsOf(pair)).toMatchObject({ vanishes: true, lostLesions: 0 });
    sample(2048, 2048, { x: 500, y: 500, side: 40 }).masks!.forEach((value, at) => (pair.masks![at]! |= value));
    expect(maskFactsOf(pair)).toMatchObject({ vanishes: false, lostLesions: 1 });
  });

  it('does not exist in images that are smaller than the input, nor where nothing is drawn', () => {
    expect(vanishes(sample(100, 100, { x: 5, y: 5, side: 1 }))).toBe(false);
    expect(vanishes(sample(2048, 2048, { x: 0, y: 0, side: 0 }))).toBe(false);
  });
});
