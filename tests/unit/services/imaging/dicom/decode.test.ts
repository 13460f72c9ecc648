// Small files that the test writes: values that are worked out by hand, and files that somebody made to do harm.

import { deflateRawSync } from 'node:zlib';
import { Context, NativeCodecs } from 'dcmjs-codecs';
import sharp from 'sharp';
import { DicomImage, DicomSegmentation, isDicom, readDicomHeader } from '../../../../../services/imaging/dicom';
import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { temporaryFolder } from '../../../../support/data';
import {
  BIG_ENDIAN,
  dicomFile,
  greyDicom,
  greyElements,
  IMPLICIT,
  segmentationDicom,
  type DicomElements,
  type GreyImage,
} from '../../../../support/dicom';

const folder = temporaryFolder();
const RLE = '1.2.840.10008.1.2.5';
const JPEG = '1.2.840.10008.1.2.4.50';

const row = (values: number[], more: DicomElements = {}, image: Partial<GreyImage> = {}): Buffer =>
  greyDicom({ width: values.length, height: 1, values, ...image, more });
const stored = async (bytes: Buffer, frame = 0): Promise<number[]> =>
  Array.from((await DicomImage.parse(bytes).stored(frame)).values);
const shown = async (bytes: Buffer, frame = 0): Promise<number[]> =>
  Array.from((await DicomImage.parse(bytes).display(frame)).data);
const defectOf = async (bytes: Buffer, frame = 0): Promise<unknown> =>
  (async () => DicomImage.parse(bytes).stored(frame))().then(
    () => 'none',
    (error: { defect?: string }) => error.defect,
  );

