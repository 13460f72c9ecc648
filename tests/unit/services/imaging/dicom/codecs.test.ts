// Colour whose components a stream holds one after the other.

import { Context, NativeCodecs } from 'dcmjs-codecs';
import { DicomError, DicomImage } from '../../../../../services/imaging/dicom';
import { dicomFile, greyElements } from '../../../../support/dicom';

const JPEG_LS = '1.2.840.10008.1.2.4.80';
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

/** JPEG-LS as its encoder writes it. */
async function encode(values: readonly number[], bits: 8 | 16, samples: 1 | 3): Promise<Buffer> {
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
  return Buffer.from(NativeCodecs.encodeJpegLs(context, {}).getEncodedBuffer()!);
}

/** One stream of three scans, from one stream of one scan for each component (ISO/IEC 14495-1 C.2). */
async function separateScans(values: readonly number[], bits: 8 | 16, between = Buffer.alloc(0)): Promise<Buffer> {
  const scans: Buffer[] = [];
  for (const [at, plane] of planesOf(values).entries()) {
    const stream = await encode(plane, bits, 1);
    const scan = Buffer.from(stream.subarray(stream.indexOf(Buffer.of(0xff, 0xda)), -2));
    scan[5] = at + 1;
    scans.push(scan);
  }
  const frame = Buffer.of(0xff, 0xf7, 0, 17, bits, 0, HEIGHT, 0, WIDTH, 3, ...[1, 2, 3].flatMap((id) => [id, 0x11, 0]));
  return Buffer.concat([Buffer.of(0xff, 0xd8), frame, between, ...scans, Buffer.of(0xff, 0xd9)]);
}

function colour(frame: Buffer, bits: 8 | 16, planar: 0 | 1): Buffer {
  const elements = greyElements({ width: WIDTH, height: HEIGHT, bits });
  const more = { '00280002': ['US', [3]], '00280004': ['CS', 'RGB'], '00280006': ['US', [planar]] } as const;
  return dicomFile({ ...elements, ...more }, JPEG_LS, [frame]);
}
const stored = async (bytes: Buffer): Promise<number[]> => [...(await DicomImage.parse(bytes).stored()).values];

describe.each([8, 16] as const)('JPEG-LS colour of %i bits', (bits) => {
  const values = bars(bits === 8 ? 1 : 150);

  it.each([0, 1] as const)('is in the order of its stream where the header says planar %i', async (planar) => {
    expect(await stored(colour(await separateScans(values, bits), bits, planar))).toEqual(values);
    expect(await stored(colour(await encode(values, bits, 3), bits, planar))).toEqual(values);
  });

  it('may have a comment before its scans', async () => {
    const comment = Buffer.from([0xff, 0xff, 0xfe, 0, 4, 65, 66]);
    expect(await stored(colour(await separateScans(values, bits, comment), bits, 0))).toEqual(values);
  });
});

test('JPEG-LS whose scans end early, or mix one and several components, is refused', async () => {
  const values = bars(1);
  const whole = await separateScans(values, 8);
  const scan = whole.indexOf(Buffer.of(0xff, 0xda));
  const twoAtOnce = Buffer.concat([
    whole.subarray(0, scan),
    Buffer.of(0xff, 0xda, 0, 10, 2, 1, 0, 2, 0, 0, 1, 0),
    whole.subarray(scan + 10),
  ]);
  for (const frame of [whole.subarray(0, scan + 5), twoAtOnce]) {
    await expect(stored(colour(Buffer.concat([frame, Buffer.of(0xff, 0xd9)]), 8, 0))).rejects.toThrow(DicomError);
  }
});
