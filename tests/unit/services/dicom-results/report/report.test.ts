import {
  readIdentity,
  readSource,
  reportObject,
  segmentationObject,
  type Classification,
  type Findings,
  type ResultError,
} from '../../../../../services/dicom-results';
import { crFile, ctFiles, sliceUid } from '../../../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack, MODEL } from '../../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors, run } from '../../../../support/dicom-tools';

const missing = missingDicomTools();
if (missing !== undefined) console.warn(`Reports are not validated: ${missing}`);
const validated = missing === undefined ? test : test.skip;

const CT = ctFiles({ rows: 7, columns: 9, slices: 5 });
const CR = [crFile({ rows: 7, columns: 9 })];
const inputs = { picturesSha256: 'f0'.repeat(32), pixelsSha256: '0f'.repeat(32), window: 'center=40 width=400' };

const CLASSES: Classification = {
  of: { sopInstanceUid: sliceUid(0), frame: 1 },
  classes: [
    { name: 'liver', probability: 0.087 },
    { name: 'lesion', probability: 0.913 },
  ],
};

/** A report on files, and what it is sent with. */
function reported(files: readonly Buffer[], what: 'drawn' | 'drawn alone' | 'nothing drawn' | 'classes' | 'both') {
  const series = files.map((bytes) => readSource(bytes));
  const context = { ...contextOf(series), inputs };
  const drawn = series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);
  const empty = {
    ...drawn,
    structures: drawn.structures.map(({ name, slices }) => ({ name, slices: slices.map(() => undefined) })),
  };
  const masks = what === 'classes' ? undefined : what === 'nothing drawn' ? empty : drawn;
  const segmentation = masks && what !== 'drawn alone' ? segmentationObject(context, masks) : undefined;
  const classifications = what === 'classes' || what === 'both' ? [CLASSES] : [];
  const report = reportObject(context, { masks, segmentation, classifications });
  return {
    report,
    segmentation,
    context,
    objects: [...files, ...(segmentation ? [segmentation.bytes] : []), report.bytes],
  };
}

validated.each([
  ['a stack', CT, 'drawn'],
  ['a stack without its segmentation', CT, 'drawn alone'],
  ['a stack on which nothing was drawn', CT, 'nothing drawn'],
  ['a radiograph', CR, 'drawn'],
  ['a radiograph without its segmentation', CR, 'drawn alone'],
  ['a class', CR, 'classes'],
  ['masks and a class', CT, 'both'],
] as const)('the validators find no error in the report of %s', (_, files, what) => {
  const { report, objects } = reported(files, what);
  expect(objectErrors(report.bytes)).toEqual([]);
  expect(entityErrors(objects)).toEqual([]);
});

validated('a receiver reads volume, area and diameter of a stack, and by whom they were measured', () => {
  const { report } = reported(CT, 'drawn');
  const said = run('dsrdump', [report.bytes], '+Pl', '+Pc');
  // 43 voxels of 0.7 x 0.6 x 2.5 mm, 15 pixels on the largest slice.
  expect(said).toMatch(/NUM:\(118565006,SCT,"Volume"\)="45\.15" \(mm3,UCUM/);
  expect(said).toMatch(/NUM:\(42798000,SCT,"Area"\)="6\.3" \(mm2,UCUM/);
  expect(said).toMatch(/NUM:\(81827009,SCT,"Diameter"\)="3\.66196668472011" \(mm,UCUM/);
  expect(said).toMatch(/IMAGE:\(121191,DCM,"Referenced Segment"\)=\(SG image,,2\)/);
  expect(said).toMatch(/UIDREF:\(121232,DCM,"Source series for segmentation"\)="1\.2\.826\.0\.1\.3680043\.8\.498\.2"/);
  expect(said).toMatch(/CODE:\(121071,DCM,"Finding"\)=\(52988006,SCT,"Lesion"\)/);
  expect(said).toMatch(/CODE:\(111000,DCM,"Algorithm Family"\)=\(123110,DCM,"Artificial Intelligence"\)/);
  for (const parameter of [
    `weights_sha256=${MODEL.weightsSha256}`,
    'precision=fp32',
    'build=0.1.0',
    `inputs_sha256=${inputs.picturesSha256}`,
    `pixels_sha256=${inputs.pixelsSha256}`,
    `window=${inputs.window}`,
  ]) {
    expect(said).toContain(`TEXT:(111002,DCM,"Algorithm Parameters")="${parameter}"`);
  }
});

validated('a radiograph is measured in pixels: its spacing is that of the detector', () => {
  const said = run('dsrdump', [reported(CR, 'drawn').report.bytes], '+Pl');
  expect(said).toMatch(/"Area"\)="2" \(\{pixels\},UCUM/);
  expect(said).toMatch(/"Referenced Segmentation Frame"\)=\(SG image,,1\)/);
  expect(said).not.toContain('"Volume"');
});

validated('a receiver reads every class with its probability, and the most probable one as the finding', () => {
  const said = run('dsrdump', [reported(CR, 'classes').report.bytes], '+Pl');
  const found =
    /"Finding"\)=\((\d+),[^]*"Certainty of Finding"\)="0\.087"[^]*10200004[^]*"Certainty of Finding"\)="0\.913"[^]*52988006/.exec(
      said,
    );
  expect(found?.[1]).toBe('52988006');
});

