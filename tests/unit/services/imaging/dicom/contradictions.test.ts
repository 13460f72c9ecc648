import sharp from 'sharp';
import { DicomError, DicomImage } from '../../../../../services/imaging/dicom';
import { BIG_ENDIAN, dicomFile, greyDicom, greyElements, type DicomElements } from '../../../../support/dicom';

const JPEG = '1.2.840.10008.1.2.4.50';
const JPEG_2000 = '1.2.840.10008.1.2.4.90';

async function shown(bytes: Buffer, frame = 0): Promise<number[]> {
  return [...(await DicomImage.parse(bytes).display(frame)).data];
}

async function defectOf(bytes: Buffer): Promise<string> {
  const error: unknown = await shown(bytes).catch((cause: unknown) => cause);
  return error instanceof DicomError ? error.defect : `no refusal: ${String(error)}`;
}

describe('pixels that are other ones than the header describes are refused', () => {
  const of = (pixels: readonly number[], more: DicomElements = {}): Buffer =>
    dicomFile({ ...greyElements({ width: 3, height: 1, bits: 8 }), '7fe00010': ['OB', Buffer.from(pixels)], ...more });
  const frames = { '00280008': ['IS', '3'] } as const;

  it('where they go on for twice as long, but not where zeros follow', async () => {
    expect(await defectOf(of([0, 128, 255, 1, 2, 3]))).toBe('HEADER');
    expect(await shown(of([0, 128, 255, 0, 0, 0, 0, 0, 0, 0]))).toEqual([0, 128, 255]);
    expect(await shown(of([0, 128, 255, 7]))).toEqual([0, 128, 255]);
  });

  it('where frames of odd length may be padded one by one', async () => {
    expect(await defectOf(of([1, 2, 3, 0, 4, 5, 6, 0, 7, 8, 9, 0], frames))).toBe('HEADER');
    expect(await shown(of([1, 2, 3, 4, 5, 6, 7, 8, 9], frames), 2)).toEqual([7, 8, 9]);
  });

  it('where they are compressed, and the transfer syntax says that they are not', async () => {
    expect(await defectOf(of([0xfe, 0xff, 0, 0xe0, 0, 0, 0, 0]))).toBe('HEADER');
  });

  it('where one frame is promised, and several streams are there', async () => {
    const raw = { width: 3, height: 1, channels: 1 } as const;
    const jpeg = await sharp(Buffer.of(9, 9, 9), { raw })
      .toColourspace('b-w')
      .jpeg()
      .toBuffer();
    const elements = greyElements({ width: 3, height: 1, bits: 8 });
    expect(await shown(dicomFile(elements, JPEG, [jpeg]))).toEqual([9, 9, 9]);
    expect(await shown(dicomFile(elements, JPEG, [jpeg.subarray(0, 10), jpeg.subarray(10)]))).toEqual([9, 9, 9]);
    expect(await defectOf(dicomFile(elements, JPEG, [jpeg, jpeg]))).toBe('PIXEL_DECODE');
  });

  it('where a JPEG 2000 stream has signs and the header none', async () => {
    const stream = Buffer.alloc(60);
    stream.writeUInt32BE(0xff4fff51);
    stream.writeUInt32BE(3, 8);
    stream.writeUInt32BE(1, 12);
    stream.writeUInt16BE(1, 40);
    stream.set([0x80 | 15, 1, 1], 42);
    stream.writeUInt16BE(0xffd9, 58);
    await expect(shown(dicomFile(greyElements({ width: 3, height: 1 }), JPEG_2000, [stream]))).rejects.toThrow(
      /contradict its header/,
    );
  });

  it('where they are bits in words of the other byte order', async () => {
    const bits = { '00280100': ['US', [1]], '00280101': ['US', [1]], '00280102': ['US', [0]] } as const;
    expect(await defectOf(greyDicom({ width: 16, height: 1, values: [5], syntax: BIG_ENDIAN, more: bits }))).toBe(
      'PIXEL_FORMAT',
    );
  });
});

test('a header in another encoding than it says is refused as damaged', () => {
  const name = Buffer.from('1.2.840.10008.1.2.1\0', 'latin1');
  const bytes = greyDicom({ width: 1, height: 1, values: [1] });
  Buffer.from('1.2.840.10008.1.2\0\0\0', 'latin1').copy(bytes, bytes.indexOf(name));
  expect(() => DicomImage.parse(bytes)).toThrow(DicomError);
});

test('a palette of 16 bits whose entries have 8 is as bright as one of 8', async () => {
  const palette = (bits: number): DicomElements =>
    Object.fromEntries(
      [1, 2, 3].flatMap((band) => [
        [`0028110${band}`, ['US', [2, 0, bits]]],
        [`0028120${band}`, ['OW', [10 * band, 80 * band]]],
      ]),
    );
  const of = (bits: number): Buffer =>
    greyDicom({
      width: 2,
      height: 1,
      bits: 8,
      values: [0, 1],
      more: { '00280004': ['CS', 'PALETTE COLOR'], ...palette(bits) },
    });
  expect(await shown(of(16))).toEqual([10, 20, 30, 80, 160, 240]);
  expect(await shown(of(8))).toEqual([10, 20, 30, 80, 160, 240]);
});