describe('stored values', () => {
  const signed: DicomElements = { '00280103': ['US', [1]] };

  it.each(['1.2.840.10008.1.2.1', IMPLICIT, BIG_ENDIAN])('are the same in %s', async (syntax) => {
    expect(await stored(row([0, 1, 256, 65_535], {}, { syntax }))).toEqual([0, 1, 256, 65_535]);
    expect(await stored(row([0, 1, 0x8000, 0xffff], signed, { syntax }))).toEqual([0, 1, -32_768, -1]);
  });

  it('leave out bits that do not count, and extend the sign from the highest that does', async () => {
    const twelve: DicomElements = { '00280101': ['US', [12]], '00280102': ['US', [11]] };
    expect(await stored(row([0xf001, 0x0fff, 0x8800], twelve))).toEqual([0x001, 0xfff, 0x800]);
    expect(await stored(row([0xf001, 0x0fff, 0x8800], { ...twelve, ...signed }))).toEqual([1, -1, -2048]);
    expect(await stored(row([0x1230], { ...twelve, '00280102': ['US', [15]] }))).toEqual([0x123]);
  });

  it('are read frame by frame, without the padding at the end', async () => {
    const bytes = greyDicom({ width: 1, height: 1, frames: 3, bits: 8, values: [7, 8, 9] });
    expect([await stored(bytes, 0), await stored(bytes, 2)]).toEqual([[7], [9]]);
    expect(await defectOf(bytes, 3)).toBe('FRAME');
  });

  it('are read frame by frame where frames of one bit begin and end within bytes', async () => {
    // 35 bits each: the third frame lies in six bytes.
    const [size, frames] = [5 * 7, 4];
    const bits = Array.from({ length: size * frames }, (_, at) => ((at * 7) % 5 < 2 ? 1 : 0));
    const packed = Buffer.alloc(Math.ceil(bits.length / 16) * 2);
    bits.forEach((bit, at) => (packed[at >> 3]! |= bit << (at & 7)));
    const one: DicomElements = { '00280100': ['US', [1]], '00280101': ['US', [1]], '00280102': ['US', [0]] };
    const elements = { ...greyElements({ width: 7, height: 5, frames }), ...one, '7fe00010': ['OB', packed] } as const;
    for (let frame = 0; frame < frames; frame += 1) {
      expect(await stored(dicomFile(elements), frame)).toEqual(bits.slice(frame * size, (frame + 1) * size));
    }
  });

  it('are colour by planes, and YBR turned to RGB', async () => {
    const rgb: DicomElements = { '00280002': ['US', [3]], '00280004': ['CS', 'RGB'] };
    const planes = { ...rgb, '00280006': ['US', [1]] } as const;
    const image = { width: 2, height: 1, bits: 8 } as const;
    const values = [1, 2, 3, 4, 5, 6];
    expect(await stored(greyDicom({ ...image, values, more: rgb }))).toEqual(values);
    expect(await stored(greyDicom({ ...image, values, more: planes }))).toEqual([1, 3, 5, 2, 4, 6]);
    const ybr: DicomElements = { ...rgb, '00280004': ['CS', 'YBR_FULL'] };
    // Pure red and black (ITU-R BT.601).
    expect(await stored(greyDicom({ ...image, values: [76, 85, 255, 0, 128, 128], more: ybr }))).toEqual([
      254, 0, 0, 0, 0, 0,
    ]);
    const halved: DicomElements = { ...rgb, '00280004': ['CS', 'YBR_FULL_422'] };
    expect(await stored(greyDicom({ ...image, values: [10, 200, 128, 128], more: halved }))).toEqual([
      10, 10, 10, 200, 200, 200,
    ]);
    // Said to be halved, and whole.
    const whole = greyDicom({ ...image, values: [76, 85, 255, 0, 128, 128], more: halved });
    expect(await stored(whole)).toEqual([254, 0, 0, 0, 0, 0]);
    const odd = greyDicom({ ...image, width: 3, values: [1, 2, 128, 128, 3, 128], more: halved });
    expect(await defectOf(odd)).toBe('PIXEL_FORMAT');
  });

  it('are bytes in the order of the picture where a big-endian file stores them as words', async () => {
    const more: DicomElements = { '7fe00010': ['OW', Buffer.of(2, 1, 4, 3, 6, 5)] };
    const bytes = greyDicom({ width: 3, height: 1, bits: 8, frames: 2, values: [], syntax: BIG_ENDIAN, more });
    expect([await stored(bytes, 0), await stored(bytes, 1)]).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
  });

  it('are RGB of a JPEG that says itself how it holds colour, whatever the header calls it', async () => {
    const rgb = Buffer.from(Array.from({ length: 16 * 16 }, () => [200, 60, 20]).flat());
    const raw = { width: 16, height: 16, channels: 3 } as const;
    const silent = await sharp(rgb, { raw }).jpeg({ quality: 100, chromaSubsampling: '4:4:4' }).toBuffer();
    const elements = { ...greyElements({ width: 16, height: 16, bits: 8 }), '00280002': ['US', [3]] } as const;
    const decoded = (photometric: string, frame: Buffer): Promise<number[]> =>
      stored(dicomFile({ ...elements, '00280004': ['CS', photometric] }, JPEG, [frame]));
    const difference = (values: number[]): number =>
      Math.max(...values.map((value, at) => Math.abs(value - (rgb[at] ?? 0))));
    const saying = (...segment: (number | string)[]): Buffer => {
      const bytes = Buffer.concat(
        segment.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.of(part))),
      );
      const length = Buffer.of(0, bytes.length + 1);
      return Buffer.concat([
        silent.subarray(0, 3),
        bytes.subarray(0, 1),
        length,
        bytes.subarray(1),
        silent.subarray(2),
      ]);
    };
    const jfif = saying(0xe0, 'JFIF', 0, 1, 1, 0, 0, 1, 0, 1, 0, 0);
    const transformed = saying(0xee, 'Adobe', 0, 100, 0, 0, 0, 0, 1);
    const untouched = saying(0xee, 'Adobe', 0, 100, 0, 0, 0, 0, 0);
    for (const photometric of ['RGB', 'YBR_FULL_422', 'YBR_FULL']) {
      for (const frame of [jfif, transformed]) expect(difference(await decoded(photometric, frame))).toBeLessThan(3);
      // What holds luma and chroma and denies it is shown as it is.
      expect(difference(await decoded(photometric, untouched))).toBeGreaterThan(50);
    }
    // Where the stream says nothing the header decides.
    expect(difference(await decoded('YBR_FULL', silent))).toBeLessThan(3);
    expect(difference(await decoded('RGB', silent))).toBeGreaterThan(50);
  });

  it('are decoded from RLE of two bytes', async () => {
    const header = Buffer.alloc(64);
    [2, 64, 66].forEach((value, at) => header.writeUInt32LE(value, at * 4));
    // High bytes: 1 three times. Low bytes: 5, 6, 7 as they are.
    const frame = Buffer.concat([header, Buffer.from([0xfe, 1, 2, 5, 6, 7])]);
    const elements = greyElements({ width: 3, height: 1 });
    expect(await stored(dicomFile(elements, RLE, [frame]))).toEqual([261, 262, 263]);
    expect(await defectOf(dicomFile(elements, RLE, [frame.subarray(0, 68)]))).toBe('PIXEL_DECODE');
    expect(await defectOf(dicomFile(elements, RLE, [Buffer.alloc(64)]))).toBe('PIXEL_DECODE');
  });

  it.each(['1.2.840.10008.1.2.4.70', '1.2.840.10008.1.2.4.80', '1.2.840.10008.1.2.4.90'])(
    'are the same where %s holds 8 bits and the header allocates 16',
    async (syntax) => {
      const values = Array.from({ length: 64 }, (_, at) => at * 4);
      await NativeCodecs.initializeAsync();
      const encode = {
        '1.2.840.10008.1.2.4.70': (frame: Context) => NativeCodecs.encodeJpeg(frame, {}),
        '1.2.840.10008.1.2.4.80': (frame: Context) => NativeCodecs.encodeJpegLs(frame, {}),
        '1.2.840.10008.1.2.4.90': (frame: Context) => NativeCodecs.encodeJpeg2000(frame, {}),
      }[syntax]!;
      const context = (pixelRepresentation: number): Context =>
        new Context({
          width: 8,
          height: 8,
          bitsAllocated: 8,
          bitsStored: 8,
          samplesPerPixel: 1,
          pixelRepresentation,
          planarConfiguration: 0,
          photometricInterpretation: 'MONOCHROME2',
          decodedBuffer: Uint8Array.from(values),
        });
      const of = (sign: number): Buffer =>
        dicomFile(
          {
            ...greyElements({ width: 8, height: 8 }),
            '00280101': ['US', [8]],
            '00280102': ['US', [7]],
            '00280103': ['US', [sign]],
          },
          syntax,
          [Buffer.from(encode(context(sign)).getEncodedBuffer()!)],
        );
      expect(await stored(of(0))).toEqual(values);
      // This encoder of JPEG 2000 takes no negative values of 8 bits.
      if (syntax.endsWith('.90')) return;
      expect(await stored(of(1))).toEqual(values.map((value) => (value < 128 ? value : value - 256)));
    },
  );
});

