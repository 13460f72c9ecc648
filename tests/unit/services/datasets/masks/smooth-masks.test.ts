import sharp from 'sharp';
import { decodeStoredMask } from '../../../../../services/datasets/masks/stored-mask';
import { understand, type Understood } from '../../../../../services/datasets/masks/understand-mask';

const WIDTH = 230;
const HEIGHT = 170;

/** A lesion with a rim around it, twice as large as it is then stored, so that edges are smooth. */
const drawn = (lesion: string, rim: string): Buffer =>
  Buffer.from(
    `<svg width="${2 * WIDTH}" height="${2 * HEIGHT}"><rect width="100%" height="100%"/>` +
      `<circle cx="201" cy="163" r="97" fill="${rim}"/><circle cx="201" cy="163" r="71" fill="${lesion}"/></svg>`,
  );

async function read(encode: (image: sharp.Sharp) => sharp.Sharp, lesion: string, rim = '#000'): Promise<Understood> {
  const large = await sharp(drawn(lesion, rim)).removeAlpha().png().toBuffer();
  const small = sharp(large).resize(WIDTH, HEIGHT, { kernel: 'linear' });
  return understand(await decodeStoredMask(await encode(small).toBuffer()));
}

const grey = (image: sharp.Sharp): sharp.Sharp => image.toColourspace('b-w').png();
const colour = (image: sharp.Sharp): sharp.Sharp => image.png();
const jpeg =
  (quality: number) =>
  (image: sharp.Sharp): sharp.Sharp =>
    image.toColourspace('b-w').jpeg({ quality });
const area = ({ mask }: Understood): number => mask.reduce((sum, value) => sum + value, 0);
const DISC = Math.PI * (71 / 2) ** 2;

const ENCODINGS: [string, (image: sharp.Sharp) => sharp.Sharp][] = [['PNG', grey]];
for (const quality of [10, 30, 50, 75, 95]) ENCODINGS.push([`JPEG of quality ${quality}`, jpeg(quality)]);

it.each(ENCODINGS)('reads one lesion with smooth edges from a %s', async (_, encode) => {
  expect(Math.abs(area(await read(encode, '#fff')) / DISC - 1)).toBeLessThan(0.02);
});

it.each(['#1e1e1e', '#323232', '#808080', '#c8c8c8', '#e1e1e1'])(
  'refuses a rim of %s around it, which is another label however dark or bright',
  async (rim) => {
    await expect(read(grey, '#fff', rim)).rejects.toMatchObject({ field: 'mask_values' });
    await expect(read(jpeg(95), '#fff', rim)).rejects.toMatchObject({ field: 'mask_values' });
  },
);

it('refuses colours with smooth edges, which would all be foreground', async () => {
  await expect(read(colour, '#080')).rejects.toMatchObject({ field: 'mask_values' });
  await expect(read(colour, '#00f', '#f00')).rejects.toMatchObject({ field: 'mask_values' });
});
