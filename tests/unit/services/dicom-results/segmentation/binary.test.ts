import { DicomSegmentation } from '../../../../../services/imaging/dicom';
import { parseFile } from '../../../../../services/imaging/dicom/data-set';
import {
  proveGeometry,
  readSource,
  segmentationObject,
  type DrawnMasks,
  type ResultError,
  type ResultObject,
  type SourceImage,
} from '../../../../../services/dicom-results';
import { crFile, ctFiles, ctSeries, enhancedFile, sliceUid } from '../../../../support/dicom-series';
import { contextOf, CREATED, drawnOnFrames, drawnOnStack, MODEL } from '../../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors } from '../../../../support/dicom-tools';

const SHAPE = { rows: 7, columns: 9, slices: 5 };
const LOCALIZERS = [
  ...ctFiles({ ...SHAPE, slices: 2 }),
  ...ctFiles({ ...SHAPE, slices: 4, across: [0, 1, 0], down: [0, 0, -1], step: [3, 0, 0] }).slice(2),
];
const missing = missingDicomTools();
if (missing !== undefined) console.warn(`DICOM objects are not validated: ${missing}`);
const validated = missing === undefined ? test : test.skip;

function made(series: readonly SourceImage[], masks: DrawnMasks): ResultObject {
  const object = segmentationObject(contextOf(series), masks);
  if (!object) throw new Error('nothing was drawn');
  return object;
}

/** What an independent reader finds drawn on a frame, of one segment. */
async function readBack(
  { bytes }: ResultObject,
  image: SourceImage,
  frame: number,
  segment: number,
): Promise<number[]> {
  const { sopInstanceUid, planes, columns, rows } = image;
  const plane = planes[frame - 1];
  const { mask } = await DicomSegmentation.parse(bytes).mask({
    sopInstanceUid,
    frame: frame - 1,
    frames: planes.length,
    size: { width: columns, height: rows },
    segments: [{ from: segment, to: segment }],
    ...(plane ? { plane } : {}),
  });
  return [...mask];
}

async function expectAllReadBack(
  object: ResultObject,
  series: readonly SourceImage[],
  masks: DrawnMasks,
): Promise<void> {
  for (const [at, { sopInstanceUid, frame }] of masks.frames.entries()) {
    const image = series.find((one) => one.sopInstanceUid === sopInstanceUid);
    if (!image) throw new Error('no such image');
    for (const [structure, { slices }] of masks.structures.entries()) {
      const drawn = slices[at] ?? new Uint8Array(image.rows * image.columns);
      expect(await readBack(object, image, frame, structure + 1)).toEqual([...drawn]);
    }
  }
}

const text = ({ bytes }: ResultObject, tag: string) => parseFile(bytes, { maxBytes: 1e9 }).dataSet.string(tag);

describe('a stack', () => {
  test.each([
    ['as it was scanned', [0, 1, 2, 3, 4]],
    ['backwards', [4, 3, 2, 1, 0]],
    ['shuffled', [3, 0, 4, 2, 1]],
  ])('is drawn on slice by slice, its images %s', async (_, order) => {
    const scanned = ctSeries(SHAPE);
    const series = order.flatMap((slice) => scanned[slice] ?? []);
    const masks = drawnOnStack(series);
    await expectAllReadBack(made(series, masks), series, masks);
  });

  test('gives the same bytes in whatever order images and masks come', () => {
    const series = ctSeries(SHAPE);
    const masks = drawnOnStack(series);
    const backwards: DrawnMasks = {
      frames: masks.frames.toReversed(),
      affine: undefined,
      structures: masks.structures.map(({ slices, ...rest }) => ({ ...rest, slices: slices.toReversed() })),
    };
    expect(made(series.toReversed(), backwards).bytes).toEqual(made(series, masks).bytes);
  });

  test('has frames only where something was drawn, and names all images that were looked at', () => {
    const series = ctSeries(SHAPE);
    const object = made(series, drawnOnStack(series));
    expect(text(object, 'x00280008')).toBe('9');
    expect([...DicomSegmentation.parse(object.bytes).sources].sort()).toEqual([0, 1, 2, 3, 4].map(sliceUid).sort());
  });

  test('keeps the patient byte for byte', () => {
    const object = made(ctSeries(SHAPE), drawnOnStack(ctSeries(SHAPE)));
    expect(object.bytes.includes(Buffer.from('Müller^Jörg=山田^太郎', 'utf8'))).toBe(true);
    expect(text(object, 'x00101030')).toBe('71.50');
    expect(text(object, 'x00080005')).toBe('ISO_IR 192');
    expect([object.studyUid, text(object, 'x0020000d')]).toEqual(Array(2).fill('1.2.826.0.1.3680043.8.498.1'));
  });
});