describe('12 bits that were compressed as words of 16', () => {
  const SIDE = 8;
  const words = (
    values: readonly number[],
    syntax: string,
    encode: (frame: Context) => Context,
    sign: 0 | 1,
  ): Buffer => {
    const frame = new Context({
      width: SIDE,
      height: SIDE,
      bitsAllocated: 16,
      bitsStored: 16,
      samplesPerPixel: 1,
      pixelRepresentation: 0,
      planarConfiguration: 0,
      photometricInterpretation: 'MONOCHROME2',
      decodedBuffer: new Uint8Array(Uint16Array.from(values).buffer),
    });
    const bits: DicomElements = { '00280101': ['US', [12]], '00280102': ['US', [11]], '00280103': ['US', [sign]] };
    const elements = { ...greyElements({ width: SIDE, height: SIDE }), ...bits };
    return dicomFile(elements, syntax, [Buffer.from(encode(frame).getEncodedBuffer()!)]);
  };
  const ramp = Array.from({ length: SIDE * SIDE }, (_, at) => at * 65);
  beforeAll(() => NativeCodecs.initializeAsync());

  it.each([
    ['1.2.840.10008.1.2.4.70', (frame: Context) => NativeCodecs.encodeJpeg(frame, {})],
    ['1.2.840.10008.1.2.4.80', (frame: Context) => NativeCodecs.encodeJpegLs(frame, {})],
    ['1.2.840.10008.1.2.4.90', (frame: Context) => NativeCodecs.encodeJpeg2000(frame, {})],
  ] as const)('without loss are those of an uncompressed file in %s', async (syntax, encode) => {
    const overlaid = ramp.map((value, at) => value | (at % 2 === 0 ? 0x1000 : 0));
    expect(await stored(words(overlaid, syntax, encode, 0))).toEqual(ramp);
    const negative = ramp.map((value) => (value < 2048 ? value : value - 4096));
    expect(await stored(words(ramp, syntax, encode, 1))).toEqual(negative);
  });

  it('with loss may exceed white', async () => {
    const lossy = (frame: Context): Context => NativeCodecs.encodeJpegLs(frame, { lossy: true, allowedLossyError: 10 });
    const values = await stored(words(ramp, '1.2.840.10008.1.2.4.81', lossy, 0));
    expect(Math.max(...values)).toBeGreaterThan(4095);
    expect(Math.max(...values.map((value, at) => Math.abs(value - ramp[at]!)))).toBeLessThanOrEqual(10);
  });
});

