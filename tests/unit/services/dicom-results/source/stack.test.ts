import { ResultError, stackOf } from '../../../../../services/dicom-results';
import { placed } from '../../../../../services/dicom-results/source/stack';
import { ctSeries, sliceUid, type SeriesShape } from '../../../../support/dicom-series';

const SHAPE: SeriesShape = { rows: 4, columns: 5, slices: 5 };

const defectOf = (shape: SeriesShape, change: (series: ReturnType<typeof ctSeries>) => ReturnType<typeof ctSeries>) => {
  try {
    stackOf(change(ctSeries(shape)));
    return undefined;
  } catch (error) {
    if (!(error instanceof ResultError)) throw error;
    return [error.defect, error.message];
  }
};

test('the stack sorts slices by where they lie, in whatever order they come', () => {
  const [a, b, c, d, e] = ctSeries(SHAPE);
  const shuffled = stackOf([d, a, e, c, b].flatMap((image) => image ?? []));
  expect(shuffled.frames).toEqual([0, 1, 2, 3, 4].map((slice) => ({ sopInstanceUid: sliceUid(slice), frame: 1 })));
  expect(placed(shuffled.affine, [0, 0, 0])).toEqual([-10, -20, 30]);
  expect(placed(shuffled.affine, [2, 1, 4]).map((mm) => Number(mm.toFixed(6)))).toEqual([-8.8, -19.3, 40]);
});

test('the stack sorts a series that was scanned against its normal the other way round', () => {
  const { frames, affine } = stackOf(ctSeries({ ...SHAPE, step: [0, 0, -2.5] }));
  expect(frames[0]).toEqual({ sopInstanceUid: sliceUid(4), frame: 1 });
  expect(placed(affine, [0, 0, 0])).toEqual([-10, -20, 20]);
});

test('shears the affine of a tilted gantry', () => {
  const { affine } = stackOf(ctSeries({ ...SHAPE, step: [0, 0.5, 2.5] }));
  expect(placed(affine, [0, 0, 4])).toEqual([-10, -18, 40]);
});

test('the stack names the slice before which one is missing', () => {
  const found = defectOf(SHAPE, (series) => series.filter((_, slice) => slice !== 2));
  expect(found).toEqual(['STACK', expect.stringContaining(sliceUid(3))]);
  expect(found?.[1]).not.toContain(sliceUid(1));
});

test('the stack names slices in one place, of another orientation, of another size', () => {
  expect(defectOf(SHAPE, (series) => [...series, ...ctSeries({ ...SHAPE, slices: 1 })])?.[1]).toMatch(/in one place/);
  const turned = ctSeries({ ...SHAPE, across: [0, 1, 0], down: [0, 0, 1] }).slice(0, 1);
  expect(defectOf(SHAPE, (series) => [...series, ...turned])?.[1]).toMatch(/another orientation/);
  const larger = ctSeries({ ...SHAPE, rows: 8 }).slice(4);
  expect(defectOf(SHAPE, (series) => [...series.slice(0, 4), ...larger])?.[1]).toMatch(/another size/);
});
