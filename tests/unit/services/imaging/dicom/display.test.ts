// Modality transformations that are not part of the display of some kinds of images.

import { DicomImage } from '../../../../../services/imaging/dicom';
import { greyDicom, type DicomElements } from '../../../../support/dicom';

const STORAGE = '1.2.840.10008.5.1.4.1.1.';
const CT = `${STORAGE}2`;
/** X-ray angiography and radiofluoroscopy, and the enhanced ones. */
const X_RAY = ['12.1', '12.2', '12.1.1', '12.2.1'].map((kind) => `${STORAGE}${kind}`);

/** A table of eight entries that rises steeply at first. */
const lut: DicomElements = {
  '00283002': ['US', [8, 0, 16]],
  '00283004': ['LO', 'US'],
  '00283006': ['OW', [0, 600, 800, 900, 950, 980, 990, 1000]],
};
const asTable: DicomElements = { '00283000': ['SQ', [lut]] };
const asSlope: DicomElements = { '00281052': ['DS', '-1000'], '00281053': ['DS', '10'] };
const inGroups: DicomElements = {
  '52009229': ['SQ', [{ '00289145': ['SQ', [asSlope]] }]],
};
const window: DicomElements = {
  '00281050': ['DS', '3.5'],
  '00281051': ['DS', '7'],
  '00281056': ['CS', 'LINEAR_EXACT'],
};

const shown = async (sopClass: string, more: DicomElements): Promise<number[]> => {
  const values = [0, 1, 2, 3, 4, 5, 6, 7];
  const bytes = greyDicom({ width: 8, height: 1, values, more: { ...more, '00080016': ['UI', sopClass] } });
  return [...(await DicomImage.parse(bytes).display()).data];
};
const LINEAR = [0, 36, 73, 109, 146, 182, 219, 255];

describe.each(X_RAY)('%s', (sopClass) => {
  it.each([
    ['a table', asTable],
    ['a slope', asSlope],
    ['a slope in a functional group', inGroups],
  ])('is displayed without %s, with a window of stored values and without', async (_, modality) => {
    expect(await shown(sopClass, modality)).toEqual(LINEAR);
    expect(await shown(sopClass, { ...modality, ...window })).toEqual(LINEAR);
  });
});

test('CT is displayed through its modality transformation', async () => {
  expect(await shown(CT, asTable)).toEqual([0, 153, 204, 230, 242, 250, 252, 255]);
  expect(new Set(await shown(CT, { ...asSlope, ...window }))).toEqual(new Set([0]));
  expect(new Set(await shown(CT, { ...inGroups, ...window }))).toEqual(new Set([0]));
});