describe('what a display shows', () => {
  const rescaled: DicomElements = { '00281052': ['DS', '-1000'], '00281053': ['DS', '2'] };

  it('is the first window, after rescaling', async () => {
    const window: DicomElements = { '00281050': ['DS', '0.5\\40'], '00281051': ['DS', '201\\400'] };
    // -1000, -100, 0, 100, 1000 in a window from -100 to 100.
    expect(await shown(row([0, 450, 500, 550, 1000], { ...rescaled, ...window }))).toEqual([0, 0, 128, 255, 255]);
  });

  it('goes from the smallest to the largest value where there is no window', async () => {
    expect(await shown(row([100, 200, 300], rescaled))).toEqual([0, 128, 255]);
  });

  it('is black where all values are one, whatever that is', async () => {
    expect(await shown(row([0, 0]))).toEqual([0, 0]);
    expect(await shown(row([700, 700], { '00280004': ['CS', 'MONOCHROME1'] }))).toEqual([0, 0]);
  });

  it('goes from the smallest to the largest value of a modality LUT that rises and falls', async () => {
    const lut: DicomElements = { '00283002': ['US', [3, 0, 16]], '00283006': ['OW', [0, 100, 50]] };
    expect(await shown(row([0, 1, 2], { '00283000': ['SQ', [lut]] }))).toEqual([0, 255, 128]);
  });

  it('leaves padding out of that, and black', async () => {
    const padded: DicomElements = { '00280103': ['US', [1]], '00280120': ['SS', [-2000]] };
    expect(await shown(row([-2000, 100, 300], padded))).toEqual([0, 0, 255]);
  });

  it('keeps 8-bit grey as it is', async () => {
    expect(await shown(row([10, 20, 30, 40], {}, { bits: 8 }))).toEqual([10, 20, 30, 40]);
  });

  it('inverts MONOCHROME1', async () => {
    expect(await shown(row([0, 100, 200], { '00280004': ['CS', 'MONOCHROME1'] }))).toEqual([255, 128, 0]);
  });

  it('knows exact and sigmoid windows', async () => {
    const window = (shape: string): DicomElements => ({
      '00281050': ['DS', '100'],
      '00281051': ['DS', '100'],
      '00281056': ['CS', shape],
    });
    expect(await shown(row([50, 100, 150], window('LINEAR_EXACT')))).toEqual([0, 128, 255]);
    // 1 / (1 + exp(-4 x)) of the distance from the centre in widths.
    expect(await shown(row([50, 100, 150], window('SIGMOID')))).toEqual([30, 128, 225]);
  });

  it('takes a VOI LUT before a window, and a modality LUT before a slope', async () => {
    const lut = (first: number, ...entries: number[]): DicomElements => ({
      '00283002': ['US', [entries.length, first, 16]],
      '00283006': ['OW', entries],
    });
    const voi: DicomElements = {
      '00281050': ['DS', '100'],
      '00281051': ['DS', '100'],
      '00283010': ['SQ', [lut(10, 0, 0x8000, 0xffff)]],
    };
    expect(await shown(row([0, 11, 12, 99], voi))).toEqual([0, 128, 255, 255]);
    // In implicit VR nothing but the modality LUT, which knows no sign, tells that the VOI LUT begins at 40,000.
    const high: DicomElements = {
      '00280103': ['US', [1]],
      '00283000': ['SQ', [lut(0, 40_000, 40_001)]],
      '00283010': ['SQ', [lut(40_000, 0, 0xffff)]],
    };
    expect(await shown(row([0, 1], high, { syntax: IMPLICIT }))).toEqual([0, 255]);
    const modality: DicomElements = { ...rescaled, '00283000': ['SQ', [lut(5, 12, 11, 10)]] };
    expect(await shown(row([5, 6, 7], { ...voi, ...modality }))).toEqual([255, 128, 0]);
  });

  it('is each frame in its own window', async () => {
    const window = (centre: string): DicomElements => ({
      '00289132': ['SQ', [{ '00281050': ['DS', centre], '00281051': ['DS', '1'] }]],
    });
    const more: DicomElements = { '52009230': ['SQ', [window('100'), window('200')]] };
    const bytes = greyDicom({ width: 2, height: 1, frames: 2, values: [90, 150, 150, 250], more });
    expect([await shown(bytes, 0), await shown(bytes, 1)]).toEqual([
      [0, 255],
      [0, 255],
    ]);
  });

  it('looks palettes up', async () => {
    const bands = (entries: number[][]): DicomElements =>
      Object.fromEntries(
        entries.flatMap((values, band) => [
          [`0028110${band + 1}`, ['US', [values.length, 0, 16]]],
          [`0028120${band + 1}`, ['OW', values]],
        ]),
      );
    const palette = bands([
      [0xffff, 0],
      [0, 0x8080],
      [0, 0xffff],
    ]);
    const more = { '00280004': ['CS', 'PALETTE COLOR'], ...palette } as const;
    expect(await shown(row([0, 1], more, { bits: 8 }))).toEqual([255, 0, 0, 0, 128, 255]);
  });
});

