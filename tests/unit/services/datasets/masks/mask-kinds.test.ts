import sharp from 'sharp';
import { checkData, type DataReport } from '../../../../../services/checks/check-data';
import { listSamples, type DataSpec } from '../../../../../services/datasets/split/divide';
import { bmp } from '../../../../support/bmp';
import { temporaryFolder } from '../../../../support/data';
import { GREY, GREY_ALPHA, png, pngChunk, RGB, RGBA, tiff } from '../../../../support/images';
import { discImage } from '../../../../support/stack-images';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const SIDE = 16;
const IMAGES = 6;

/** 0 background, 1 and 2 the left and right half of a lesion of 16 pixels, 3 a rim of 20 pixels around it. */
const DRAWN = Array.from({ length: SIDE * SIDE }, (_, at) => {
  const [x, y] = [at % SIDE, Math.floor(at / SIDE)];
  const inside = (margin: number): boolean => [x, y].every((each) => each >= 5 - margin && each < 9 + margin);
  return inside(0) ? (x < 7 ? 1 : 2) : inside(1) ? 3 : 0;
});
const SHARE = 16 / 256;

/** Samples of the drawing, where the lesion has two values, one, or none, and the rim another. */
const draw = (...values: number[]): number[] => DRAWN.map((label) => values[label] ?? 0);
const bytes = (values: readonly number[]): Buffer => Buffer.from(values);
const bytes16 = (values: readonly number[]): Buffer =>
  Buffer.from(values.flatMap((value) => [value >> 8, value & 255]));
const floats = (values: readonly number[]): Buffer => Buffer.from(Float32Array.from(values).buffer);
const bands = (values: readonly number[]): Buffer =>
  bytes(values.flatMap((rgb) => [rgb >> 16, (rgb >> 8) & 255, rgb & 255]));

const grey = (...values: number[]): Buffer => png(SIDE, SIDE, GREY, 8, bytes(draw(...values)));
const grey16 = (...values: number[]): Buffer => png(SIDE, SIDE, GREY, 16, bytes16(draw(...values)));
const colours = (...values: number[]): Buffer => png(SIDE, SIDE, RGB, 8, bands(draw(...values)));
const float = (...values: number[]): Buffer =>
  tiff({ width: SIDE, height: SIDE, bits: 32, sampleFormat: 3, data: floats(draw(...values)) });

/** A TIFF of four bits, which its decoder spreads over eight. */
function tiff4(...values: number[]): Buffer {
  const samples = draw(...values);
  const data = bytes(samples.flatMap((high, at) => (at % 2 ? [] : [(high << 4) | (samples[at + 1] ?? 0)])));
  return tiff({ width: SIDE, height: SIDE, bits: 4, sampleFormat: 1, data });
}

const wide = (sampleFormat: 1 | 2, ...values: number[]): Buffer => {
  const data = Buffer.from(Int32Array.from(draw(...values)).buffer);
  return tiff({ width: SIDE, height: SIDE, bits: 32, sampleFormat, data });
};

/** A PNG palette of these colours with the indices 0, 1, 2 and rim. */
function palette(rgb: readonly number[], rim = 0, alphas: readonly number[] = []): Buffer {
  const chunks = [pngChunk('PLTE', bands(rgb)), ...(alphas.length > 0 ? [pngChunk('tRNS', bytes(alphas))] : [])];
  return png(SIDE, SIDE, 3, 8, bytes(draw(0, 1, 2, rim)), chunks);
}
/** A BMP of 32 bits in one colour, whose fourth bytes are these. */
function bmpLayer(colour: number, alphas: readonly number[]): Buffer {
  const bytes = Buffer.alloc(54 + 4 * SIDE * SIDE);
  bmp({ width: SIDE, height: 1, bits: 24, pixels: [] }).copy(bytes, 0, 0, 54);
  bytes.writeInt32LE(-SIDE, 22);
  bytes.writeUInt16LE(32, 28);
  alphas.forEach((alpha, at) => Buffer.of(colour, colour, colour, alpha).copy(bytes, 54 + 4 * at));
  return bytes;
}
const tiffPalette = (rgb: readonly number[], rim = 0): Buffer =>
  tiff({ width: SIDE, height: SIDE, bits: 8, sampleFormat: 1, data: bytes(draw(0, 1, 2, rim)), palette: rgb });

const layer = (colour: number): Buffer =>
  png(SIDE, SIDE, RGBA, 8, bytes(draw(0, 255, 255).flatMap((alpha) => [colour, colour, colour, alpha])));
