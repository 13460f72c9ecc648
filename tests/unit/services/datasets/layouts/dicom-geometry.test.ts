// Segmentations in grids of their own, as a data set gives them to training.

import { join } from 'node:path';
import { checkData } from '../../../../../services/checks/check-data';
import type { DataFolder } from '../../../../../services/datasets/samples/sample';
import { decodeSample } from '../../../../../services/datasets/load/load-samples';
import { listSamples } from '../../../../../services/datasets/split/divide';
import { readData, taskOf } from '../../../../../services/datasets/layouts/read-data';
import { temporaryFolder } from '../../../../support/data';
import { planeGroups, segmentationDicom, type DicomElements } from '../../../../support/dicom';
import { SIDE, slice } from '../../../../support/dicom-slices';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const FRAME_OF_REFERENCE: DicomElements = { '00200052': ['UI', '1.9.9'] };
const plane = (z: number): DicomElements => ({
  ...FRAME_OF_REFERENCE,
  '00200032': ['DS', `0\\0\\${z}`],
  '00200037': ['DS', '1\\0\\0\\0\\1\\0'],
  '00280030': ['DS', '1\\1'],
});
const far = SIDE - 1;
/** Turned by half a turn, over the image of z = 1; `off` millimetres beside its place. */
const turned = (off = 0): DicomElements => planeGroups(`${far + off}\\${far}\\1`, '-1\\0\\0\\0\\-1\\0', '1\\1');
const drawn = (groups: DicomElements): Buffer =>
  segmentationDicom({
    width: SIDE,
    height: SIDE,
    looked: ['1.1'],
    frames: [{ of: '1.1', foreground: [SIDE * SIDE - 1 - 10], groups }],
    more: FRAME_OF_REFERENCE,
  });
const images: [string, Buffer][] = [
  ['images/1.dcm', slice({ uid: '1.1', more: plane(1) })],
  ['images/2.dcm', slice({ uid: '1.1.2', frames: 2, more: { ...plane(1), '52009230': ['SQ', [0, 1].map(frameAt)] } })],
];

function frameAt(frame: number): DicomElements {
  return { '00209113': ['SQ', [{ '00200032': ['DS', `0\\0\\${frame + 1}`] }]] };
}

const read = (data: string): Promise<DataFolder> => readData({ task: 'segmentation', data });

test('a mask in a turned grid is turned to the grid of its image, frame by frame', async () => {
  const ofFrames = segmentationDicom({
    width: SIDE,
    height: SIDE,
    looked: ['1.1.2'],
    frames: [1, 2].map((frame) => ({
      of: '1.1.2',
      frame,
      foreground: [SIDE * SIDE - 1 - frame],
      groups: planeGroups(`${far}\\${far}\\${frame}`, '-1\\0\\0\\0\\-1\\0', '1\\1'),
    })),
    more: FRAME_OF_REFERENCE,
  });
  const folder = writeTree(
    root,
    ...images,
    ['masks/s1.dcm', drawn(turned())],
    ['masks/s2.dcm', ofFrames],
    ['t.csv', 'image,mask\nimages/1.dcm,masks/s1.dcm\nimages/2.dcm,masks/s2.dcm\n'],
  );
  for (const data of [folder, join(folder, 't.csv')]) {
    const { parts, problems } = await read(data);
    expect(problems).toEqual([]);
    const masks = await Promise.all(parts.train.map(async (sample) => (await decodeSample(sample)).masks!));
    expect(masks.map((mask) => [...mask].flatMap((value, at) => (value ? at : [])))).toEqual([[10], [1], [2]]);
  }
});

test('where no segmentation can be read the reasons are named, and each pair counts once', async () => {
  const surface = segmentationDicom({
    width: SIDE,
    height: SIDE,
    looked: ['1.1'],
    frames: [{ of: '1.1', foreground: [1] }],
    more: { '00620001': ['CS', 'SURFACE'] },
  });
  const data = writeTree(root, images[0]!, ['masks/f.dcm', surface]);
  expect(await taskOf({ data })).toBe('segmentation');
  const request = { masksDir: undefined, groupColumn: undefined, validationFraction: 0.25, seed: 1, strict: false };
  await expect(listSamples({ task: 'segmentation', data, ...request })).rejects.toThrow(
    'masks/f.dcm: The DICOM segmentation is neither binary nor fractional nor a label map',
  );
  const good: [string, Buffer][] = [2, 3, 4, 5].flatMap((at): [string, Buffer][] => [
    [`images/g${at}.dcm`, slice({ patient: `P${at}`, uid: `2.${at}` })],
    [
      `masks/g${at}.dcm`,
      segmentationDicom({
        width: SIDE,
        height: SIDE,
        looked: [`2.${at}`],
        frames: [{ of: `2.${at}`, foreground: [at] }],
      }),
    ],
  ]);
  const { findings } = await checkData(await read(writeTree(root, images[0]!, ['masks/f.dcm', surface], ...good)));
  expect(findings.filter(({ kind }) => kind === 'many-unusable')).toEqual([]);
});

test('a mask between the pixels of its image is refused, with its file and its geometry', async () => {
  const data = await read(writeTree(root, images[0]!, ['masks/drawn.dcm', drawn(turned(0.5))]));
  const { findings } = await checkData(data);
  expect(findings.find(({ kind }) => kind === 'unusable')?.message).toMatch(
    /^images\/1\.dcm: its mask cannot be used: drawn\.dcm: .*shifted by [0-9.]+ x [0-9.]+ pixels/,
  );
});

test('tiles of a segmentation are laid on the tiles of a slide by where they lie', async () => {
  const level: DicomElements = { '00480006': ['UL', [2 * SIDE]], '00480007': ['UL', [SIDE]] };
  const right = { '0048021a': ['SQ', [{ '0048021e': ['SL', [SIDE + 1]], '0048021f': ['SL', [1]] }]] } as const;
  const more: DicomElements = { ...level, '00209311': ['CS', 'TILED_FULL'] };
  const folder = writeTree(
    root,
    ['images/slide.dcm', slice({ uid: '7.1', frames: 2, more })],
    [
      'masks/s.dcm',
      segmentationDicom({
        width: SIDE,
        height: SIDE,
        looked: ['7.1'],
        frames: [{ of: '7.1', foreground: [3], groups: right }],
        more: level,
      }),
    ],
  );
  const { parts, problems } = await read(folder);
  expect(problems).toEqual([]);
  const masks = await Promise.all(parts.train.map(async (sample) => (await decodeSample(sample)).masks!));
  expect(masks.map((mask) => [...mask].flatMap((value, at) => (value ? at : [])))).toEqual([[], [3]]);
});