describe('files that do not hold what they promise', () => {
  const jpeg = (): Promise<Buffer> =>
    sharp(Buffer.from(Array.from({ length: 16 * 16 }, (_, at) => at)), { raw: { width: 16, height: 16, channels: 1 } })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
  const wrapped = (frame: Buffer, more: DicomElements = {}): Buffer =>
    dicomFile({ ...greyElements({ width: 16, height: 16, bits: 8 }), ...more }, JPEG, [frame]);

  it('are refused when compressed pixels are damaged or another picture, and the next file is read all the same', async () => {
    const frame = await jpeg();
    const good = wrapped(frame);
    expect(await stored(good)).toHaveLength(256);
    expect(await defectOf(wrapped(frame.subarray(0, frame.length / 2)))).toBe('PIXEL_DECODE');
    expect(await defectOf(wrapped(Buffer.from('no JPEG at all')))).toBe('PIXEL_DECODE');
    expect(await defectOf(wrapped(frame, { '00280010': ['US', [32]] }))).toBe('PIXEL_DECODE');
    // Between two whole markers nothing but noise.
    const noise = Buffer.concat([frame.subarray(0, 24), Buffer.alloc(300, 0xff), Buffer.from([0xff, 0xd9])]);
    expect(await defectOf(wrapped(noise))).toBe('PIXEL_DECODE');
    expect(await stored(good)).toHaveLength(256);
    // Nor does one that fails within the codec harm those that are decoded at the same time.
    const tables = Buffer.from(frame);
    const huffman = tables.indexOf(Buffer.of(0xff, 0xc4));
    tables.fill(0xff, huffman + 4, huffman + 20);
    expect(await Promise.all([wrapped(tables), good, good, good].map((bytes) => defectOf(bytes)))).toEqual([
      'PIXEL_DECODE',
      'none',
      'none',
      'none',
    ]);
  });

  it('are refused before anything is allocated for them', async () => {
    const more: DicomElements = { '00280010': ['US', [65_535]], '00280011': ['US', [65_535]] };
    expect(await defectOf(row([1], more))).toBe('TOO_LARGE');
    expect(await defectOf(row([1], { '00280008': ['IS', '99999999'] }))).toBe('TOO_LARGE');
    expect(await defectOf(row([1], { '00280010': ['US', [30_000]] }))).toBe('TRUNCATED');
  });

  it('are refused when they inflate without end', () => {
    const zeros = deflateRawSync(Buffer.alloc(8_000_000));
    const file = dicomFile({}, '1.2.840.10008.1.2.1.99');
    const limits = { maxBytes: 1_000_000, maxPixels: 1000, maxFrames: 1 };
    expect(() => DicomImage.parse(Buffer.concat([file, zeros]), limits)).toThrow(
      expect.objectContaining({ defect: 'TOO_LARGE' }),
    );
  });

  it.each<[string, DicomElements, string]>([
    ['no rows', { '00280010': ['US', []] }, 'HEADER'],
    ['no columns at all', { '00280011': ['US', [0]] }, 'HEADER'],
    ['three samples of grey', { '00280002': ['US', [3]] }, 'HEADER'],
    ['more bits than it has room for', { '00280101': ['US', [17]] }, 'HEADER'],
    ['frames below one', { '00280008': ['IS', '0'] }, 'HEADER'],
    ['12 bits allocated', { '00280100': ['US', [12]] }, 'PIXEL_FORMAT'],
    ['a colour space that is not read', { '00280004': ['CS', 'CMYK'] }, 'PIXEL_FORMAT'],
  ])('are refused for %s', async (_, more, defect) => {
    expect(await defectOf(row([1, 2], more))).toBe(defect);
  });

  it('are refused in a transfer syntax that is not read, and for want of pixels', async () => {
    expect(await defectOf(dicomFile(greyElements({ width: 1, height: 1 })))).toBe('NO_PIXELS');
    expect(await defectOf(dicomFile(greyElements({ width: 1, height: 1 }), '1.2.840.10008.1.2.4.100'))).toBe(
      'TRANSFER_SYNTAX',
    );
    expect(await defectOf(Buffer.from('PNG or whatever'))).toBe('NOT_DICOM');
  });
});

