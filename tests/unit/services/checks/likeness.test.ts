import sharp, { type Sharp } from 'sharp';
import { factsOf, findingsOf, type Seen } from '../../../../services/checks/findings';
import { alikePairs, isAlike, lookOf, type Look } from '../../../../services/checks/likeness';
import { Random } from '../../../../services/common/random';
import { decodeImage } from '../../../../services/imaging/decode';
import type { Pixels } from '../../../../services/imaging/pixels/pixels';

const raw = (data: Uint8Array, width: number, height: number, channels: 1 | 3 = 1): Pixels => ({
  ...{ data, width, height, channels },
  sampleType: 'uint8',
});

/** Soft blots on grey with grain, another picture for each seed. */
function picture(seed: number, width = 120, height = 90): Pixels {
  const random = new Random(seed);
  const blots = Array.from({ length: 20 }, () => ({
    x: random.range(0, width),
    y: random.range(0, height),
    radius: random.range(0.06, 0.25) * width,
    level: random.range(-90, 90),
  }));
  const data = Uint8Array.from({ length: width * height }, (_, at) => {
    const [x, y] = [at % width, Math.floor(at / width)];
    let drawn = 128;
    for (const blot of blots) {
      drawn += blot.level * Math.exp(-((x - blot.x) ** 2 + (y - blot.y) ** 2) / blot.radius ** 2);
    }
    return Math.max(0, Math.min(255, drawn + random.range(-4, 4)));
  });
  return raw(data, width, height);
}

const sharpOf = ({ data, width, height, channels }: Pixels): Sharp =>
  sharp(Buffer.from(data), { raw: { width, height, channels } });
const copyOf = async (pixels: Pixels, copy: (image: Sharp) => Sharp): Promise<Pixels> =>
  decodeImage(await copy(sharpOf(pixels)).toBuffer());
const look = (pixels: Pixels): Look => lookOf(pixels) as Look;

describe('a copy', () => {
  it.each<[string, (image: Sharp) => Sharp]>([
    ['compressed with loss', (image) => image.jpeg({ quality: 50 })],
    ['of half the size', (image) => image.resize(60).png()],
    ['of another aspect, compressed', (image) => image.resize(224, 224, { fit: 'fill' }).jpeg({ quality: 75 })],
    ['enlarged', (image) => image.resize(240).png()],
  ])('%s looks the same', async (_, copy) => {
    for (const seed of [1, 2, 3]) {
      const pixels = picture(seed);
      expect(isAlike(look(pixels), look(await copyOf(pixels, copy)))).toBe(true);
    }
  });

  it('in 16 bits, or as colour, looks the same', () => {
    const pixels = picture(4);
    const wide = Uint16Array.from(pixels.data, (level) => 100 + level * 12);
    const stretched = raw(
      pixels.data.map((level) => level),
      120,
      90,
    );
    const [low, high] = [Math.min(...stretched.data), Math.max(...stretched.data)];
    stretched.data = stretched.data.map((level) => Math.round(((level - low) * 255) / (high - low)));
    const sixteen: Pixels = { ...pixels, data: new Uint8Array(wide.buffer), sampleType: 'uint16' };
    expect(isAlike(look(stretched), look(sixteen))).toBe(true);
    const colour = raw(
      Uint8Array.from({ length: 120 * 90 * 3 }, (_, at) => pixels.data[Math.floor(at / 3)]!),
      120,
      90,
      3,
    );
    expect(isAlike(look(pixels), look(colour))).toBe(true);
  });
});

it('the search for likeness tells other pictures, mirrored and turned ones apart', async () => {
  const pixels = picture(5);
  expect(isAlike(look(pixels), look(picture(6)))).toBe(false);
  for (const copy of [(image: Sharp) => image.flop().png(), (image: Sharp) => image.rotate(180).png()]) {
    expect(isAlike(look(pixels), look(await copyOf(pixels, copy)))).toBe(false);
  }
});

it('the search for likeness says nothing of pictures that are plain, or tiny', () => {
  expect(lookOf(raw(new Uint8Array(100 * 100).fill(7), 100, 100))).toBeUndefined();
  const edge = Uint8Array.from({ length: 100 * 100 }, (_, at) => (at % 100 < 50 ? 0 : 255));
  expect(lookOf(raw(edge, 100, 100))).toBeUndefined();
  expect(lookOf(raw(new Uint8Array(16 * 400), 16, 400))).toBeUndefined();
});

it('the search for likeness finds the same pairs as a comparison of all with all', () => {
  const items = Array.from({ length: 24 }, (_, at) => ({ name: at, look: look(picture(at % 14)) }));
  const found = alikePairs(items, () => true).map((pair) => pair.map(({ name }) => name).sort((a, b) => a - b));
  const expected = items.flatMap((one, at) =>
    items.slice(at + 1).flatMap((other) => (isAlike(one.look, other.look) ? [[one.name, other.name]] : [])),
  );
  expect(expected.length).toBeGreaterThanOrEqual(10);
  expect(found.sort()).toEqual(expected.sort());
});

it('the search for likeness is a warning where parts share it, and not for what groups or equal pixels say already', async () => {
  const pixels = picture(7);
  const copy = await copyOf(pixels, (image) => image.jpeg({ quality: 60 }));
  const seen = (part: Seen['part'], name: string, of: Pixels, group?: string): Seen =>
    factsOf(part, {
      sample: { name, imagePath: name, label: 0, ...(group === undefined ? {} : { group }) },
      pixels: of,
      digest: '',
      imageDigest: '',
    });
  const folder = { classes: ['a'], notes: [], groupColumn: undefined };
  const kinds = (...all: Seen[]) =>
    findingsOf([...all, seen('train', 'c.png', picture(8))], folder, []).map(({ kind, severity, message, names }) => {
      return { kind, severity, message, names };
    });
  const [one, ...more] = kinds(seen('test', 'b.jpg', copy), seen('train', 'a.png', pixels));
  expect(more).toEqual([]);
  expect(one).toMatchObject({ kind: 'alike-across-parts', severity: 'warning', names: ['a.png', 'b.jpg'] });
  expect(one?.message).toContain('a.png (train) and b.jpg (test)');
  expect(kinds(seen('train', 'b.jpg', copy), seen('train', 'a.png', pixels))).toEqual([]);
  const torn = kinds(seen('test', 'b.jpg', copy, 'P1'), seen('train', 'a.png', pixels, 'P1'));
  expect(torn.map(({ kind }) => kind)).not.toContain('alike-across-parts');
  const twice = kinds(seen('test', 'b.png', pixels), seen('train', 'a.png', pixels));
  expect(twice.map(({ kind }) => kind)).toEqual(['duplicate-across-parts']);
});
