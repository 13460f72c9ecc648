// The published predictors and ours, from the bytes of a file to the mask. The fixtures and the program that writes them lie
// in tests/parity/fixtures.

import { inflateSync } from 'node:zlib';
import { join } from 'node:path';
import sharp from 'sharp';
import { Engine, initBase, type Prompts } from '../../../native/lib';
import { decodeImage } from '../../../services/imaging/decode';
import type { BaseArchitecture, InputRule } from '../../../services/store';
import { baseArchitecture } from '../../../services/store/architectures';
import { temporaryFolder } from '../../support/data';
import { fillByName, hashPixels } from '../../support/hash-weights';
import { readTensors } from '../../support/safetensors';

jest.setTimeout(120_000);

const FIXTURES = join(__dirname, '..', '..', 'parity', 'fixtures');
const IMAGES = ['colour', 'square', 'small', 'tall', 'grey', 'small_grey'];
const PROMPTS = ['points', 'box', 'boxes', 'points_box', 'mask'];
const TOLERANCE = 1e-4;
/** Edge of a block of one colour, and step between stored logits. */
const BLOCK = 23;
const STEP = 4;

const NARROW: BaseArchitecture = {
  image_size: 256,
  patch_size: 16,
  embed_dim: 96,
  depth: 4,
  heads: 3,
  window_size: 14,
  global_blocks: [1, 3],
  out_channels: 32,
  adapter: true,
  fit: 'pad-or-stretch',
  decoder: { depth: 2, heads: 4, mlp_dim: 64, iou_hidden: 32, multimask_outputs: 3 },
};

const root = temporaryFolder();
const engine = new Engine({
  device: 'cpu',
  workers: 1,
  threadsPerWorker: 1,
  queueCapacity: 8,
  maxBatch: 1,
  maxBatchWaitMs: 0,
  embeddingCacheBytes: 0,
  embeddingTtlMs: 1000,
});
afterAll(() => engine.close());

/** A file of weights computed from their names, with adapters or without. */
async function writeWeights(adapter: boolean): Promise<string> {
  const path = join(root, `${adapter}.safetensors`);
  await initBase(JSON.stringify({ ...NARROW, adapter }), 1, path);
  fillByName(path);
  return path;
}

/** A PNG of blocks with a quarter of noise. */
async function fileOf(name: string, height: number, width: number, channels: 1 | 3): Promise<Buffer> {
  const columns = Math.ceil(width / BLOCK);
  const blocks = hashPixels(`blocks.${name}`, Math.ceil(height / BLOCK) * columns * channels);
  const noise = hashPixels(`noise.${name}`, height * width * channels);
  const pixels = noise.map((value, at) => {
    const [pixel, channel] = [Math.floor(at / channels), at % channels];
    const block = Math.floor(Math.floor(pixel / width) / BLOCK) * columns + Math.floor((pixel % width) / BLOCK);
    return (3 * blocks[block * channels + channel]! + value) >> 2;
  });
  const image = sharp(Buffer.from(pixels), { raw: { width, height, channels } });
  return (channels === 1 ? image.toColourspace('b-w') : image).png().toBuffer();
}

class Fixture {
  private readonly tensors;

  constructor(name: string) {
    this.tensors = readTensors(join(FIXTURES, `${name}.safetensors`));
  }

  floats(name: string): Float32Array | null {
    const tensor = this.tensors.get(name);
    return tensor === undefined ? null : Float32Array.from(tensor);
  }

  async image(name: string): Promise<Buffer> {
    const [height, width, channels] = this.floats(`${name}.shape`)!;
    return fileOf(name, height!, width!, channels === 1 ? 1 : 3);
  }

  prompts(key: string, mask: Float32Array | null): Prompts {
    const [points, labels, boxes] = ['points', 'labels', 'boxes'].map((part) => this.floats(`${key}.${part}`));
    return { points: points!, labels: labels!, boxes: boxes!, mask, multimask: false, threshold: 0.5 };
  }

  /** The mask of one object, and the pixels at its threshold. */
  mask(key: string, object: number): { bits: Buffer; near: Set<number> } {
    const bits = inflateSync(this.tensors.get(`${key}.bits.${object}`) as Uint8Array);
    return { bits, near: new Set(this.tensors.get(`${key}.near.${object}`)) };
  }
}

interface Difference {
  iou: number;
  lowRes: number;
  /** Pixels that are not at the threshold. */
  pixels: number;
}