validated('says what was looked for and not drawn', () => {
  const said = run('dsrdump', [reported(CT, 'nothing drawn').report.bytes], '+Pl');
  expect(said).toContain('"Nothing was segmented as liver."');
  expect(said).toContain('"Nothing was segmented as lesion."');
});

describe('can be replayed', () => {
  const { terms: _terms, ...identity } = MODEL;
  const images = [0, 1, 2, 3, 4].map(sliceUid);

  test('by the report and by the segmentation', () => {
    const { report, segmentation } = reported(CT, 'drawn');
    expect(readIdentity(report.bytes)).toEqual({ ...identity, isReport: true, inputs, images });
    const drawn = readIdentity(segmentation?.bytes ?? Buffer.alloc(0));
    expect(drawn).toEqual({ ...identity, isReport: false, inputs, images });
  });

  test('by reports on classes, and of nothing drawn', () => {
    expect(readIdentity(reported(CR, 'classes').report.bytes)).toEqual({
      ...identity,
      isReport: true,
      inputs,
      images: [sliceUid(0)],
    });
    expect(readIdentity(reported(CT, 'nothing drawn').report.bytes)).toEqual({
      ...identity,
      isReport: true,
      inputs,
      images,
    });
  });

  test('not by an object of another program', () => {
    expect(() => readIdentity(CT[0] ?? Buffer.alloc(0))).toThrow(/which model/);
  });
});

describe('UIDs', () => {
  const uid = (findings: Findings) => reportObject(reported(CR, 'classes').context, findings).sopInstanceUid;

  test('are those of the result', () => {
    const other = { ...CLASSES, classes: CLASSES.classes.map(({ name }) => ({ name, probability: 0.5 })) };
    expect(uid({ classifications: [CLASSES] })).toBe(reported(CR, 'classes').report.sopInstanceUid);
    expect(uid({ classifications: [other] })).not.toBe(reported(CR, 'classes').report.sopInstanceUid);
  });
});

test.each<[string, Findings, RegExp]>([
  ['nothing', {}, /^CONTENT: .*needs masks/],
  [
    'a class without a term',
    { classifications: [{ ...CLASSES, classes: [{ name: 'cyst', probability: 1 }] }] },
    /^TERMS: .*"cyst"/,
  ],
  ['NaN', { classifications: [{ ...CLASSES, classes: [{ name: 'liver', probability: NaN }] }] }, /^CONTENT: .*"liver"/],
  [
    'a percentage',
    { classifications: [{ ...CLASSES, classes: [{ name: 'liver', probability: 91 }] }] },
    /^CONTENT: .*"liver"/,
  ],
  [
    'another image',
    { classifications: [{ ...CLASSES, of: { sopInstanceUid: '1.2.3', frame: 1 } }] },
    /^CONTENT: .*1\.2\.3/,
  ],
])('is refused of %s', (_, findings, message) => {
  try {
    reportObject(reported(CR, 'classes').context, findings);
    throw new Error('was not refused');
  } catch (error) {
    const { defect, message: said } = error as ResultError;
    expect(`${defect}: ${said}`).toMatch(message);
  }
});
