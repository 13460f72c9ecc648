import sharp from 'sharp';
import { decodeDataFile } from '../../../../../services/datasets/files/data-file';
import { pictureHash } from '../../../../../services/datasets/files/picture-hash';
import { bmp } from '../../../../support/bmp';
import { greyDicom } from '../../../../support/dicom';

const WIDTH = 9;
const HEIGHT = 7;
const grey = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => (at * 41 + 3) % 256);
const raw = (data: Uint8Array | Uint16Array, channels: 1 | 3 = 1): sharp.Sharp =>
  sharp(data, { raw: { width: WIDTH, height: HEIGHT, channels } });
const rgb = Uint8Array.from({ length: 3 * grey.length }, (_, at) => grey[Math.floor(at / 3)] as number);
const hashOf = async (bytes: Buffer): Promise<string> => pictureHash(await decodeDataFile(bytes));

const forms: [string, () => Promise<Buffer>][] = [
  ['three equal channels', () => raw(rgb, 3).png().toBuffer()],
  ['palette', () => raw(rgb, 3).png({ palette: true, colours: 256, dither: 0, quality: 100 }).toBuffer()],
  ['opaque alpha', () => raw(rgb, 3).ensureAlpha(1).png().toBuffer()],
  ...[257, 256, 16, 1].map((factor): [string, () => Promise<Buffer>] => [
    `16 bits that are 8 bits times ${factor}`,
    () =>
      raw(Uint16Array.from(grey, (value) => value * factor))
        .toColourspace('grey16')
        .png()
        .toBuffer(),
  ]),
  ['WebP without loss', () => raw(rgb, 3).webp({ lossless: true }).toBuffer()],
  [
    'BMP',
    async () => bmp({ width: WIDTH, height: HEIGHT, bits: 24, pixels: [...grey].map((value) => value * 0x010101) }),
  ],
  ['DICOM', async () => greyDicom({ width: WIDTH, height: HEIGHT, bits: 8, values: [...grey] })],
  ['TIFF', () => raw(grey).toColourspace('b-w').tiff({ compression: 'lzw' }).toBuffer()],
];

it.each(forms)('the hash of a picture takes one picture for the same when stored as %s', async (_, encode) => {
  const plain = await hashOf(await raw(grey).toColourspace('b-w').png().toBuffer());
  expect(await hashOf(await encode())).toBe(plain);
});

it('the hash of a picture tells pictures apart that differ by less than 8 bits hold, by size, or by one sample', async () => {
  const encode = (data: Uint16Array): Promise<Buffer> => raw(data).toColourspace('grey16').png().toBuffer();
  const dark = await hashOf(await encode(Uint16Array.from(grey, (value) => value % 3)));
  const other = await hashOf(await encode(Uint16Array.from(grey, (value) => value % 5)));
  expect(dark).not.toBe(other);
  const pixels = { data: grey, width: WIDTH, height: HEIGHT, channels: 1, sampleType: 'uint8' } as const;
  const hashes = [
    pixels,
    { ...pixels, width: HEIGHT, height: WIDTH },
    { ...pixels, data: grey.with(5, (grey[5] ?? 0) ^ 1) },
  ].map(pictureHash);
  expect(new Set(hashes).size).toBe(3);
});

it.each([
  ['levels', 1],
  ['shares of white', 255],
])('takes one picture for the same when stored as fractions that are %s', (_, white) => {
  const size = { width: WIDTH, height: HEIGHT, channels: 1 } as const;
  const fractions = Float32Array.from(grey, (value) => value / white);
  const asFractions = { ...size, data: new Uint8Array(fractions.buffer), sampleType: 'float32' } as const;
  expect(pictureHash(asFractions)).toBe(pictureHash({ ...size, data: grey, sampleType: 'uint8' }));
  fractions[4] = 0.3;
  expect(pictureHash(asFractions)).not.toBe(pictureHash({ ...size, data: grey, sampleType: 'uint8' }));
});