const greyLayer = png(SIDE, SIDE, GREY_ALPHA, 8, bytes(draw(0, 255, 255).flatMap((alpha) => [9, alpha])));

/** The colours that the VOC tools give to 0, 1 and 2, and to 255. */
const VOC = [0, 0x800000, 0x008000, ...new Array<number>(252).fill(0), 0xe0e0c0];

const encoded = (bits: Buffer, as: 'jpeg' | 'webp' | 'lossless'): Promise<Buffer> =>
  as === 'jpeg'
    ? sharp(bits).jpeg({ quality: 90 }).toBuffer()
    : sharp(bits)
        .webp({ lossless: as === 'lossless', quality: 80 })
        .toBuffer();

type Masks = Buffer | Promise<Buffer> | ((index: number) => Buffer | Promise<Buffer>);

async function check(masks: Masks, extension = 'png', changes: Partial<DataSpec> = {}): Promise<DataReport> {
  const files: [string, Buffer][] = [];
  for (let index = 0; index < IMAGES; index += 1) {
    files.push([`images/${index}.png`, (await discImage(SIDE, SIDE, index)).png]);
    files.push([`masks/${index}.${extension}`, await (typeof masks === 'function' ? masks(index) : masks)]);
  }
  const spec: DataSpec = {
    task: 'segmentation',
    data: writeTree(root, ...files),
    validationFraction: 0.5,
    seed: 0,
    strict: false,
    ...changes,
  };
  return checkData(await listSamples(spec));
}

const errors = ({ findings }: DataReport): string[] =>
  findings.filter(({ severity }) => severity === 'error').map(({ message }) => message);

type Row = [name: string, masks: Masks, reading: RegExp, extension?: string];

