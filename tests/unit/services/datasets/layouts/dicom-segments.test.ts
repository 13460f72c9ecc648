// Segmentations of several segments, files and frames, as a data set gives them to training.

import { checkData, type DataReport } from '../../../../../services/checks/check-data';
import { readData, type DataSource } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { segmentationDicom, type DicomElements, type DrawnFrame } from '../../../../support/dicom';
import { SIDE, slice } from '../../../../support/dicom-slices';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const IMAGES = [1, 2, 3, 4];
const uid = (at: number): string => `7.${at}`;
const images = IMAGES.map((at): [string, Buffer] => [`images/${at}.dcm`, slice({ patient: `P${at}`, uid: uid(at) })]);
const segment = (number: number): DicomElements => ({
  '0062000a': ['SQ', [{ '0062000b': ['US', [number]] }]],
});
const numbered = (...numbers: number[]): DicomElements => ({
  '00620002': ['SQ', numbers.map((number) => ({ '00620004': ['US', [number]] as const }))],
});
const drawn = (frames: readonly DrawnFrame[], more: DicomElements = {}): Buffer =>
  segmentationDicom({ width: SIDE, height: SIDE, looked: IMAGES.map(uid), frames, more: { ...numbered(1), ...more } });

/** The report, and of each image the pixels of its mask. */
async function check(
  files: readonly [string, Buffer][],
  more: Partial<DataSource> = {},
): Promise<{ report: DataReport; masks: Record<string, number[]> }> {
  const data = await readData({ task: 'segmentation', data: writeTree(root, ...images, ...files), ...more });
  const masks: Record<string, number[]> = {};
  const report = await checkData(data, {
    onSample: (seen) => {
      masks[seen.sample.name] = [...(seen.masks ?? [])].flatMap((value, at) => (value ? at : []));
    },
  });
  return { report, masks };
}

const messages = ({ findings }: DataReport): string[] => findings.map(({ message }) => message);

test('segments are named, united, or chosen by their numbers', async () => {
  const frames = IMAGES.flatMap((at) => [
    { of: uid(at), foreground: [at], groups: segment(1) },
    { of: uid(at), foreground: [20 + at], groups: segment(2) },
  ]);
  const files: [string, Buffer][] = [['masks/s.dcm', drawn(frames, numbered(1, 2))]];
  const all = await check(files);
  expect(all.report.masks).toBe('segmentation, foreground = segment 1, segment 2 (4 masks)');
  expect(all.masks['images/3.dcm']).toEqual([3, 23]);
  const second = await check(files, { maskValues: '2' });
  expect(second.report.masks).toBe('segmentation, foreground = segment 2 (4 masks)');
  expect(second.masks['images/3.dcm']).toEqual([23]);
  const third = await check(files, { maskValues: '3' });
  expect(messages(third.report)).toContainEqual(expect.stringMatching(/it has the segments 1, 2, and 3 names none/));
});

const labelled: DicomElements = {
  '00620002': [
    'SQ',
    ['Liver', 'Leber\xe4der'].map((label, at): DicomElements => ({
      '00620004': ['US', [at + 1]],
      '00620005': ['LO', label],
    })),
  ],
  '00080005': ['CS', 'ISO_IR 100'],
};

test('segments are chosen by their labels, in the character set of the file', async () => {
  const frames = IMAGES.flatMap((at) => [
    { of: uid(at), foreground: [at], groups: segment(1) },
    { of: uid(at), foreground: [20 + at], groups: segment(2) },
  ]);
  const files: [string, Buffer][] = [['masks/s.dcm', drawn(frames, labelled)]];
  const liver = await check(files, { maskValues: 'label:LIVER' });
  expect([liver.report.masks, liver.masks['images/3.dcm']]).toEqual([
    'segmentation, foreground = segment 1 (4 masks)',
    [3],
  ]);
  expect((await check(files, { maskValues: 'label:leberäder' })).masks['images/3.dcm']).toEqual([23]);
  expect((await check(files, { maskValues: '1,label:Leberäder' })).masks['images/3.dcm']).toEqual([3, 23]);
  const none = await check(files, { maskValues: 'label:spleen' });
  expect(messages(none.report)).toContainEqual(
    expect.stringContaining('it has the segments 1 (Liver), 2 (Leberäder), and label:spleen names none'),
  );
});

test('structures are told by labels, one for each', async () => {
  const frames = IMAGES.flatMap((at) => [
    { of: uid(at), foreground: [at], groups: segment(1) },
    { of: uid(at), foreground: [20 + at], groups: segment(2) },
  ]);
  const structures = [
    { name: 'liver', masks: 'masks' },
    { name: 'vein', masks: 'masks' },
  ];
  const more = { structures, maskValues: 'vein=label:Leberäder,liver=label:Liver' };
  const { masks } = await check([['masks/s.dcm', drawn(frames, labelled)]], more);
  expect(masks['images/2.dcm']).toEqual([2, SIDE * SIDE + 22]);
});

