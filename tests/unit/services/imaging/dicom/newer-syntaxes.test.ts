// HTJ2K, encapsulated frames that are not compressed, and deflated frames.

import { deflateRawSync } from 'node:zlib';
import { Context, NativeCodecs } from 'dcmjs-codecs';
import { DicomImage } from '../../../../../services/imaging/dicom';
import { dicomFile, greyElements, type DicomElements } from '../../../../support/dicom';

const [WIDTH, HEIGHT] = [24, 10];
const SIZE = WIDTH * HEIGHT;
const HTJ2K = ['1.2.840.10008.1.2.4.201', '1.2.840.10008.1.2.4.202', '1.2.840.10008.1.2.4.203'];
const BARE = '1.2.840.10008.1.2.4.98';
const DEFLATED_FRAMES = '1.2.840.10008.1.2.8.1';

const COLOUR: DicomElements = { '00280002': ['US', [3]], '00280004': ['CS', 'RGB'], '00280006': ['US', [0]] };
const SIGNED: DicomElements = { '00280103': ['US', [1]] };
const image = (bits: number, frames = 1): DicomElements =>
  greyElements({ width: WIDTH, height: HEIGHT, bits: bits as 8, frames });

async function stored(file: Buffer, frame = 0): Promise<number[]> {
  return Array.from((await DicomImage.parse(file).stored(frame)).values);
}

async function htj2k(
  values: Uint8Array | Uint16Array | Int16Array,
  samples: 1 | 3,
  parameters: { lossy?: boolean; progressionOrder?: number } = {},
): Promise<Buffer> {
  await NativeCodecs.initializeAsync();
  const bits = values.BYTES_PER_ELEMENT * 8;
  const context = new Context({
    width: WIDTH,
    height: HEIGHT,
    bitsAllocated: bits,
    bitsStored: bits,
    samplesPerPixel: samples,
    pixelRepresentation: values instanceof Int16Array ? 1 : 0,
    planarConfiguration: 0,
    photometricInterpretation: samples === 1 ? 'MONOCHROME2' : 'RGB',
    decodedBuffer: new Uint8Array(values.buffer),
  });
  return Buffer.from(NativeCodecs.encodeHtJpeg2000(context, parameters).getEncodedBuffer() ?? []);
}

describe.each(HTJ2K)('HTJ2K (%s)', (syntax) => {
  it.each([
    ['8 bits', Uint8Array.from({ length: SIZE }, (_, at) => (at * 7) % 256), 1, {}],
    ['16 bits', Uint16Array.from({ length: SIZE }, (_, at) => (at * 271) % 65_536), 1, {}],
    ['signed values', Int16Array.from({ length: SIZE }, (_, at) => at * 100 - 12_000), 1, SIGNED],
    ['colour', Uint8Array.from({ length: SIZE * 3 }, (_, at) => (at * 5) % 256), 3, COLOUR],
  ] as const)('of %s is what was compressed', async (_, values, samples, more) => {
    const bits = values.BYTES_PER_ELEMENT * 8;
    const frame = await htj2k(values, samples, { progressionOrder: 2 });
    expect(await stored(dicomFile({ ...image(bits), ...more }, syntax, [frame]))).toEqual(Array.from(values));
  });
});

test('HTJ2K that is cut short, or another picture than its header describes, is refused', async () => {
  const values = Uint16Array.from({ length: SIZE }, (_, at) => (at * 271) % 65_536);
  const frame = await htj2k(values, 1);
  const [syntax = ''] = HTJ2K;
  const refused = { defect: 'PIXEL_DECODE' };
  const end = Buffer.from([0xff, 0xd9]);
  for (const share of [0.3, 0.5, 0.7, 0.9, 0.98]) {
    const cut = frame.subarray(0, Math.floor((frame.length * share) / 2) * 2);
    await expect(stored(dicomFile(image(16), syntax, [cut]))).rejects.toMatchObject(refused);
    // The decoder would answer with a whole picture to most of these.
    await expect(stored(dicomFile(image(16), syntax, [Buffer.concat([cut, end])]))).rejects.toMatchObject(refused);
  }
  const other = greyElements({ width: WIDTH + 1, height: HEIGHT });
  await expect(stored(dicomFile(other, syntax, [frame]))).rejects.toMatchObject(refused);
});

