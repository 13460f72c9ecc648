// Colour: the order and the size of the components of a stream, and of pixels that are not compressed.

import { Context, NativeCodecs } from 'dcmjs-codecs';
import { DicomError, DicomImage } from '../../../../../services/imaging/dicom';
import { BIG_ENDIAN, dicomFile, EXPLICIT, greyElements, type DicomElements } from '../../../../support/dicom';

const JPEG_LS = '1.2.840.10008.1.2.4.80';
const JPEG_2000 = '1.2.840.10008.1.2.4.90';
const RLE = '1.2.840.10008.1.2.5';
const WIDTH = 6;
const HEIGHT = 4;
const SIZE = WIDTH * HEIGHT;
/** Pixel by pixel: bars of red, green and blue, no two pixels alike. */
const bars = (scale: number): number[] =>
  Array.from({ length: SIZE }, (_, at) =>
    [0, 1, 2].map((band) => (at * 3 + band + (at % 3 === band ? 100 : 0)) * scale),
  ).flat();
const planesOf = (values: readonly number[]): number[][] =>
  [0, 1, 2].map((band) => values.filter((_, at) => at % 3 === band));

type Encode = (context: Context) => Context;
const jpegLs: Encode = (context) => NativeCodecs.encodeJpegLs(context, {});
const jpeg2000: Encode = (context) => NativeCodecs.encodeJpeg2000(context, {});
const rle: Encode = (context) => NativeCodecs.encodeRle(context, {});

/** A frame as an encoder writes it. */
async function encode(values: readonly number[], bits: 8 | 16, samples: 1 | 3, by = jpegLs): Promise<Buffer> {
  await NativeCodecs.initializeAsync();
  const typed = bits === 8 ? Uint8Array.from(values) : Uint16Array.from(values);
  const context = new Context({
    width: WIDTH,
    height: HEIGHT,
    bitsAllocated: bits,
    bitsStored: bits,
    samplesPerPixel: samples,
    pixelRepresentation: 0,
    planarConfiguration: 0,
    photometricInterpretation: samples === 1 ? 'MONOCHROME2' : 'RGB',
    decodedBuffer: new Uint8Array(typed.buffer),
  });
  return Buffer.from(by(context).getEncodedBuffer()!);
}

interface Scans {
  /** Components in the order of their scans, from 0. */
  order?: readonly number[];
  /** Identifiers of the components. */
  ids?: readonly number[];
  /** Segments before the first scan. */
  between?: Buffer;
}

/** One stream of three scans, from one stream of one scan for each component (ISO/IEC 14495-1 C.2). */
async function separateScans(
  values: readonly number[],
  bits: 8 | 16,
  { order = [0, 1, 2], ids = [1, 2, 3], between = Buffer.alloc(0) }: Scans = {},
): Promise<Buffer> {
  const scans: Buffer[] = [];
  const planes = planesOf(values);
  for (const component of order) {
    const stream = await encode(planes[component]!, bits, 1);
    const scan = Buffer.from(stream.subarray(stream.indexOf(Buffer.of(0xff, 0xda)), -2));
    scan[5] = ids[component]!;
    scans.push(scan);
  }
  const frame = Buffer.of(0xff, 0xf7, 0, 17, bits, 0, HEIGHT, 0, WIDTH, 3, ...ids.flatMap((id) => [id, 0x11, 0]));
  return Buffer.concat([Buffer.of(0xff, 0xd8), frame, between, ...scans, Buffer.of(0xff, 0xd9)]);
}

function elementsOf(bits: 8 | 16, planar: 0 | 1, frames = 1): DicomElements {
  const elements = greyElements({ width: WIDTH, height: HEIGHT, bits, frames });
  return { ...elements, '00280002': ['US', [3]], '00280004': ['CS', 'RGB'], '00280006': ['US', [planar]] };
}
function colour(frame: Buffer, bits: 8 | 16, planar: 0 | 1, syntax = JPEG_LS): Buffer {
  return dicomFile(elementsOf(bits, planar), syntax, [frame]);
}
const stored = async (bytes: Buffer, frame = 0): Promise<number[]> => [
  ...(await DicomImage.parse(bytes).stored(frame)).values,
];

