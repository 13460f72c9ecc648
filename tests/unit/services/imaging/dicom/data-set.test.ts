// Files that are whole as far as their pixels go, whatever stands before and behind them.

import { deflateRawSync } from 'node:zlib';
import { DicomImage, isDicom } from '../../../../../services/imaging/dicom';
import { BIG_ENDIAN, dicomFile, EXPLICIT, greyDicom, greyElements, IMPLICIT } from '../../../../support/dicom';

const RLE = '1.2.840.10008.1.2.5';
const values = [10, 20, 30, 40];
const size = { width: 2, height: 2, bits: 8 } as const;
const plain = (syntax = EXPLICIT): Buffer => greyDicom({ ...size, values, syntax });

/** A frame as RLE: a header of one segment, and bytes that are copied literally. */
function rle(frame: readonly number[]): Buffer {
  const header = Buffer.alloc(64);
  header.writeUInt32LE(1, 0);
  header.writeUInt32LE(64, 4);
  return Buffer.concat([header, Buffer.of(frame.length - 1, ...frame, 0)]);
}

const compressed = (frames: readonly (readonly number[])[]): Buffer =>
  dicomFile({ ...greyElements({ ...size, frames: frames.length }) }, RLE, frames.map(rle));

async function framesOf(bytes: Buffer): Promise<number[][]> {
  const image = DicomImage.parse(bytes);
  const frames: number[][] = [];
  for (let frame = 0; frame < image.header.frames; frame += 1) frames.push([...(await image.stored(frame)).values]);
  return frames;
}
const defectOf = async (bytes: Buffer): Promise<unknown> =>
  framesOf(bytes).then(
    () => 'none',
    (error: { defect?: string }) => error.defect,
  );

/** What media, archives and broken transfers leave behind a file. */
const TAILS: readonly [string, Buffer][] = [
  ['zeros', Buffer.alloc(100)],
  ['zeros of an odd number', Buffer.alloc(7)],
  ['ones', Buffer.alloc(33, 0xff)],
  ['half an element', Buffer.from([0xfc, 0xff, 0xfc, 0xff, 0x4f, 0x42, 0, 0, 0xff, 0xff, 0, 0])],
];

describe('bytes behind the pixels', () => {
  it.each(TAILS)('do not count: %s', async (_, tail) => {
    for (const syntax of [EXPLICIT, IMPLICIT, BIG_ENDIAN]) {
      expect(await framesOf(Buffer.concat([plain(syntax), tail]))).toEqual([values]);
    }
    const two = compressed([values, [1, 2, 3, 4]]);
    const withoutDelimiter = two.subarray(0, -8);
    for (const bytes of [two, withoutDelimiter]) {
      expect(await framesOf(Buffer.concat([bytes, tail]))).toEqual([values, [1, 2, 3, 4]]);
    }
  });

  it('do not count in a deflated file', async () => {
    const start = plain().indexOf(Buffer.from([0x08, 0x00, 0x16, 0x00]));
    const header = dicomFile({}, '1.2.840.10008.1.2.1.99');
    const body = deflateRawSync(Buffer.concat([plain().subarray(start), Buffer.alloc(50)]));
    expect(await framesOf(Buffer.concat([header, body, Buffer.alloc(9)]))).toEqual([values]);
  });
});

test('pixels that are cut short are refused', async () => {
  for (const syntax of [EXPLICIT, IMPLICIT]) {
    expect(await defectOf(plain(syntax).subarray(0, -1))).toBe('TRUNCATED');
  }
  const bytes = compressed([values]);
  // The delimiter, and the last bytes of the frame.
  expect(await defectOf(bytes.subarray(0, -8 - 4))).toBe('TRUNCATED');
});

describe('a file without preamble', () => {
  it.each([EXPLICIT, IMPLICIT, BIG_ENDIAN])('is read, with or without the prefix, in %s', async (syntax) => {
    const bytes = plain(syntax);
    for (const from of [128, 132]) {
      const bare = bytes.subarray(from);
      expect(isDicom(bare)).toBe(true);
      expect(await framesOf(bare)).toEqual([values]);
    }
  });

  it('is told from other files', () => {
    const others = [
      Buffer.from('DIC'),
      Buffer.from([2, 0, 0, 0, 1, 2, 3, 4, 5]),
      Buffer.from([2, 0, 0x99, 0, 85, 76, 4, 0]),
    ];
    expect(others.map(isDicom)).toEqual([false, false, false]);
  });
});

test('a data set in implicit VR whose file says explicit is read, compressed or not', async () => {
  const said = (bytes: Buffer, syntax: string): Buffer => {
    const dataSet = bytes.subarray(132 + 8 + IMPLICIT.length + (IMPLICIT.length % 2));
    const meta = dicomFile({}, syntax);
    return Buffer.concat([meta, dataSet]);
  };
  expect(await framesOf(said(plain(IMPLICIT), EXPLICIT))).toEqual([values]);
  const frame = rle(values);
  const u32 = (value: number): Buffer => Buffer.of(value & 255, (value >> 8) & 255, (value >> 16) & 255, value >>> 24);
  const item = (bytes: Buffer): Buffer => Buffer.concat([Buffer.from('feff00e0', 'hex'), u32(bytes.length), bytes]);
  const fragments = [item(Buffer.alloc(0)), item(frame), Buffer.from('feffdde000000000', 'hex')];
  const pixels = Buffer.concat([Buffer.from('e07f1000ffffffff', 'hex'), ...fragments]);
  const header = dicomFile(greyElements({ ...size, frames: 1 }), IMPLICIT);
  expect(await framesOf(said(Buffer.concat([header, pixels]), RLE))).toEqual([values]);
});
