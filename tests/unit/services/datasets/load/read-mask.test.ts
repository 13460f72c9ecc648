import { createHash } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { encodeMaskPng } from '../../../../../services/imaging/mask';
import { parseMaskValues, valuesOfStructure } from '../../../../../services/datasets/masks/mask-values';
import { readMask } from '../../../../../services/datasets/load/read-mask';
import { bmp } from '../../../../support/bmp';
import { temporaryFolder } from '../../../../support/data';
import { dicomFile, greyDicom, greyElements } from '../../../../support/dicom';
import { GREY, png, pngChunk, RGB, RGBA } from '../../../../support/images';

const folder = temporaryFolder();

function file(name: string, bytes: Buffer): string {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
}

const values = [0, 64, 127, 128, 191, 255];
const size = { width: 3, height: 2 };
const grey = file('grey.png', png(3, 2, GREY, 8, Buffer.from(values)));

it('the mask reader refuses a mask of several separate values, and names them', async () => {
  await expect(readMask({ paths: [grey] }, size)).rejects.toMatchObject({
    field: 'mask_values',
    message: expect.stringContaining('0, 64, 127, 128, 191, 255') as string,
  });
  const stated = parseMaskValues('128-255').get('')!;
  expect([...(await readMask({ paths: [grey], stated }, size))]).toEqual([0, 0, 0, 1, 1, 1]);
});

it.each([1, 255])('the mask reader takes the one value %d beside 0 for foreground', async (value) => {
  const two = file('two.png', png(3, 2, GREY, 8, Buffer.from([0, value, value, 0, 0, value])));
  expect([...(await readMask({ paths: [two] }, size))]).toEqual([0, 1, 1, 0, 0, 1]);
});

it('the mask reader reads a palette by index whatever its colours, and refuses an index 255 beside others', async () => {
  const header = (indices: number[]): Buffer =>
    png(3, 2, 3, 8, Buffer.from(indices), [
      pngChunk('PLTE', Buffer.from(Array.from({ length: 768 }, (_, at) => (at === 7 ? 128 : 0)))),
    ]);
  const voc = file('voc.png', header([0, 2, 1, 0, 4, 0]));
  expect([...(await readMask({ paths: [voc] }, size))]).toEqual([0, 1, 1, 0, 1, 0]);
  const rim = file('rim.png', header([0, 255, 1, 255, 0, 0]));
  await expect(readMask({ paths: [rim] }, size)).rejects.toMatchObject({ field: 'mask_values' });
});

it('the mask reader reads a layer of one colour by its transparency', async () => {
  const pixels = [0, 255, 0, 0, 255, 0].flatMap((alpha) => [255, 255, 255, alpha]);
  const layer = file('layer.png', png(3, 2, RGBA, 8, Buffer.from(pixels)));
  expect([...(await readMask({ paths: [layer] }, size))]).toEqual([0, 1, 0, 0, 1, 0]);
});

it('the mask reader reads drawn colours as all but black', async () => {
  const pixels = [0, 1, 2, 0, 0, 1].flatMap(
    (at) =>
      [
        [0, 0, 0],
        [0, 128, 0],
        [0, 0, 200],
      ][at]!,
  );
  const drawn = file('drawn.png', png(3, 2, RGB, 8, Buffer.from(pixels)));
  expect([...(await readMask({ paths: [drawn] }, size))]).toEqual([0, 1, 1, 0, 0, 1]);
});

