import { parseFile } from '../../../../../services/imaging/dicom/data-set';
import { presentationObject, readSource, type ResultObject } from '../../../../../services/dicom-results';
import { outlinesOf } from '../../../../../services/dicom-results/presentation/outline';
import { crFile, ctFiles, sliceUid } from '../../../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors } from '../../../../support/dicom-tools';
import { filled } from '../../../../support/outlines';

const missing = missingDicomTools();
if (missing !== undefined) console.warn(`Presentation states are not validated: ${missing}`);
const validated = missing === undefined ? test : test.skip;

describe('outlines', () => {
  test('of a pixel are its edges', () => {
    expect(outlinesOf(Uint8Array.from([0, 0, 0, 1]), 2)).toEqual([
      [
        [1, 1],
        [2, 1],
        [2, 2],
        [1, 2],
        [1, 1],
      ],
    ]);
  });

  test('hold what is drawn, holes left out, whatever it is', () => {
    for (let seed = 1; seed <= 60; seed += 1) {
      const mask = Uint8Array.from({ length: 12 * 11 }, (_, at) =>
        (at * at * 31 + at * seed * 17) % 23 < seed % 22 ? 1 : 0,
      );
      const outlines = outlinesOf(mask, 12);
      expect(filled(outlines, 12, mask.length)).toEqual([...mask]);
      for (const outline of outlines) expect(outline.at(-1)).toEqual(outline[0]);
    }
  });

  test('keep pixels apart that touch at a corner', () => {
    expect(outlinesOf(Uint8Array.from([1, 0, 0, 1]), 2)).toHaveLength(2);
  });
});

function made(files: readonly Buffer[]): ResultObject {
  const series = files.map((bytes) => readSource(bytes));
  const masks = series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);
  const object = presentationObject(contextOf(series), masks);
  if (!object) throw new Error('nothing was drawn');
  return object;
}

test('each annotation is on the image that its structure was drawn on', () => {
  const { bytes } = made(ctFiles({ rows: 7, columns: 9, slices: 5 }).toReversed());
  const items = parseFile(bytes, { maxBytes: 1e9 }).dataSet.elements['x00700001']?.items ?? [];
  const found = items.map(({ dataSet }) => [
    dataSet?.string('x00700002'),
    dataSet?.elements['x00081140']?.items?.[0]?.dataSet?.string('x00081155'),
    dataSet?.elements['x00700009']?.items?.[0]?.dataSet?.float('x00700022', 2),
  ]);
  // A box from column 1 that is a column wider from slice to slice.
  expect(found.slice(0, 5)).toEqual([0, 1, 2, 3, 4].map((slice) => ['SEGMENT 1', sliceUid(slice), slice + 2]));
  expect(found.slice(5).map(([layer, uid]) => [layer, uid])).toEqual(
    [0, 2, 3, 4].map((slice) => ['SEGMENT 2', sliceUid(slice)]),
  );
});

validated.each<[string, Buffer[]]>([
  ['a stack', ctFiles({ rows: 7, columns: 9, slices: 5 })],
  ['a radiograph', [crFile({ rows: 7, columns: 9 })]],
  ['a breast', [crFile({ rows: 7, columns: 9, more: { '00180015': ['CS', 'BREAST'], '00200060': ['CS', 'L'] } })]],
])('the validators find no error in the presentation state of %s', (_, files) => {
  const { bytes } = made(files);
  expect(objectErrors(bytes)).toEqual([]);
  expect(entityErrors([...files, bytes])).toEqual([]);
});