/** Values of one image each, in bytes. */
function bytewise(values: (at: number) => Record<number, number>, more: DicomElements): Buffer {
  const pixels = Buffer.alloc(SIDE * SIDE * IMAGES.length);
  IMAGES.forEach((at, frame) => {
    for (const [pixel, value] of Object.entries(values(at))) pixels[frame * SIDE * SIDE + Number(pixel)] = value;
  });
  const frames = IMAGES.map((at) => ({ of: uid(at), foreground: [], groups: segment(1) }));
  const eight = { '00280100': ['US', [8]], '00280101': ['US', [8]], '00280102': ['US', [7]] } as const;
  return drawn(frames, { ...eight, ...more, '7fe00010': ['OB', pixels] });
}

test('fractions count from half of their maximum on, which need not be 255', async () => {
  const fractions = (maximum: number): Buffer =>
    bytewise((at) => ({ [at]: 49, [10 + at]: 50, [20 + at]: 100 }), {
      '00620001': ['CS', 'FRACTIONAL'],
      '00620010': ['CS', 'PROBABILITY'],
      '0062000e': ['US', [maximum]],
    });
  expect((await check([['masks/s.dcm', fractions(100)]])).masks['images/3.dcm']).toEqual([13, 23]);
  expect((await check([['masks/s.dcm', fractions(200)]])).masks['images/3.dcm']).toEqual([23]);
  const beyond = await check([['masks/s.dcm', fractions(99)]]);
  expect(messages(beyond.report)).toContainEqual(expect.stringContaining('holds the fraction 100 of at most 99'));
  const silent = await check([['masks/s.dcm', fractions(0)]]);
  expect(messages(silent.report)).toContainEqual(expect.stringContaining('no valid maximum fractional value'));
});

test('label maps are united, or chosen from, without their background', async () => {
  const labels = (more: DicomElements): Buffer =>
    bytewise((at) => ({ 0: 7, [at]: 1, [10 + at]: 2 }), { '00620001': ['CS', 'LABELMAP'], ...labelled, ...more });
  const named: DicomElements = {
    '00280120': ['US', [7]],
    '00620002': [
      'SQ',
      ['Background', 'Liver', 'Vein', 'None'].map((label, at): DicomElements => ({
        '00620004': ['US', [[7, 1, 2, 0][at] ?? 0]],
        '00620005': ['LO', label],
      })),
    ],
  };
  const files: [string, Buffer][] = [['masks/s.dcm', labels(named)]];
  const vein = await check(files, { maskValues: 'label:vein' });
  expect([vein.report.masks, vein.masks['images/3.dcm']]).toEqual([
    'segmentation, foreground = segment 2 (4 masks)',
    [13],
  ]);
  // 0 is a segment here, and 7 none.
  const all = (await check(files)).masks['images/3.dcm'] ?? [];
  expect([all.length, all.includes(0)]).toEqual([SIDE * SIDE - 1, false]);
  const unknown = await check([['masks/s.dcm', labels({})]]);
  expect(messages(unknown.report)).toContainEqual(
    expect.stringContaining('holds the value 7, which is none of its segments'),
  );
});

test('frames that each name every image are refused where no plane tells them apart', async () => {
  const every: DicomElements = {
    '00089124': ['SQ', [{ '00082112': ['SQ', IMAGES.map((at) => ({ '00081155': ['UI', uid(at)] as const }))] }]],
  };
  const frames = IMAGES.map((at) => ({ of: uid(at), foreground: [at], groups: { ...segment(1), ...every } }));
  const { report, masks } = await check([['masks/s.dcm', drawn(frames)]]);
  expect(masks).toEqual({});
  expect(messages(report)).toContainEqual(expect.stringMatching(/names several images with each of several frames/));
  // One frame of several images, such as those of one place in two sequences, is of all of them.
  const one = await check([['masks/s.dcm', drawn(frames.slice(0, 1))]]);
  expect(Object.values(one.masks)).toEqual([[1], [1], [1], [1]]);
});

test('a segmentation of several files is read whole, or not at all', async () => {
  const part = (...which: number[]): Buffer =>
    drawn(
      which.map((at) => ({ of: uid(at), foreground: [at], groups: segment(1) })),
      { '00209161': ['UI', '7.7.7'], '00209163': ['US', [2]] },
    );
  const whole = await check([
    ['masks/a.dcm', part(1, 2)],
    ['masks/b.dcm', part(3, 4)],
  ]);
  expect(Object.values(whole.masks)).toEqual([[1], [2], [3], [4]]);
  const half = await check([['masks/a.dcm', part(1, 2)]]);
  expect(half.masks).toEqual({});
  expect(messages(half.report)).toContainEqual(
    'masks/a.dcm: is one of the 2 files of a segmentation, of which 1 is there',
  );
});

test('several segmentations of one picture are united, and said to be', async () => {
  const frames = (off: number): DrawnFrame[] =>
    IMAGES.map((at) => ({ of: uid(at), foreground: [at + off], groups: segment(1) }));
  const { report, masks } = await check([
    ['masks/a.dcm', drawn(frames(0))],
    ['masks/b.dcm', drawn(frames(30))],
  ]);
  expect(masks['images/2.dcm']).toEqual([2, 32]);
  expect(messages(report)).toContainEqual(
    '4 pictures have several segmentations, whose foreground is united (a.dcm, b.dcm of images/1.dcm)',
  );
});
