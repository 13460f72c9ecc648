// Levels of a display in 16 bits: what 8 bits would round away stays, and rounding them gives the 8 bits.

import { DicomImage, dicomPool } from '../../../../../services/imaging/dicom';
import { toDisplayRgb8 } from '../../../../../services/imaging/display';
import { pictureHash } from '../../../../../services/datasets/files/picture-hash';
import { valueRangeOf } from '../../../../../services/checks/value-range';
import { samples, toRgb8, type Pixels } from '../../../../../services/imaging/pixels/pixels';
import { greyDicom, type DicomElements } from '../../../../support/dicom';

/** 12 bits in 16. */
const values = Array.from({ length: 4096 }, (_, at) => at);
const window = (centre: number, width: number, shape = 'LINEAR'): DicomElements => ({
  '00281050': ['DS', String(centre)],
  '00281051': ['DS', String(width)],
  '00281056': ['CS', shape],
});
const file = (more: DicomElements = {}): Buffer =>
  greyDicom({ width: 64, height: 64, values, more: { '00280101': ['US', [12]], '00280102': ['US', [11]], ...more } });

const shown = async (more: DicomElements): Promise<[byte: Pixels, word: Pixels]> => {
  const image = DicomImage.parse(file(more));
  return [await image.display(), await image.display(0, 16)];
};

describe.each([
  ['no window', {}],
  ['a linear window', window(1000, 511)],
  ['a window whose levels end in halves', window(2047.5, 511, 'LINEAR_EXACT')],
  ['a sigmoid', window(2000, 1000, 'SIGMOID')],
  ['a window, inverted', { ...window(1000, 511), '00280004': ['CS', 'MONOCHROME1'] } satisfies DicomElements],
])('a DICOM frame of 12 bits with %s', (_, more: DicomElements) => {
  it('has levels of 16 bits that round to those of 8', async () => {
    const [bytes, words] = await shown(more);
    expect([bytes.sampleType, words.sampleType, words.window]).toEqual(['uint8', 'uint16', { low: 0, high: 65_535 }]);
    const levels = Array.from(samples(words).values);
    expect(levels.map((level) => Math.round(level / 257))).toEqual([...bytes.data]);
    expect(new Set(levels).size).toBeGreaterThan(new Set(bytes.data).size);
  });

  it('is one picture, drawn and hashed alike, in either depth', async () => {
    const [bytes, words] = await shown(more);
    expect(pictureHash(words)).toBe(pictureHash(bytes));
    expect(toRgb8(words)).toEqual(toRgb8(bytes));
    expect(toDisplayRgb8(words)).toEqual(toDisplayRgb8(bytes));
    expect(valueRangeOf(words)).toBeUndefined();
  });
});

test('a frame of 8 bits stays 8 bits, whichever depth is asked for', async () => {
  const image = DicomImage.parse(greyDicom({ width: 2, height: 1, values: [3, 200], bits: 8 }));
  expect(await image.display(0, 16)).toEqual(await image.display(0, 8));
});

test('threads decode a frame in the depth that is asked for', async () => {
  const { pixels } = await dicomPool.frame(file(window(1000, 511)), 0, { depth: 16 });
  expect(pixels).toEqual((await shown(window(1000, 511)))[1]);
});