describe('a DICOM image as a mask', () => {
  const read = async (bytes: Buffer): Promise<number[]> => [
    ...(await readMask({ paths: [file('m.dcm', bytes)] }, size)),
  ];
  const of = (bits: 8 | 16, ...drawn: number[]): Buffer => greyDicom({ ...size, bits, values: drawn });

  it('is empty where nothing is drawn', async () => {
    const empty = [0, 0, 0, 0, 0, 0];
    expect(await read(of(16, ...empty))).toEqual(empty);
    expect(await read(of(8, ...empty))).toEqual(empty);
    const bits = dicomFile({
      ...greyElements(size),
      '00280100': ['US', [1]],
      '00280101': ['US', [1]],
      '00280102': ['US', [0]],
      '7fe00010': ['OB', Buffer.of(0)],
    });
    expect(await read(bits)).toEqual(empty);
  });

  it('takes the stored value beside 0 for foreground, however a display shows it', async () => {
    expect(await read(of(8, 0, 1, 0, 1, 1, 0))).toEqual([0, 1, 0, 1, 1, 0]);
    expect(await read(of(16, 0, 4000, 0, 4000, 4000, 0))).toEqual([0, 1, 0, 1, 1, 0]);
    expect(await read(of(16, 3, 3, 3, 3, 3, 3))).toEqual([1, 1, 1, 1, 1, 1]);
    const inverted = greyDicom({ ...size, values: [0, 1, 0, 1, 1, 0], more: { '00280004': ['CS', 'MONOCHROME1'] } });
    expect(await read(inverted)).toEqual([0, 1, 0, 1, 1, 0]);
  });

  it('is refused where several values may be a border or another structure, unless it is stated which count', async () => {
    const signed = { '00280103': ['US', [1]] } as const;
    const files = [
      of(8, 0, 1, 0, 255, 1, 0),
      of(16, 0, 1, 0, 4000, 2, 0),
      greyDicom({ ...size, values: [-1, 0, -1, 0, 0, -1], more: signed }),
    ];
    for (const bytes of files) await expect(read(bytes)).rejects.toMatchObject({ field: 'mask_values' });
    const stated = valuesOfStructure(parseMaskValues('1'), '');
    const path = file('stated.dcm', of(8, 0, 1, 0, 255, 1, 0));
    expect([...(await readMask({ paths: [path], stated }, size))]).toEqual([0, 1, 0, 0, 1, 0]);
  });

  it('takes the bright half of a JPEG with loss', async () => {
    const side = 16;
    const drawn = Array.from({ length: side * side }, (_, at) => (at % side < 5 ? 255 : 0));
    const raw = { width: side, height: side, channels: 1 } as const;
    const jpeg = await sharp(Buffer.from(drawn), { raw }).toColourspace('b-w').jpeg({ quality: 60 }).toBuffer();
    const bytes = dicomFile(greyElements({ width: side, height: side, bits: 8 }), '1.2.840.10008.1.2.4.50', [jpeg]);
    const mask = await readMask({ paths: [file('lossy.dcm', bytes)] }, { width: side, height: side });
    expect([...mask]).toEqual(drawn.map((value) => (value ? 1 : 0)));
  });

  it('is refused when it has several frames', async () => {
    const bytes = greyDicom({ ...size, frames: 2, values: new Array<number>(12).fill(0) });
    await expect(read(bytes)).rejects.toMatchObject({ defect: 'FRAME' });
  });
});

it('the mask reader takes disc and cup out of one file by their values, exactly, from PNG and from BMP', async () => {
  const pixels = [2, 1, 0, 1, 2, 2];
  const fundus = [
    file('fundus.png', png(3, 2, GREY, 8, Buffer.from(pixels.map((index) => [0, 128, 255][index]!)))),
    file('fundus.bmp', bmp({ ...size, bits: 8, pixels, greys: [0, 128, 255] })),
  ];
  for (const path of fundus) {
    const read = async (to: number): Promise<number[]> => [
      ...(await readMask({ paths: [path], values: { from: 0, to } }, size)),
    ];
    expect([await read(191), await read(63)]).toEqual([
      [0, 1, 1, 1, 0, 0],
      [0, 0, 1, 0, 0, 0],
    ]);
  }
});

it('unites several files', async () => {
  const masks = [
    file('one.png', await encodeMaskPng(Uint8Array.from([1, 0, 0, 0, 0, 1]), 3, 2)),
    file('two.png', await encodeMaskPng(Uint8Array.from([0, 1, 0, 0, 0, 1]), 3, 2)),
  ];
  expect([...(await readMask({ paths: masks }, size))]).toEqual([1, 1, 0, 0, 0, 1]);
});

it('the mask reader refuses a mask of another size unless its data set is made so, and then takes the nearest pixel', async () => {
  const small = file('small.png', await encodeMaskPng(Uint8Array.from([1, 0, 0, 1]), 2, 2));
  const large = { width: 4, height: 6 };
  await expect(readMask({ paths: [small] }, large)).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  expect([...(await readMask({ paths: [small], resize: true }, large))]).toEqual(
    [
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [1, 1, 0, 0],
      [0, 0, 1, 1],
      [0, 0, 1, 1],
      [0, 0, 1, 1],
    ].flat(),
  );
  const square = file('square.png', await encodeMaskPng(new Uint8Array(400), 20, 20));
  const stretched = readMask({ paths: [square], resize: true }, { width: 40, height: 60 });
  await expect(stretched).rejects.toMatchObject({ code: 'SHAPE_MISMATCH' });
  // 299 from 256: every row and column of the small one is there, in order.
  const published = Uint8Array.from({ length: 256 * 256 }, (_, at) => (at % 256 < 100 ? 1 : 0));
  const lung = file('lung.png', await encodeMaskPng(published, 256, 256));
  const row = (await readMask({ paths: [lung], resize: true }, { width: 299, height: 299 })).subarray(0, 299);
  expect(row.lastIndexOf(1)).toBe(Math.ceil((100 * 299) / 256 - 0.5) - 1);
});

it('hashes the bytes, and which values count', async () => {
  const digest = async (source: Parameters<typeof readMask>[0]): Promise<string> => {
    const hash = createHash('sha256');
    await readMask(source, size, hash);
    return hash.digest('hex');
  };
  const disc = { paths: [grey], values: { from: 0, to: 191 } };
  expect(await digest(disc)).toBe(await digest(disc));
  expect(await digest(disc)).not.toBe(await digest({ paths: [grey], values: { from: 0, to: 63 } }));
});
