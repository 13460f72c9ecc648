import {
  labelmapObject,
  presentationObject,
  readSource,
  reportObject,
  ResultError,
  ResultPool,
  segmentationObject,
} from '../../../../../services/dicom-results';
import { ctFiles } from '../../../../support/dicom-series';
import { contextOf, drawnOnStack } from '../../../../support/drawn-masks';

const series = ctFiles({ rows: 7, columns: 9, slices: 5 }).map((bytes) => readSource(bytes));
const context = contextOf(series);
const masks = drawnOnStack(series);
const [liver] = masks.structures;
const alone = { ...masks, structures: liver ? [liver] : [] };
const pool = new ResultPool();
afterAll(() => pool.close());

test('objects are written by the threads, as they would be here', async () => {
  const before = pool.completed;
  const segmentation = await pool.segmentation(context, masks);
  expect(segmentation).toEqual(segmentationObject(context, masks));
  expect(await pool.labelmap(context, alone)).toEqual(labelmapObject(context, alone));
  expect(await pool.presentation(context, masks)).toEqual(presentationObject(context, masks));
  expect(await pool.report(context, { masks, segmentation })).toEqual(reportObject(context, { masks, segmentation }));
  expect(pool.completed - before).toBe(4);
});

test('what lies elsewhere than it was drawn is refused there, with its defect', async () => {
  const flipped = { ...masks, frames: masks.frames.toReversed() };
  const refused = pool.segmentation(context, flipped);
  await expect(refused).rejects.toBeInstanceOf(ResultError);
  await expect(refused).rejects.toMatchObject({ defect: 'GEOMETRY' });
  await expect(pool.labelmap(context, masks)).rejects.toMatchObject({ defect: 'ENCODING' });
});

test('this thread goes on meanwhile', async () => {
  let turns = 0;
  const timer = setInterval(() => (turns += 1), 1);
  await Promise.all(Array.from({ length: 20 }, () => pool.segmentation(context, masks)));
  clearInterval(timer);
  expect(turns).toBeGreaterThan(0);
});