describe('UIDs', () => {
  const series = ctSeries(SHAPE);
  const masks = drawnOnStack(series);
  const uid = (model = MODEL, drawn = masks, created = CREATED) =>
    segmentationObject({ series, model, created }, drawn)?.sopInstanceUid;

  test('are those of the result, whenever it is made', () => {
    expect(uid(MODEL, masks, new Date(0))).toBe(uid());
  });

  test.each([
    ['version', { version: 4 }],
    ['weights', { weightsSha256: 'c3'.repeat(32) }],
    ['precision', { precision: 'bf16' }],
    ['build', { build: '0.2.0' }],
    ['preprocessing', { preprocessing: '{}' }],
  ])('are others with another %s', (_, change) => {
    expect(uid({ ...MODEL, ...change })).not.toBe(uid());
  });

  test('are others for another pixel, and for the same pixels of another image', () => {
    const [liver, lesion] = masks.structures;
    if (!liver || !lesion) throw new Error('no structures');
    const changed = liver.slices.map((slice) => slice && Uint8Array.from(slice));
    if (changed[3]) changed[3][0] = 1;
    expect(uid(MODEL, { ...masks, structures: [{ ...liver, slices: changed }, lesion] })).not.toBe(uid());
    expect(uid(MODEL, { ...masks, frames: masks.frames.toReversed() })).not.toBe(uid());
  });
});

test('an image that lies nowhere, of one frame or of several, is drawn on frame by frame', async () => {
  const cr = [readSource(crFile({ rows: 7, columns: 9 }))];
  await expectAllReadBack(made(cr, drawnOnFrames(cr)), cr, drawnOnFrames(cr));
  expect(text(made(cr, drawnOnFrames(cr)), 'x00200052')).toBeUndefined();
  const cine = [readSource(cineFile())];
  const masks = drawnOnFrames(cine);
  const backwards = { ...masks, frames: masks.frames.toReversed() };
  await expectAllReadBack(made(cine, backwards), cine, backwards);
});

test('frames of an enhanced image are drawn on by where they lie, and name their frame', async () => {
  const series = [readSource(enhancedFile({ ...SHAPE, order: [3, 0, 4, 2, 1] }))];
  const masks = drawnOnStack(series);
  expect(masks.frames.map(({ frame }) => frame)).toEqual([2, 5, 4, 1, 3]);
  const object = made(series, masks);
  await expectAllReadBack(object, series, masks);
  expect(proveGeometry(object.bytes, { series }, masks)[0]?.volume).toBeCloseTo(45.15, 9);
});

test('nothing drawn gives no object', () => {
  const series = ctSeries(SHAPE);
  const { frames, affine } = drawnOnStack(series);
  const slices = frames.map((_, at) => (at % 2 ? undefined : new Uint8Array(63)));
  expect(
    segmentationObject(contextOf(series), { frames, affine, structures: [{ name: 'liver', slices }] }),
  ).toBeUndefined();
});