test('a header of any length is read without the pixels', async () => {
  const path = join(folder, 'long.dcm');
  const more: DicomElements = {
    '00091001': ['OB', Buffer.alloc(3_000_000, 1)],
    '00100020': ['LO', 'P7'],
    '0020000d': ['UI', '1.2.3'],
  };
  const bytes = row([1, 2, 3], more);
  writeFileSync(path, bytes.subarray(0, bytes.length - 4));
  expect(await readDicomHeader(path)).toMatchObject({
    width: 3,
    height: 1,
    frames: 1,
    patientId: 'P7',
    studyUid: '1.2.3',
  });
  expect(await defectOf(bytes.subarray(0, bytes.length - 4))).toBe('TRUNCATED');
});

test.each([undefined, BIG_ENDIAN])('numbers of 64 bits are passed over wherever they stand (%s)', async (syntax) => {
  const wide: DicomElements = {
    '00091001': ['OV', Buffer.alloc(16, 1)],
    '00091002': ['SV', Buffer.alloc(8, 2)],
    '00091003': ['UV', Buffer.alloc(8, 3)],
    '00091004': ['LO', 'after'],
  };
  const bytes = row([1, 2, 3], { ...wide, '00081140': ['SQ', [wide, wide]] }, syntax ? { syntax } : {});
  expect(await stored(bytes)).toEqual([1, 2, 3]);
});