describe.each([8, 16] as const)('JPEG-LS colour of %i bits', (bits) => {
  const values = bars(bits === 8 ? 1 : 150);

  it.each([0, 1] as const)('is in the order of its stream where the header says planar %i', async (planar) => {
    expect(await stored(colour(await separateScans(values, bits), bits, planar))).toEqual(values);
    expect(await stored(colour(await encode(values, bits, 3), bits, planar))).toEqual(values);
  });

  it.each([
    ['0, 2, 1', [0, 2, 1], [1, 2, 3]],
    ['1, 0, 2', [1, 0, 2], [0, 1, 2]],
    ['1, 2, 0', [1, 2, 0], [82, 71, 66]],
    ['2, 0, 1', [2, 0, 1], [3, 2, 1]],
    ['2, 1, 0', [2, 1, 0], [3, 1, 2]],
  ])('goes by the identifiers of its scans in the order %s', async (_, order, ids) => {
    expect(await stored(colour(await separateScans(values, bits, { order, ids }), bits, 0))).toEqual(values);
  });

  it('goes by the order of the components in a scan of all of them', async () => {
    const swapped = Buffer.from(await encode(values, bits, 3));
    const scan = swapped.indexOf(Buffer.of(0xff, 0xda));
    [swapped[scan + 5], swapped[scan + 9]] = [swapped[scan + 9]!, swapped[scan + 5]!];
    const expected = values.map((_, at) => values[at - (at % 3) + 2 - (at % 3)]);
    expect(await stored(colour(swapped, bits, 0))).toEqual(expected);
  });

  it('may have a comment before its scans', async () => {
    const comment = Buffer.from([0xff, 0xff, 0xfe, 0, 4, 65, 66]);
    expect(await stored(colour(await separateScans(values, bits, { between: comment }), bits, 0))).toEqual(values);
  });
});

test('JPEG-LS whose scans end early, name unknown components, or mix one and several, is refused', async () => {
  const values = bars(1);
  const whole = await separateScans(values, 8);
  const scan = whole.indexOf(Buffer.of(0xff, 0xda));
  const twoAtOnce = Buffer.concat([
    whole.subarray(0, scan),
    Buffer.of(0xff, 0xda, 0, 10, 2, 1, 0, 2, 0, 0, 1, 0),
    whole.subarray(scan + 10),
  ]);
  const tooMany = Buffer.from(whole);
  tooMany[scan + 4] = 255;
  const stranger = Buffer.from(whole);
  stranger[scan + 5] = 9;
  for (const frame of [whole.subarray(0, scan + 5), twoAtOnce, tooMany, stranger]) {
    await expect(stored(colour(Buffer.concat([frame, Buffer.of(0xff, 0xd9)]), 8, 0))).rejects.toThrow(DicomError);
  }
});

describe.each([8, 16] as const)('colour of %i bits, whatever the header says of planes,', (bits) => {
  const values = bars(bits === 8 ? 1 : 150);

  it.each([0, 1] as const)('is pixel by pixel in RLE (planar %i)', async (planar) => {
    expect(await stored(colour(await encode(values, bits, 3, rle), bits, planar, RLE))).toEqual(values);
  });

  it.each([EXPLICIT, BIG_ENDIAN])('lies as the header says where it is not compressed (%s)', async (syntax) => {
    const file = (planar: 0 | 1, samples: readonly number[]): Buffer =>
      dicomFile(
        {
          ...elementsOf(bits, planar, 2),
          '7fe00010': bits === 8 ? ['OB', Buffer.from(samples)] : ['OW', samples],
        },
        syntax,
      );
    const second = values.map((value) => value + 1);
    const planes = [values, second].flatMap((frame) => planesOf(frame).flat());
    for (const [planar, samples] of [
      [0, [...values, ...second]],
      [1, planes],
    ] as const) {
      expect(await stored(file(planar, samples), 0)).toEqual(values);
      expect(await stored(file(planar, samples), 1)).toEqual(second);
    }
  });
});

describe('colour in JPEG 2000', () => {
  it.each([0, 1] as const)('is pixel by pixel (planar %i)', async (planar) => {
    const frame = await encode(bars(1), 8, 3, jpeg2000);
    expect(await stored(colour(frame, 8, planar, JPEG_2000))).toEqual(bars(1));
  });

  it.each([
    ['of more than 8 bits', 'colour of 16 bits', (siz: Buffer) => [0, 1, 2].forEach((at) => (siz[42 + 3 * at] = 15))],
    ['with halved chroma', 'components of several sizes', (siz: Buffer) => (siz[46] = 2)],
    ['of components that differ', 'components of several sizes', (siz: Buffer) => (siz[45] = 3)],
  ])('%s is refused, since its decoder would answer other colours', async (_, reason, change) => {
    const frame = await encode(bars(1), 8, 3, jpeg2000);
    change(frame);
    await expect(stored(colour(frame, 16, 0, JPEG_2000))).rejects.toMatchObject({
      defect: 'PIXEL_FORMAT',
      message: expect.stringContaining(reason) as string,
    });
  });
});