describe('is refused', () => {
  const series = ctSeries(SHAPE);
  const masks = drawnOnStack(series);
  const refusal = (change: Partial<DrawnMasks>, context = contextOf(series)) => {
    try {
      segmentationObject(context, { ...masks, ...change });
      return undefined;
    } catch (error) {
      const { defect, message } = error as ResultError;
      return `${defect}: ${message}`;
    }
  };
  const slicesOf = (mask: Uint8Array) => masks.frames.map(() => mask);

  test('without a coded term, by the names of model and structures', () => {
    const unnamed = [...masks.structures, { name: 'spleen', slices: slicesOf(new Uint8Array(63)) }];
    expect(refusal({ structures: unnamed })).toMatch(/^TERMS: Model abdomen@3 has no coded term for "spleen":/);
    const bare = contextOf(series, { ...MODEL, terms: undefined });
    expect(refusal({}, bare)).toMatch(/^TERMS: .*"liver", "lesion"/);
    expect(refusal({ structures: [{ name: 'constructor', slices: slicesOf(new Uint8Array(63)) }] })).toMatch(/^TERMS/);
  });

  test.each<[string, Partial<DrawnMasks>, RegExp]>([
    ['another size', { structures: [{ name: 'liver', slices: slicesOf(new Uint8Array(62)) }] }, /62 pixels/],
    [
      'values beside 0 and 1',
      { structures: [{ name: 'liver', slices: slicesOf(new Uint8Array(63).fill(255)) }] },
      /beside 0 and 1/,
    ],
    ['too few slices', { structures: [{ name: 'liver', slices: [] }] }, /0 slices/],
    ['a name twice', { structures: [...masks.structures, ...masks.structures] }, /same name/],
    ['a frame twice', { frames: masks.frames.map(() => ({ sopInstanceUid: sliceUid(0), frame: 1 })) }, /of one frame/],
    [
      'an image of another series',
      { frames: [{ sopInstanceUid: '1.2.3', frame: 1 }, ...masks.frames.slice(1)] },
      /no image 1\.2\.3/,
    ],
    [
      'a frame that there is not',
      { frames: [{ sopInstanceUid: sliceUid(0), frame: 2 }, ...masks.frames.slice(1)] },
      /no frame 2/,
    ],
    [
      'a probability that is none',
      { structures: [{ name: 'liver', probability: NaN, slices: slicesOf(new Uint8Array(63)) }] },
      /probability/,
    ],
  ])('with %s', (_, change, message) => {
    expect(refusal(change)).toMatch(/^CONTENT/);
    expect(refusal(change)).toMatch(message);
  });

  test('with images of two patients, two series, or one UID', () => {
    const [one] = ctSeries({ ...SHAPE, slices: 1, more: { '00080018': ['UI', '1.2.9'], '00100020': ['LO', 'P-2'] } });
    const [other] = ctSeries({
      ...SHAPE,
      slices: 1,
      more: { '00080018': ['UI', '1.2.9'], '0020000e': ['UI', '1.2.8'] },
    });
    if (!one || !other || !series[0]) throw new Error('no image');
    expect(refusal({}, contextOf([...series, one]))).toMatch(/^SOURCE: .*several patients/);
    expect(refusal({}, contextOf([...series, other]))).toMatch(/^SOURCE: .*Series Instance UID/);
    expect(refusal({}, contextOf([...series, series[0]]))).toMatch(/^SOURCE: .*same SOP Instance UID/);
  });
});

/** Ultrasound of three frames. */
function cineFile(): Buffer {
  return crFile({
    rows: 7,
    columns: 9,
    more: {
      '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.3.1'],
      '00080060': ['CS', 'US'],
      '00180015': ['CS', ''],
      '00280008': ['IS', '3'],
      '7fe00010': ['OW', Array.from({ length: 189 }, (_, at) => at)],
    },
  });
}

validated.each<[string, Buffer[]]>([
  ['a stack', ctFiles(SHAPE)],
  ['a single slice', ctFiles({ ...SHAPE, slices: 1 })],
  ['an oblique stack', ctFiles({ ...SHAPE, across: [0.8, 0.6, 0], down: [0, 0, -1], step: [-1.5, 2, 0] })],
  ['a radiograph', [crFile({ rows: 7, columns: 9 })]],
  [
    'a radiograph of the left breast',
    [crFile({ rows: 7, columns: 9, more: { '00180015': ['CS', 'BREAST'], '00200060': ['CS', 'L'] } })],
  ],
  ['a radiograph without orientation', [crFile({ rows: 7, columns: 9, more: { '00200020': ['CS', ''] } })]],
  ['ultrasound frames', [cineFile()]],
  ['an enhanced image', [enhancedFile({ ...SHAPE, order: [3, 0, 4, 2, 1] })]],
  [
    'a lossy stack',
    ctFiles({
      ...SHAPE,
      more: { '00282110': ['CS', '01'], '00282112': ['DS', '12.5'], '00282114': ['CS', 'ISO_15444_1'] },
    }),
  ],
  ['two radiographs', [1, 2].map((at) => crFile({ rows: 7, columns: 9, more: { '00080018': ['UI', `1.2.9.${at}`] } }))],
  ['localizers of two directions', LOCALIZERS],
])('the validators find no error in the segmentation of %s', (_, files) => {
  const series = files.map((bytes) => readSource(bytes));
  const stacked = files !== LOCALIZERS && series[0]?.planes[0] !== undefined;
  const masks = stacked ? drawnOnStack(series) : drawnOnFrames(series);
  const { bytes } = made(series, masks);
  expect(objectErrors(bytes)).toEqual([]);
  expect(entityErrors([...files, bytes])).toEqual([]);
});

validated('the validator does find errors', () => {
  const { bytes } = made(ctSeries(SHAPE), drawnOnStack(ctSeries(SHAPE)));
  const at = bytes.indexOf(Buffer.from('\x62\0\x01\0CS', 'latin1'));
  expect(objectErrors(Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 14)]))).not.toEqual([]);
});