test('compressed frames are found beside an extended offset table, and with a table of zeros', async () => {
  const header = Buffer.alloc(64);
  [1, 64].forEach((value, at) => header.writeUInt32LE(value, at * 4));
  const frame = (value: number): Buffer => Buffer.concat([header, Buffer.of(0xff, value)]);
  const table = Buffer.alloc(16);
  table.writeBigUInt64LE(74n, 8);
  const elements: DicomElements = {
    ...greyElements({ width: 2, height: 1, bits: 8, frames: 2 }),
    '7fe00001': ['OV', table],
    '7fe00002': ['OV', Buffer.alloc(16, 1)],
  };
  const bytes = dicomFile(elements, RLE, [frame(5), frame(6)]);
  expect([await stored(bytes, 0), await stored(bytes, 1)]).toEqual([
    [5, 5],
    [6, 6],
  ]);
  const { '7fe00001': _offsets, '7fe00002': _lengths, ...plain } = elements;
  const zeros = dicomFile(plain, RLE, [frame(5), frame(6)], Buffer.alloc(8));
  expect([await stored(zeros, 0), await stored(zeros, 1)]).toEqual([
    [5, 5],
    [6, 6],
  ]);
  const path = join(folder, 'extended.dcm');
  writeFileSync(path, bytes);
  expect(await readDicomHeader(path)).toMatchObject({ width: 2, frames: 2 });
});

test('DICOM is told by content, with or without a preamble', () => {
  const bytes = row([1]);
  expect(isDicom(bytes)).toBe(true);
  const withoutMeta = bytes.subarray(bytes.indexOf(Buffer.from([0x08, 0x00, 0x16, 0x00])));
  expect([isDicom(withoutMeta), isDicom(Buffer.alloc(200)), isDicom(Buffer.alloc(0))]).toEqual([true, false, false]);
});

test('a segmentation that does not say which of several frames it means is refused for those', async () => {
  const of = (frame?: number): DicomSegmentation =>
    DicomSegmentation.parse(
      segmentationDicom({
        width: 2,
        height: 2,
        looked: ['1.1'],
        frames: [{ of: '1.1', ...(frame === undefined ? {} : { frame }), foreground: [1] }],
      }),
    );
  const one = { sopInstanceUid: '1.1', frame: 0, frames: 1 };
  await expect(of().mask({ ...one, frames: 3 })).rejects.toMatchObject({ defect: 'HEADER' });
  expect([...(await of().mask(one)).mask]).toEqual([0, 1, 0, 0]);
  expect([...(await of(1).mask({ ...one, frames: 3 })).mask]).toEqual([0, 1, 0, 0]);
  // Nor does a segmentation whose frames name no image at all.
  const silent = segmentationDicom({ width: 2, height: 2, looked: ['1.1'], frames: [{ of: '', foreground: [1] }] });
  await expect(DicomSegmentation.parse(silent).mask({ ...one, frames: 2 })).rejects.toMatchObject({ defect: 'HEADER' });
});

test('a segmentation that does not say whose its frames are is refused', () => {
  const of = (looked: string[]): Buffer =>
    segmentationDicom({ width: 2, height: 2, looked, frames: [{ of: '', foreground: [1] }] });
  expect(() => DicomSegmentation.parse(of(['1.1', '1.2']))).toThrow(expect.objectContaining({ defect: 'HEADER' }));
  expect([...DicomSegmentation.parse(of(['1.1'])).sources]).toEqual(['1.1']);
});