const furthest = (ours: Float32Array, theirs: Float32Array): number => {
  expect(ours).toHaveLength(theirs.length);
  return ours.reduce((most, value, at) => Math.max(most, Math.abs(value - theirs[at]!)), 0);
};
const everyFourth = (lowRes: Float32Array, side: number): Float32Array =>
  lowRes.filter((_, at) => (at % side) % STEP === 0 && Math.floor(at / side) % STEP === 0);

/** A base and how it prepares images. */
interface Prepared {
  weights: string;
  adapter: boolean;
  rule: InputRule;
}

/** How far our masks are from the published ones, image and prompt by image and prompt. */
async function compare(
  fixture: Fixture,
  { weights, adapter, rule }: Prepared,
  image: string,
): Promise<Map<string, Difference>> {
  const base = await engine.loadBase(weights, JSON.stringify({ ...NARROW, adapter, ...rule }));
  const pixels = await decodeImage(await fixture.image(image));
  const differences = new Map<string, Difference>();
  let first: Float32Array | null = null;
  for (const prompt of PROMPTS) {
    const key = `${image}.${prompt}`;
    const given = fixture.prompts(key, prompt === 'mask' ? first : null);
    const { masks, width, height } = await engine.predictMasks(base, pixels, given);
    first ??= masks[0]!.lowRes;
    const lowRes = masks.flatMap((mask) => [...everyFourth(mask.lowRes, mask.lowResSide)]);
    let wrong = 0;
    for (const [object, { mask }] of masks.entries()) {
      expect(mask).toHaveLength(width * height);
      const { bits, near } = fixture.mask(key, object);
      mask.forEach((value, at) => {
        if (value !== ((bits[at >> 3]! >> (7 - (at & 7))) & 1) && !near.has(at)) wrong += 1;
      });
    }
    differences.set(prompt, {
      iou: furthest(
        Float32Array.from(masks, ({ predictedIou }) => predictedIou),
        fixture.floats(`${key}.iou`)!,
      ),
      lowRes: furthest(Float32Array.from(lowRes), fixture.floats(`${key}.low_res`)!),
      pixels: wrong,
    });
  }
  base.dispose();
  return differences;
}

describe('SAM-Med2D, as an imported base prepares images,', () => {
  const fixture = new Fixture('sam_med2d_masks');
  const published = baseArchitecture('sam-med2d-vit-b').published!;
  let weights: string;
  beforeAll(async () => {
    weights = await writeWeights(true);
  });

  it.each(IMAGES)('draws the masks of the published predictor (%s)', async (image) => {
    for (const [prompt, difference] of await compare(fixture, { weights, adapter: true, rule: published }, image)) {
      expect([prompt, difference.pixels]).toEqual([prompt, 0]);
      expect(difference.iou).toBeLessThan(TOLERANCE);
      expect(difference.lowRes).toBeLessThan(TOLERANCE);
    }
  });

  it.each<[string, InputRule]>([
    ['RGB', { ...published, channels: 'rgb' }],
    ['bilinear', { ...published, resize: 'bilinear' }],
    ['padded', { ...published, fit: 'pad-or-stretch' }],
  ])('would draw others of images that are %s', async (_, rule) => {
    const difference = (await compare(fixture, { weights, adapter: true, rule }, 'small')).get('points')!;
    expect(difference.pixels).toBeGreaterThan(50);
    expect(difference.lowRes).toBeGreaterThan(100 * TOLERANCE);
  });
});

describe('SAM', () => {
  const fixture = new Fixture('sam_masks');
  const { fit } = baseArchitecture('sam-vit-b').architecture;
  let weights: string;
  beforeAll(async () => {
    weights = await writeWeights(false);
  });
  // Pillow, which resizes for the published predictor, rounds 0.15 % of the samples to another level; what is not resized,
  // or to a whole multiple, is equal.
  const logits = (image: string): number => (['square', 'small_grey'].includes(image) ? TOLERANCE : 1e-3);

  it.each(IMAGES)('draws the masks of the published predictor (%s)', async (image) => {
    for (const [prompt, difference] of await compare(fixture, { weights, adapter: false, rule: { fit } }, image)) {
      expect([prompt, difference.pixels]).toEqual([prompt, 0]);
      expect(difference.iou).toBeLessThan(TOLERANCE);
      expect(difference.lowRes).toBeLessThan(logits(image));
    }
  });
});