const READ: Row[] = [
  ['a PNG palette', palette(VOC), /^palette, foreground = index 1, index 2 \(6 masks\)$/],
  ['a palette whose colours are all dark', palette([0, 0x040000, 0x000004]), /index 1, index 2/],
  ['a palette of one colour', palette([0, 0, 0]), /index 1, index 2/],
  ['a TIFF palette', tiffPalette(VOC), /index 1, index 2/, 'tif'],
  [
    'a BMP palette',
    bmp({ width: SIDE, height: SIDE, bits: 8, pixels: draw(0, 1, 2), greys: [0, 3, 2] }),
    /index 1, index 2/,
    'bmp',
  ],
  ['colours without loss', colours(0, 0x0000ff, 0x008000), /^colour, foreground = #0000ff, #008000/],
  ['colours in a WebP', encoded(colours(0, 0x0000ff, 0x008000), 'lossless'), /^colour, foreground/, 'webp'],
  ['grey in three bands', colours(0, 0x010101, 0x010101), /^grey, foreground = 1 /],
  [
    '16 bits',
    (index) => grey16(0, [1, 255, 65535][index % 3]!, [1, 255, 65535][index % 3]!),
    /^grey, foreground = 1, 255, 65535/,
  ],
  ['floats', (index) => (index % 2 ? float(0, 1, 1) : float(0, 255, 255)), /^grey, foreground = 1, 255/, 'tif'],
  ['signed integers of 32 bits', wide(2, 0, 1, 1), /^grey, foreground = 1 /, 'tif'],
  ['unsigned integers of 32 bits', wide(1, 0, 255, 255), /^grey, foreground = 255 /, 'tif'],
  [
    '0 and 1 beside 0 and 255',
    (index) => (index % 2 ? grey(0, 1, 1) : grey(0, 255, 255)),
    /^grey, foreground = 1, 255/,
  ],
  ['a JPEG', encoded(grey(0, 255, 255), 'jpeg'), /^grey, foreground = above 127/, 'jpg'],
  ['a WebP with loss', encoded(grey(0, 255, 255), 'webp'), /^grey, foreground = above 127/, 'webp'],
  ['a black layer with transparency', layer(0), /^transparency/],
  ['a white layer with transparency', layer(255), /^transparency/],
  ['a layer in a WebP', encoded(layer(255), 'lossless'), /^transparency/, 'webp'],
  ['a grey layer with transparency', greyLayer, /^transparency/],
  ['a black layer in a BMP', bmpLayer(0, draw(0, 255, 255)), /^transparency/, 'bmp'],
  ['a white layer in a BMP', bmpLayer(255, draw(0, 255, 255)), /^transparency/, 'bmp'],
  ['a palette that differs in transparency only', palette([5, 5, 5], 0, [0, 255, 255]), /^transparency/],
];

it.each(READ)('reads %s as the lesion it shows', async (_, masks, reading, extension = 'png') => {
  const report = await check(masks, extension);
  expect([report.findings, report.masks]).toEqual([[], expect.stringMatching(reading)]);
  const { min, max } = report.parts.train.foreground!;
  // Edges of a lossy file may move by a few pixels.
  expect(Math.abs(min - SHARE) + Math.abs(max - SHARE)).toBeLessThan(
    extension === 'jpg' || extension === 'webp' ? 0.03 : 1e-9,
  );
});

const REFUSED: [string, Masks, RegExp, string?][] = [
  ['a rim of 255 beside label 1', grey(0, 1, 1, 255), /it holds 0, 1, 255/],
  ['a palette with the index 255 as a border', palette(VOC, 255), /indices are 0, 1, 2, 255/],
  ['a TIFF palette with that border', tiffPalette(VOC, 255), /indices are 0, 1, 2, 255/, 'tif'],
  ['the colour that VOC gives to borders', colours(0, 0x800000, 0x800000, 0xe0e0c0), /#000000, #800000, #e0e0c0/],
  ['three labels', grey(0, 1, 2), /it holds 0, 1, 2/],
  ['three labels in 16 bits', grey16(0, 1, 2), /it holds 0, 1, 2/],
  ['three labels in 32 bits', wide(2, 0, 1, 70000), /it holds 0, 1, 70000/, 'tif'],
  ['negative integers', wide(2, -3, 1, 1), /it holds -3, 0, 1/, 'tif'],
  ['three greys', grey(0, 128, 255), /it holds 0, 128, 255/],
  ['three greys in a JPEG', encoded(grey(0, 128, 255, 128), 'jpeg'), /it holds 0, 1/, 'jpg'],
  ['labels in a JPEG', encoded(grey(0, 3, 3), 'jpeg'), /nothing is above 127/, 'jpg'],
  ['colours with loss', encoded(colours(0, 0xff0000, 0xff0000), 'jpeg'), /its bands differ/, 'jpg'],
  ['colours on white', colours(0xffffff, 0xff0000, 0xff0000, 0xffffff), /#ff0000, #ffffff/],
  ['black at another index than 0', palette([0xff0000, 0, 0x00ff00]), /black at another index than 0/],
  ['floats between 0 and 1', float(0, 0.2, 0.4), /the largest value is 0\.4/, 'tif'],
  ['0 and 1 beside 0 and 2', (index) => (index % 2 ? grey(0, 1, 1) : grey(0, 2, 2)), /1 in 3 .*; 2 in 3 /],
  [
    'index 1 beside index 255 alone',
    (index) =>
      png(SIDE, SIDE, 3, 8, bytes(draw(0, ...[index ? 1 : 255, index ? 1 : 255])), [pngChunk('PLTE', bands(VOC))]),
    /index 1 in 5 .*; index 255 in 1 /,
  ],
  ['the background', (_) => grey(255, 0, 0, 255), /the border of the picture is foreground/],
  ['nothing', grey(0, 0, 0), /every training mask is empty/],
  ['nothing, in a BMP whose fourth bytes are not used', bmpLayer(0, draw(7, 7, 7, 7).fill(7)), /mask is empty/, 'bmp'],
  ['the background in one file of six', (at) => (at ? grey(0, 255, 255) : grey(255, 0, 0, 255)), /in 1 of 6 .* border/],
  ['everything', grey(255, 255, 255, 255), /every training mask is foreground all over/],
];

it.each(REFUSED)(
  'refuses masks that show %s, and names files and values',
  async (_, masks, problem, extension = 'png') => {
    const report = await check(masks, extension);
    expect(errors(report)).toContainEqual(expect.stringMatching(problem));
  },
);

it('says each reason once, and each file', async () => {
  const { findings } = await check((index) => (index < 4 ? grey(0, 1, 1, 255) : grey(0, 1, 2)));
  const [found, ...more] = findings.filter(({ kind }) => kind === 'mask-values');
  expect(more).toEqual([]);
  expect(found?.names).toHaveLength(6);
  expect(found?.message).toMatch(
    /it holds 0, 1, 2, .*\(images\/4\.png, images\/5\.png\); .*it holds 0, 1, 255.*\(images\/0\.png, images\/1/,
  );
});

describe('stated values', () => {
  const share = async (masks: Masks, maskValues: string, extension?: string): Promise<number | undefined> => {
    const report = await check(masks, extension, { maskValues });
    expect([report.findings, report.masks]).toEqual([
      [],
      expect.stringContaining(`stated, foreground = ${maskValues}`),
    ]);
    return report.parts.train.foreground?.max;
  };

  it('decide of grey values, ranges, indices and colours, and leave the rest to the background', async () => {
    expect(await share(grey(0, 1, 1, 255), '1')).toBe(SHARE);
    expect(await share(grey(0, 1, 2, 255), '2')).toBe(SHARE / 2);
    expect(await share(tiff4(0, 1, 2, 15), '1,2', 'tif')).toBe(SHARE);
    expect(await share(grey16(0, 300, 400), '300-400')).toBe(SHARE);
    expect(await share(palette(VOC, 255), '1,2')).toBe(SHARE);
    expect(await share(palette(VOC, 255), '#008000')).toBe(SHARE / 2);
    expect(await share(colours(0xffffff, 0xff0000, 0xff0000, 0xffffff), '#ff0000')).toBe(SHARE);
  });

  it('hold for a mask of a coloured set that shows nothing', async () => {
    const { findings } = await check((index) => (index ? colours(0, 0xff0000, 0xff0000) : colours(0, 0, 0)), 'png', {
      maskValues: '#ff0000',
    });
    expect(findings.map(({ kind }) => kind)).toEqual(['empty-mask']);
  });

  it('are refused where they cannot tell: colours by numbers, a shape in the transparency', async () => {
    const of = async (masks: Masks): Promise<string[]> => errors(await check(masks, 'png', { maskValues: '0-255' }));
    expect(await of(colours(0, 0xff0000, 0xff0000))).toContainEqual(expect.stringMatching(/holds colours/));
    expect(await of(layer(0))).toContainEqual(expect.stringMatching(/its shape is in its transparency/));
  });
});

describe('EXIF', () => {
  const turned = (side: [number, number], orientation: number): Promise<Buffer> =>
    sharp({ create: { width: side[0], height: side[1], channels: 3, background: '#456' } })
      .withMetadata({ orientation })
      .jpeg()
      .toBuffer();
  const plain = (width: number, height: number): Promise<Buffer> =>
    sharp({ create: { width, height, channels: 3, background: '#000' } })
      .composite([{ input: { create: { width: 3, height: 3, channels: 3, background: '#fff' } }, left: 1, top: 1 }])
      .png()
      .toBuffer();
  const kinds = async (image: Buffer, mask: Buffer): Promise<string[]> => {
    const files = [0, 1, 2].flatMap((at): [string, Buffer][] => [
      [`images/${at}.jpg`, image],
      [`masks/${at}.png`, mask],
    ]);
    const data = writeTree(root, ...files);
    const spec = { task: 'segmentation', data, validationFraction: 0.5, seed: 0, strict: false } as const;
    const { findings } = await checkData(await listSamples(spec));
    return [...new Set(findings.map(({ kind, severity }) => `${severity} ${kind}`))].sort();
  };

  it.each([
    [6, [16, 16], [16, 16]],
    [3, [16, 12], [16, 12]],
    [2, [16, 12], [16, 12]],
  ] as const)(
    'orientation %d with a mask that has none is an error where both orders fit',
    async (orientation, side, of) => {
      const found = await kinds(await turned([...side], orientation), await plain(of[0], of[1]));
      expect(found).toContain('error mask-orientation');
      expect(found.some((each) => each.includes('unusable'))).toBe(false);
    },
  );

  it('is told by the size of oblong pictures, and is no question where both have it or none is turned', async () => {
    expect(await kinds(await turned([16, 12], 6), await plain(12, 16))).toEqual(['error duplicate-across-parts']);
    expect(await kinds(await turned([16, 16], 1), await plain(16, 16))).toEqual(['error duplicate-across-parts']);
    const mask = await sharp(await plain(16, 16))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    expect(await kinds(await turned([16, 16], 6), mask)).toEqual(['error duplicate-across-parts']);
    expect(await kinds(await turned([16, 12], 6), await plain(16, 12))).toContain('error many-unusable');
  });

  it.each([
    [6, 1],
    [1, 6],
    [3, 8],
  ])('%d of an image and %d of its mask is an error: many writers put 1 into every file', async (of, own) => {
    const mask = await sharp(await plain(16, 16))
      .withMetadata({ orientation: own })
      .png()
      .toBuffer();
    expect(await kinds(await turned([16, 16], of), mask)).toContain('error mask-orientation');
  });

  it('of a mask whose image has none is an error, too', async () => {
    const mask = await sharp(await plain(16, 16))
      .withMetadata({ orientation: 6 })
      .png()
      .toBuffer();
    const image = await sharp(await turned([16, 16], 6))
      .autoOrient()
      .jpeg()
      .toBuffer();
    expect(await kinds(image, mask)).toContain('error mask-orientation');
  });
});
