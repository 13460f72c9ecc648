// DICOM files whose names do not say what they are.

import { checkData } from '../../../../../services/checks/check-data';
import { pseudonym } from '../../../../../services/datasets/layouts/dicom-groups';
import { readData, taskOf } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { dicomFile, segmentationDicom } from '../../../../support/dicom';
import { SIDE, slice } from '../../../../support/dicom-slices';
import { discImage } from '../../../../support/stack-images';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const directory = dicomFile({ '00041220': ['SQ', []] });

test.each(['IM0001', '1.2.840.113619.2.5', 'MR.img', 'I1.001'])(
  '%s is told by content, and its patient kept',
  async (name) => {
    const bytes = slice({ patient: 'P1' });
    for (const first of [bytes, bytes.subarray(132)]) {
      const data = await readData({
        task: 'classification',
        data: writeTree(
          root,
          [`a/${name}`, first],
          ['b/study/X', slice({ patient: 'P2', frames: 2 })],
          ['DICOMDIR', directory],
          ['a/DICOMDIR', directory],
          ['a/notes.txt', 'nothing'],
        ),
      });
      expect(data).toMatchObject({ layout: 'dicom', groupColumn: 'PatientID', problems: [] });
      expect(data.parts.train.map((sample) => [sample.name, sample.group])).toEqual([
        [`a/${name}`, pseudonym('P1')],
        ['b/study/X#1', pseudonym('P2')],
        ['b/study/X#2', pseudonym('P2')],
      ]);
    }
  },
);

test('segmentations without extension are told, too', async () => {
  const seg = segmentationDicom({
    width: SIDE,
    height: SIDE,
    looked: ['1.1'],
    frames: [{ of: '1.1', foreground: [3] }],
  });
  const data = writeTree(root, ['images/IM1', slice({ uid: '1.1' })], ['masks/S1', seg]);
  expect(await taskOf({ data })).toBe('segmentation');
  expect(await readData({ task: 'segmentation', data })).toMatchObject({ layout: 'dicom', problems: [] });
});

test('pictures and other files without extension stay what they are', async () => {
  const { png } = await discImage(SIDE, SIDE, 1);
  const folder = writeTree(root, ['a/1.png', png], ['a/2', png], ['b/3.png', png], ['b/LOCK', '']);
  expect(await readData({ task: 'classification', data: folder })).toMatchObject({ layout: 'plain' });
});

test('a layout that knows no patients says that it reads DICOM files', async () => {
  const { png } = await discImage(SIDE, SIDE, 1);
  const folder = writeTree(
    root,
    ['a/IM1', slice()],
    ['a/2.dcm', slice()],
    ['b/3.png', png],
    ['b/IM4', slice()],
    ['manifest.csv', 'name,patient\nIM4,P4\n'],
  );
  const data = await readData({ task: 'classification', data: folder, layout: 'plain', groupColumn: 'patient' });
  const { findings } = await checkData(data);
  expect(findings.filter(({ message }) => message.includes('DICOM'))).toEqual([
    {
      kind: 'note',
      severity: 'warning',
      message:
        '2 pictures are DICOM files, whose patients the layout plain does not keep together, as the layout dicom does',
      names: ['a/2.dcm', 'a/IM1'],
    },
  ]);
});

test('a layout that knows no patients says so of DICOM files that are named like other pictures', async () => {
  const folder = writeTree(root, ['a/1.png', slice()], ['a/2.jpg', slice()], ['b/3.png', slice({ patient: 'P2' })]);
  const { findings = [], layout } = await readData({ task: 'classification', data: folder });
  expect([layout, findings.map(({ names }) => names)]).toEqual(['plain', [['a/1.png', 'a/2.jpg', 'b/3.png']]]);
});

test('DICOM files that nobody reads are counted, whatever they are called', async () => {
  const folder = writeTree(
    root,
    ['train/a/IM1', slice()],
    ['train/b/IM2', slice({ patient: 'P2' })],
    ['more/IM3', slice({ patient: 'P3' })],
    ['IM4', slice({ patient: 'P4' })],
  );
  const data = await readData({ task: 'classification', data: folder });
  expect(data.findings?.find(({ kind }) => kind === 'not-read')?.names).toEqual(['IM4', 'more/IM3']);
});
