// Floating-point pixels, as parametric maps hold them.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DicomError, DicomImage, readDicomHeader } from '../../../../../services/imaging/dicom';
import { temporaryFolder } from '../../../../support/data';
import { BIG_ENDIAN, dicomFile, EXPLICIT, greyElements, IMPLICIT, type DicomElements } from '../../../../support/dicom';

const folder = temporaryFolder();
const PARAMETRIC_MAP = '1.2.840.10008.5.1.4.1.1.30';
const DEFLATED_FRAMES = '1.2.840.10008.1.2.8.1';

interface Map {
  values: readonly number[];
  bits?: 32 | 64;
  syntax?: string;
  frames?: number;
  more?: DicomElements;
}

function bytesOf(values: readonly number[], bits: 32 | 64, big: boolean): Buffer {
  const bytes = Buffer.from((bits === 64 ? Float64Array : Float32Array).from(values).buffer);
  if (!big) return bytes;
  return bits === 64 ? bytes.swap64() : bytes.swap32();
}

/** One row of values for each frame. Such objects have no bits stored, no high bit and no pixel representation. */
function map({ values, bits = 32, syntax = EXPLICIT, frames = 1, more = {} }: Map): Buffer {
  const grey = greyElements({ width: values.length / frames, height: 1, frames });
  const { '00280101': _stored, '00280102': _high, '00280103': _signed, ...elements } = grey;
  const pixels = bytesOf(values, bits, syntax === BIG_ENDIAN);
  return dicomFile(
    {
      ...elements,
      '00080016': ['UI', PARAMETRIC_MAP],
      '00280100': ['US', [bits]],
      [bits === 64 ? '7fe00009' : '7fe00008']: [bits === 64 ? 'OD' : 'OF', pixels],
      ...more,
    },
    syntax,
  );
}

const stored = async (bytes: Buffer, frame = 0): Promise<number[]> => [
  ...(await DicomImage.parse(bytes).stored(frame)).values,
];
const shown = async (bytes: Buffer): Promise<number[]> => [...(await DicomImage.parse(bytes).display()).data];

describe.each([32, 64] as const)('pixels of %i bits', (bits) => {
  it.each([EXPLICIT, IMPLICIT, BIG_ENDIAN])('are the numbers that %s stores', async (syntax) => {
    expect(await stored(map({ values: [-1.5, 0, 0.25, 1e6], bits, syntax }))).toEqual([-1.5, 0, 0.25, 1e6]);
  });

  it('are read frame by frame', async () => {
    const bytes = map({ values: [1, 2, 3, 4, 5, 6], bits, frames: 3 });
    expect([await stored(bytes, 0), await stored(bytes, 2)]).toEqual([
      [1, 2],
      [5, 6],
    ]);
  });

  it('are refused where they are cut short', async () => {
    const bytes = map({ values: [1, 2, 3, 4], bits });
    await expect((async () => stored(bytes.subarray(0, -4)))()).rejects.toMatchObject({ defect: 'TRUNCATED' });
    const few = map({ values: [1, 2, 3, 4], bits, more: { '00280011': ['US', [5]] } });
    await expect(stored(few)).rejects.toMatchObject({ defect: 'TRUNCATED' });
  });

  it('have padding of their own', async () => {
    const padding = bytesOf([-99], bits, false);
    const tag = bits === 64 ? '00280123' : '00280122';
    const more: DicomElements = { [tag]: [bits === 64 ? 'FD' : 'FL', padding] };
    expect(await shown(map({ values: [-99, 0, 0.5, 1], bits, more }))).toEqual([0, 0, 128, 255]);
  });

  it('are told by the header of a file', async () => {
    const path = join(folder, `${bits}.dcm`);
    writeFileSync(path, map({ values: [0, 1], bits }));
    expect(await readDicomHeader(path)).toMatchObject({ bitsAllocated: bits, floating: true, signed: true });
  });
});

test('floating-point pixels are shown over their range, through slope and window, and black where they are no numbers', async () => {
  expect(await shown(map({ values: [NaN, -1, 0, 1, Infinity] }))).toEqual([0, 0, 128, 255, 0]);
  const window: DicomElements = {
    '00281050': ['DS', '5'],
    '00281051': ['DS', '10'],
    '00281056': ['CS', 'LINEAR_EXACT'],
    '00281053': ['DS', '10'],
    '00281052': ['DS', '0'],
  };
  expect(await shown(map({ values: [0, 0.2, 1, 2], more: window }))).toEqual([0, 51, 255, 255]);
  expect(await shown(map({ values: [NaN, NaN] }))).toEqual([0, 0]);
});

test.each<[string, string, DicomElements]>([
  ['bits that are not theirs', 'HEADER', { '00280100': ['US', [16]] }],
  ['colour', 'PIXEL_FORMAT', { '00280002': ['US', [3]], '00280004': ['CS', 'RGB'] }],
])('floating-point pixels are refused with %s', async (_, defect, more) => {
  await expect((async () => stored(map({ values: [1, 2], more })))()).rejects.toMatchObject({ defect });
});

test('floating-point pixels are refused in a syntax of compressed frames', async () => {
  const bytes = map({ values: [1, 2], syntax: DEFLATED_FRAMES });
  await expect((async () => stored(bytes))()).rejects.toThrow(DicomError);
});
