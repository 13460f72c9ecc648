// Objects of every kind without what identifies the patient, judged by dicom3tools and by what is left in their bytes.

import { chmodSync, mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseDicom } from 'dicom-parser';
import { deidentify, Pseudonyms, ReidentificationMap, type Profile } from '../../../../services/deidentification';
import {
  part10,
  presentationObject,
  readSource,
  reportObject,
  segmentationObject,
  type ResultObject,
} from '../../../../services/dicom-results';
import { ctFiles } from '../../../support/dicom-series';
import { contextOf, drawnOnStack } from '../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors } from '../../../support/dicom-tools';

const PLANTED = {
  '00081030': ['LO', 'PLANTED-STUDY'] as const,
  '00081048': ['PN', 'PLANTED^PHYSICIAN'] as const,
  '00100010': ['PN', 'PLANTED^NAME'] as const,
  '00100020': ['LO', 'PLANTED-ID'] as const,
  '00100021': ['LO', 'PLANTED-ISSUER'] as const,
  '00101000': ['LO', 'PLANTED-OTHER'] as const,
  '00101010': ['AS', '066Y'] as const,
  '00104000': ['LT', 'PLANTED-COMMENT'] as const,
  '00120010': ['LO', 'PLANTED-SPONSOR'] as const,
  '00120040': ['LO', 'PLANTED-SUBJECT'] as const,
  '00120050': ['LO', 'PLANTED-TIMEPOINT'] as const,
  '00200010': ['SH', 'PLANTED-STUDYID'] as const,
  '00080050': ['SH', 'PLANTED-ACC'] as const,
  '00080090': ['PN', 'PLANTED^REFERRER'] as const,
};
const FILES = ctFiles({ rows: 7, columns: 9, slices: 5, more: PLANTED });
const series = FILES.map((bytes) => readSource(bytes));
const inputs = { picturesSha256: 'e1'.repeat(32), pixelsSha256: 'e2'.repeat(32), window: 'center=40' };
const context = { ...contextOf(series), inputs };
const masks = drawnOnStack(series);

function objects(): Record<'segmentation' | 'report' | 'outlines', ResultObject> {
  const segmentation = segmentationObject(context, masks);
  const outlines = presentationObject(context, masks);
  if (!segmentation || !outlines) throw new Error('nothing was drawn');
  return { segmentation, report: reportObject(context, { masks, segmentation }), outlines };
}
const MADE = objects();
const REMOVE: Profile = { dates: 'remove', characteristics: 'remove', uids: 'replace', device: 'remove' };
const names = new Pseudonyms(Buffer.alloc(32, 1));
const missing = missingDicomTools();
const validated = missing === undefined ? describe : describe.skip;
if (missing !== undefined) console.warn(`De-identified objects are not validated: ${missing}`);

const of = (bytes: Uint8Array, tag: string): string | undefined => parseDicom(bytes).string(tag);

describe.each(['segmentation', 'report', 'outlines'] as const)('the %s', (kind) => {
  const { bytes, sopInstanceUid } = deidentify(MADE[kind].bytes, REMOVE, names);

  it('holds nothing that was planted, no UID of the source, and no hash of its images', () => {
    expect(MADE[kind].bytes.includes('PLANTED')).toBe(true);
    const text = bytes.toString('latin1');
    expect(
      text.match(/PLANTED[^\0]*|1\.2\.826\.0\.1\.3680043\.8\.498[\d.]*|066Y|19600203|20240102|20261129/g),
    ).toBeNull();
    expect(text).not.toContain(inputs.picturesSha256);
    expect(text).not.toContain(inputs.pixelsSha256);
    expect(text).not.toContain(MADE[kind].sopInstanceUid);
    expect(MADE[kind].bytes.includes(context.model.weightsSha256)).toBe(true);
    expect(text).not.toMatch(/(weights|base)_sha256/);
    expect(text).not.toContain(context.model.weightsSha256);
  });

  it('is the same each time, and another one by another key', () => {
    expect(deidentify(MADE[kind].bytes, REMOVE, names).bytes.equals(bytes)).toBe(true);
    const other = deidentify(MADE[kind].bytes, REMOVE, new Pseudonyms(Buffer.alloc(32, 2)));
    expect(other.sopInstanceUid).not.toBe(sopInstanceUid);
    expect(of(other.bytes, 'x00100020')).not.toBe(of(bytes, 'x00100020'));
  });

  it('says that it was de-identified, and how', () => {
    expect(of(bytes, 'x00120062')).toBe('YES');
    const items = parseDicom(bytes).elements['x00120064']?.items ?? [];
    expect(items.map((item) => item.dataSet?.string('x00080100'))).toEqual(['113100', '113104', '113105']);
  });
});

