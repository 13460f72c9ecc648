// Pictures of one patient, whatever the headers call him.

import { checkData } from '../../../../../services/checks/check-data';
import type { DataFolder } from '../../../../../services/datasets/samples/sample';
import { pseudonym } from '../../../../../services/datasets/layouts/dicom-groups';
import { readData } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import type { DicomElements } from '../../../../support/dicom';
import { slice, type Slice } from '../../../../support/dicom-slices';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();

const read = (slices: readonly Slice[], groupColumn?: string): Promise<DataFolder> =>
  readData({
    task: 'classification',
    data: writeTree(
      root,
      ...slices.map((one, at): [string, Buffer] => [`${at % 2 ? 'b' : 'a'}/${at}.dcm`, slice(one)]),
    ),
    groupColumn,
  });
/** Groups in the order of the slices. */
const groups = ({ parts }: DataFolder): (string | undefined)[] =>
  [...parts.train].sort((a, b) => parseInt(a.name.slice(2)) - parseInt(b.name.slice(2))).map(({ group }) => group);
const messages = async (data: DataFolder): Promise<string[]> =>
  (await checkData(data)).findings.map(({ message }) => message);

test('of one study are of one patient, whatever ids they bear', async () => {
  const data = await read([
    { patient: 'P1', study: '1.1' },
    { patient: 'P2', study: '1.1' },
    { patient: 'P3', study: '1.2' },
    { patient: 'P4', study: '1.3' },
  ]);
  expect(groups(data)).toEqual(['P1', 'P1', 'P3', 'P4'].map(pseudonym));
  expect(await messages(data)).toContain('1 study has pictures of several patient ids: kept together as one patient');
});

test('of one study are of one patient where some bear no id', async () => {
  const data = await read([
    { patient: '', study: '1.1' },
    { patient: 'P1', study: '1.1' },
    { patient: '', study: '1.2' },
    { patient: 'P3', study: '1.3' },
  ]);
  expect(groups(data)).toEqual(['P1', 'P1', '1.2', 'P3'].map(pseudonym));
  expect(await messages(data)).toContain(
    '1 study has pictures with and without a patient id: kept together as one patient',
  );
});

test('are linked through any number of ids and studies, in any order', async () => {
  const chain: Slice[] = [
    { patient: 'P9', study: '1.4' },
    { patient: 'P2', study: '1.1' },
    { patient: 'P9', study: '1.3' },
    { patient: 'P5', study: '1.1' },
    { patient: 'P5', study: '1.3' },
    { patient: 'P7', study: '1.7' },
  ];
  for (const slices of [chain, [...chain].reverse()]) {
    const own = groups(await read(slices));
    expect(own).toEqual(slices.map(({ patient }) => pseudonym(patient === 'P7' ? 'P7' : 'P2')));
  }
});

test('keep their ids where all bear one study, which tells nothing', async () => {
  const data = await read(['P1', 'P2', 'P3', ''].map((patient) => ({ patient, study: '1.1' })));
  expect(groups(data)).toEqual(['P1', 'P2', 'P3', '1.1'].map(pseudonym));
  expect(data.notes).toEqual([expect.stringContaining('bear one StudyInstanceUID, but several patient ids')]);
});

test('are grouped by studies alone where that is asked for', async () => {
  const slices = [
    { patient: 'P1', study: '1.1' },
    { patient: 'P1', study: '1.2' },
    { patient: 'P2', study: '1.2' },
  ];
  expect(groups(await read(slices, 'StudyInstanceUID'))).toEqual(['1.1', '1.2', '1.2'].map(pseudonym));
  expect(groups(await read(slices, 'PatientID'))).toEqual(['P1', 'P1', 'P1'].map(pseudonym));
});

test('have one id in two character sets', async () => {
  const named = (id: Buffer, set: string): DicomElements => ({ '00100020': ['LO', id], '00080005': ['CS', set] });
  const data = await read([
    { study: '1.1', more: named(Buffer.from('MÜLLER', 'latin1'), 'ISO_IR 100') },
    { study: '1.2', more: named(Buffer.from('MÜLLER'), 'ISO_IR 192') },
    { patient: 'P3' },
  ]);
  expect(groups(data)).toEqual(['MÜLLER', 'MÜLLER', 'P3'].map(pseudonym));
});

test('are kept together and named where ids differ in case or zeros only, but nobody is', async () => {
  const data = await read([{ patient: 'P1', study: '1.1' }, { patient: 'p1', study: '1.2' }, { patient: 'P3' }]);
  const { findings } = await checkData(data);
  expect(findings.find(({ kind }) => kind === 'group-spelling')).toMatchObject({ names: ['a/0.dcm', 'b/1.dcm'] });
  expect(new Set(groups(data)).size).toBe(2);
  expect(JSON.stringify(findings)).not.toMatch(/[Pp][13]\b/);
});

test('without an id are named where others have one: a split may separate one patient', async () => {
  const data = await read([
    { patient: 'P1', study: '1.1' },
    { patient: '', study: '1.2' },
    { patient: '', study: '1.3' },
    { patient: '', study: '1.1' },
    { patient: 'P2', study: '1.4' },
  ]);
  const { findings } = await checkData(data);
  expect(findings.find(({ kind }) => kind === 'group-missing')).toMatchObject({
    severity: 'warning',
    message: expect.stringMatching(/^2 of 5 DICOM pictures have no patient id/),
    names: ['a/2.dcm', 'b/1.dcm'],
  });
});