describe('JPEG 2000 in a file of its own (JP2)', () => {
  const box = (type: string, content: Buffer): Buffer => {
    const head = Buffer.alloc(8);
    head.writeUInt32BE(8 + content.length);
    head.write(type, 4, 'latin1');
    return Buffer.concat([head, content]);
  };
  const file = (stream: Buffer, ...header: Buffer[]): Buffer =>
    Buffer.concat([
      box('jP  ', Buffer.from('0d0a870a', 'hex')),
      box('jp2h', Buffer.concat([box('ihdr', Buffer.alloc(14)), ...header])),
      box('jp2c', stream),
    ]);
  const decoded = async (frame: Buffer): Promise<number[]> => stored(colour(frame, 8, 0, JPEG_2000));

  it('is read as the stream that it holds', async () => {
    expect(await decoded(file(await encode(bars(1), 8, 3, jpeg2000)))).toEqual(bars(1));
  });

  it.each(['pclr', 'cmap', 'cdef'])('is refused with %s, which would change the colours', async (type) => {
    const frame = file(await encode(bars(1), 8, 3, jpeg2000), box(type, Buffer.alloc(4)));
    await expect(decoded(frame)).rejects.toMatchObject({ defect: 'PIXEL_FORMAT' });
  });

  it.each([
    ['cut short', (whole: Buffer) => whole.subarray(0, -20)],
    ['without a stream', (whole: Buffer) => whole.subarray(0, whole.indexOf('jp2c') - 4)],
    ['of boxes without a length', (whole: Buffer) => whole.fill(0, 13, 16)],
  ])('is refused %s', async (_, change) => {
    const frame = change(file(await encode(bars(1), 8, 3, jpeg2000)));
    await expect(decoded(frame)).rejects.toMatchObject({ defect: 'PIXEL_DECODE' });
  });
});

describe.each([
  ['JPEG Baseline', '1.2.840.10008.1.2.4.50', 8, true],
  ['JPEG Lossless', '1.2.840.10008.1.2.4.70', 16, false],
] as const)('%s', (_, syntax, bits, lossy) => {
  const size = 64;
  const allocated = bits === 8 ? 8 : 16;
  const elements: DicomElements = {
    ...greyElements({ width: size, height: size, bits: allocated }),
    '00280101': ['US', [bits]],
    '00280102': ['US', [bits - 1]],
  };
  const noise = Array.from({ length: size * size }, (__, at) => (at * 7919 + ((at * at) % 251)) % 2 ** bits);

  async function stream(): Promise<Buffer> {
    await NativeCodecs.initializeAsync();
    const decodedBuffer = new Uint8Array((allocated === 8 ? Uint8Array : Uint16Array).from(noise).buffer);
    const about = { width: size, height: size, samplesPerPixel: 1, pixelRepresentation: 0, planarConfiguration: 0 };
    const bitsOf = { bitsAllocated: allocated, bitsStored: bits };
    const context = new Context({ ...about, ...bitsOf, photometricInterpretation: 'MONOCHROME2', decodedBuffer });
    return Buffer.from(NativeCodecs.encodeJpeg(context, { lossy }).getEncodedBuffer()!);
  }
  const read = async (frame: Buffer): Promise<number[]> => stored(dicomFile(elements, syntax, [frame]));
  const end = Buffer.of(0xff, 0xd9);

  it.each([0.4, 0.7, 0.95])(
    'is refused where its samples end early, though its end marker is there (%d)',
    async (share) => {
      const whole = await stream();
      const cut = whole.subarray(0, Math.floor(whole.length * share));
      const frames = [Buffer.concat([cut, end])];
      // What comes close to the number of samples by chance cannot be told.
      if (share < 0.9) frames.push(Buffer.concat([cut, Buffer.alloc(whole.length - cut.length), end]));
      for (const frame of frames) await expect(read(frame)).rejects.toMatchObject({ defect: 'PIXEL_DECODE' });
    },
  );

  it('is read after one that was refused, and with stray bytes before its end marker', async () => {
    const whole = await stream();
    const values = await read(whole);
    if (!lossy) expect(values).toEqual(noise);
    expect(await read(Buffer.concat([whole.subarray(0, -2), Buffer.alloc(2), end]))).toEqual(values);
  });
});