validated('by dicom3tools', () => {
  it('no object has an error, and together they are of one patient and study', () => {
    const written = Object.values(MADE).map(({ bytes }) => deidentify(bytes, REMOVE, names).bytes);
    for (const bytes of written) expect(objectErrors(bytes)).toEqual([]);
    expect(entityErrors(written)).toEqual([]);
  });
});

it('keeps the weights, wherever they stand, where an option keeps the device', () => {
  for (const { bytes } of [MADE.segmentation, MADE.report]) {
    const count = (of: Uint8Array): number =>
      Buffer.from(of).toString('latin1').split(context.model.weightsSha256).length;
    expect(count(deidentify(bytes, { ...REMOVE, device: 'keep' }, names).bytes)).toBe(count(bytes));
  }
});

it.each([
  ['DA', '20240102'],
  ['TM', '101112'],
  ['DT', '20240102101112'],
] as const)('drops what no list names and is of %s, unless dates are kept', (vr, value) => {
  const file = Buffer.from(
    part10('1.2', '2.25.1', { '00100020': ['LO', 'P'], '00181078': [vr, value], '00189999': ['LO', 'stays'] }),
  );
  for (const dates of ['remove', 'shift'] as const) {
    const { bytes } = deidentify(file, { ...REMOVE, dates }, names);
    expect(of(bytes, 'x00181078')).toBeUndefined();
    expect(of(bytes, 'x00189999')).toBe('stays');
  }
  expect(of(deidentify(file, { ...REMOVE, dates: 'keep' }, names).bytes, 'x00181078')).toBe(value);
});

it('keeps references between objects', () => {
  const segmentation = deidentify(MADE.segmentation.bytes, REMOVE, names);
  const report = deidentify(MADE.report.bytes, REMOVE, names);
  expect(report.bytes.includes(segmentation.sopInstanceUid)).toBe(true);
});

it('moves dates back by days of the patient, and keeps what an option keeps', () => {
  const shifted = deidentify(MADE.report.bytes, { ...REMOVE, dates: 'shift' }, names).bytes;
  const [was, is] = [Date.UTC(2024, 0, 2), of(shifted, 'x00080020') ?? ''];
  const now = Date.UTC(Number(is.slice(0, 4)), Number(is.slice(4, 6)) - 1, Number(is.slice(6)));
  const days = (was - now) / 86_400_000;
  expect(days).toBeGreaterThanOrEqual(1);
  expect(days).toBeLessThanOrEqual(365);
  const kept = deidentify(
    MADE.report.bytes,
    { dates: 'keep', characteristics: 'keep', uids: 'keep', device: 'keep' },
    names,
  );
  expect(of(kept.bytes, 'x00080020')).toBe('20240102');
  expect(of(kept.bytes, 'x00101010')).toBe('066Y');
  expect(of(kept.bytes, 'x00181000')).toBe(context.model.weightsSha256);
  expect(kept.sopInstanceUid).toBe(MADE.report.sopInstanceUid);
  expect(kept.bytes.includes('PLANTED')).toBe(false);
});

it('is found again by the map alone, which only its owner reads', () => {
  const folder = mkdtempSync(join(tmpdir(), 'automed-map-'));
  const path = join(folder, 'reidentification.db');
  const map = ReidentificationMap.open(path);
  const { replaced, bytes } = deidentify(MADE.report.bytes, REMOVE, new Pseudonyms(map.key));
  map.remember(replaced);
  map.remember(replaced);
  const modes = (): number[] => ['', '-wal', '-shm'].map((side) => statSync(`${path}${side}`).mode & 0o777);
  expect(modes()).toEqual([0o600, 0o600, 0o600]);
  // As another version left them, which did not end well.
  for (const side of ['', '-wal', '-shm']) chmodSync(`${path}${side}`, 0o644);
  const second = ReidentificationMap.open(path);
  expect(modes()).toEqual([0o600, 0o600, 0o600]);
  second.close();
  map.close();
  const again = ReidentificationMap.open(path);
  const id = of(bytes, 'x00100020') ?? '';
  expect(again.find(id)).toEqual([{ kind: 'patient', pseudonym: id, original: 'PLANTED-ID' }]);
  expect(again.find(of(bytes, 'x0020000d') ?? '')[0]?.original).toBe('1.2.826.0.1.3680043.8.498.1');
  expect(again.find('nobody')).toEqual([]);
  again.close();
  rmSync(folder, { recursive: true, force: true });
});