const even = (bytes: Buffer): Buffer => (bytes.length % 2 === 0 ? bytes : Buffer.concat([bytes, Buffer.alloc(1)]));

describe.each([
  ['encapsulated', BARE, (bytes: Buffer) => even(bytes)],
  ['deflated', DEFLATED_FRAMES, (bytes: Buffer) => even(deflateRawSync(bytes))],
] as const)('%s frames', (_, syntax, wrap) => {
  const frames = [1, 2, 3].map((frame) => Uint16Array.from({ length: SIZE }, (_pixel, at) => (at * frame) % 4_096));
  const bytesOf = (values: Uint16Array): Buffer => Buffer.from(new Uint8Array(values.buffer));

  it('of 16 bits are each what they were', async () => {
    const file = dicomFile(
      image(16, 3),
      syntax,
      frames.map((frame) => wrap(bytesOf(frame))),
    );
    for (const [at, frame] of frames.entries()) expect(await stored(file, at)).toEqual(Array.from(frame));
  });

  it('of 32 bits, of colour by planes, and of an odd length are what they were', async () => {
    const wide = Uint32Array.from({ length: SIZE }, (_pixel, at) => at * 70_000);
    const file = dicomFile(image(32), syntax, [wrap(Buffer.from(new Uint8Array(wide.buffer)))]);
    expect(await stored(file)).toEqual(Array.from(wide));
    const planes = Buffer.from(Array.from({ length: SIZE * 3 }, (_pixel, at) => at % 250));
    const planar: DicomElements = { ...COLOUR, '00280006': ['US', [1]] };
    const colours = await stored(dicomFile({ ...image(8), ...planar }, syntax, [wrap(planes)]));
    expect(colours.slice(0, 3)).toEqual([planes[0], planes[SIZE], planes[2 * SIZE]]);
    const odd = greyElements({ width: 3, height: 3, bits: 8 });
    const nine = Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9]);
    expect(await stored(dicomFile(odd, syntax, [wrap(nine)]))).toEqual([...nine]);
  });

  it('of one bit for a pixel begin each on a byte', async () => {
    const elements = { ...greyElements({ width: 3, height: 3, bits: 1 as 8, frames: 2 }) };
    const packed = [Buffer.from([0b1000_0001, 0b1]), Buffer.from([0b0000_0110, 0b0])];
    const file = dicomFile(elements, syntax, packed.map(wrap));
    expect(await stored(file, 0)).toEqual([1, 0, 0, 0, 0, 0, 0, 1, 1]);
    expect(await stored(file, 1)).toEqual([0, 1, 1, 0, 0, 0, 0, 0, 0]);
  });

  it('of another length than their header describes are refused', async () => {
    const [frame = new Uint16Array()] = frames;
    for (const bytes of [bytesOf(frame).subarray(0, -4), Buffer.concat([bytesOf(frame), Buffer.alloc(4)])]) {
      await expect(stored(dicomFile(image(16), syntax, [wrap(bytes)]))).rejects.toMatchObject({
        defect: 'PIXEL_DECODE',
      });
    }
  });
});

test('a deflated frame that is cut short, or inflates without end, is refused', async () => {
  const noise = Buffer.from(Array.from({ length: SIZE * 2 }, (_, at) => (at * 97 + (at >> 3)) % 256));
  const deflated = even(deflateRawSync(noise));
  const bomb = even(deflateRawSync(Buffer.alloc(50_000_000)));
  for (const frame of [deflated.subarray(0, deflated.length - 20), bomb]) {
    await expect(stored(dicomFile(image(16), DEFLATED_FRAMES, [frame]))).rejects.toMatchObject({
      defect: 'PIXEL_DECODE',
    });
  }
});

test('JPEG XL is refused by its name', () => {
  const file = dicomFile(image(16), '1.2.840.10008.1.2.4.110', [Buffer.from([0xff, 0x0a])]);
  expect(() => DicomImage.parse(file)).toThrow(/JPEG XL/);
});
