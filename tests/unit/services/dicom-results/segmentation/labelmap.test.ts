import {
  labelmapObject,
  LABELMAP_STORAGE,
  proveGeometry,
  readSource,
  type DrawnMasks,
  type ResultError,
  type SourceImage,
} from '../../../../../services/dicom-results';
import { DicomSegmentation } from '../../../../../services/imaging/dicom';
import { readSegments } from '../../../../../services/dicom-results/geometry/read-segments';
import { crFile, ctFiles, ctSeries } from '../../../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors } from '../../../../support/dicom-tools';

const missing = missingDicomTools();
if (missing !== undefined) console.warn(`Label maps are not validated: ${missing}`);
const validated = missing === undefined ? test : test.skip;

const SHAPE = { rows: 7, columns: 9, slices: 5 };

/** The second structure only where the first is not. */
function apart(masks: DrawnMasks): DrawnMasks {
  const [first, second] = masks.structures;
  if (!first || !second) throw new Error('no structures');
  const slices = second.slices.map((mask, slice) =>
    mask?.map((value, pixel) => (first.slices[slice]?.[pixel] === 1 ? 0 : value)),
  );
  return { ...masks, structures: [first, { ...second, slices }] };
}

function made(series: readonly SourceImage[], masks: DrawnMasks): Buffer {
  const object = labelmapObject(contextOf(series), masks);
  if (!object) throw new Error('nothing was drawn');
  expect(object.sopClassUid).toBe(LABELMAP_STORAGE);
  return object.bytes;
}

test('a label map shows both structures of a stack where they were drawn, one frame for each image', () => {
  const series = [3, 0, 4, 2, 1].flatMap((slice) => ctSeries(SHAPE)[slice] ?? []);
  const masks = apart(drawnOnStack(series));
  const bytes = made(series, masks);
  expect(proveGeometry(bytes, { series }, masks).map(({ name }) => name)).toEqual(['liver', 'lesion']);
  const { frames, numbers } = readSegments(bytes);
  expect([frames.length, numbers]).toEqual([5, [1, 2]]);
  const flipped = { ...masks, frames: masks.frames.toReversed() };
  expect(() => proveGeometry(made(series, flipped), { series }, flipped)).toThrow(/centroid of "liver"/);
});

test('a label map is read as masks of the images that it names, each segment by its number', async () => {
  const series = ctSeries(SHAPE);
  const masks = apart(drawnOnStack(series));
  const read = DicomSegmentation.parse(made(series, masks));
  const { bytes } = labelmapObject(contextOf(series), masks) ?? { bytes: Buffer.alloc(0) };
  expect(DicomSegmentation.segmentsOf(bytes).map(({ number, label }) => [number, label])).toEqual([
    [1, 'liver'],
    [2, 'lesion'],
  ]);
  for (const [slice, { sopInstanceUid = '' }] of masks.frames.entries()) {
    for (const [at, { slices }] of masks.structures.entries()) {
      const segments = [{ from: at + 1, to: at + 1 }];
      const drawn = await read.mask({ sopInstanceUid, frame: 0, frames: 1, segments });
      expect([...drawn.mask]).toEqual([...(slices[slice] ?? new Uint8Array(drawn.mask.length))]);
    }
  }
});

test('a label map shows them on a radiograph', () => {
  const series = [readSource(crFile(SHAPE))];
  const masks = apart(drawnOnFrames(series));
  expect(proveGeometry(made(series, masks), { series }, masks)).toHaveLength(2);
});

/** What dciodvfy of 2022 says of a segmentation, and Supplement 243 has changed for label maps. */
const CHANGED = [
  /Unrecognized enumerated value <LABELMAP>/,
  /Value is zero for value 1 of attribute <Segment Number>/,
  /SegmentNumber not monotonically increasing .* with SegmentNumber of 0$/,
  /Missing attribute Type 1 Required Element=<SegmentIdentificationSequence>/,
];

validated.each([
  ['a stack', ctFiles(SHAPE)],
  ['a radiograph', [crFile(SHAPE)]],
])('dciodvfy, which takes it for a segmentation, finds no error that is none of a label map: %s', (_, files) => {
  const series = files.map((bytes) => readSource(bytes));
  const masks = apart(series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series));
  const bytes = made(series, masks);
  const known = bytes.toString('latin1').replaceAll('1.4.1.1.66.7', '1.4.1.1.66.4');
  const found = objectErrors(Buffer.from(known, 'latin1'));
  expect(found).not.toEqual([]);
  expect(found.filter((error) => !CHANGED.some((each) => each.test(error)))).toEqual([]);
  expect(entityErrors([...files, bytes])).toEqual([]);
});

test('a label map refuses structures that overlap, and makes nothing of nothing', () => {
  const series = ctSeries(SHAPE);
  const masks = drawnOnStack(series);
  try {
    labelmapObject(contextOf(series), masks);
    throw new Error('was not refused');
  } catch (error) {
    expect((error as ResultError).defect).toBe('ENCODING');
  }
  const empty = masks.structures.map(({ name, slices }) => ({ name, slices: slices.map(() => undefined) }));
  expect(labelmapObject(contextOf(series), { ...masks, structures: empty })).toBeUndefined();
});
