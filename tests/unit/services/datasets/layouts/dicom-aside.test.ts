// What lies beside the images of a study, in one folder with them.

import { join } from 'node:path';
import { encodeMaskPng } from '../../../../../services/imaging/mask';
import { checkData } from '../../../../../services/checks/check-data';
import type { DataFolder } from '../../../../../services/datasets/samples/sample';
import { readData } from '../../../../../services/datasets/layouts/read-data';
import type { Task } from '../../../../../services/store';
import { temporaryFolder } from '../../../../support/data';
import { dicomFile, greyElements, segmentationDicom, type DicomElements } from '../../../../support/dicom';
import { SIDE, slice, type Slice } from '../../../../support/dicom-slices';
import { writeTree } from '../../../../support/tree';

const root = temporaryFolder();
const STORAGE = '1.2.840.10008.5.1.4.1.1.';
const SLIDE = `${STORAGE}77.1.6`;
const read = (data: string, task: Task = 'classification'): Promise<DataFolder> => readData({ task, data });
const names = ({ parts }: DataFolder): string[] => Object.values(parts).flatMap((part) => part.map(({ name }) => name));
const aside = async (data: DataFolder): Promise<{ message: string; names: string[] }[]> =>
  (await checkData(data)).findings
    .filter(({ kind }) => kind === 'left-out')
    .map((one) => ({ message: one.message, names: one.names }));

/** An object that names its kind, and has no pixels. */
function object(sopClass: string | undefined, modality: string, more: DicomElements = {}): Buffer {
  const kind: DicomElements = sopClass === undefined ? {} : { '00080016': ['UI', sopClass] };
  return dicomFile({ ...kind, '00080060': ['CS', modality], '00100020': ['LO', 'P1'], ...more });
}
const typed = (type: string, more: Slice = {}): Buffer =>
  slice({ ...more, more: { '00080008': ['CS', type], ...more.more } });
const images = (): [string, Buffer][] =>
  [1, 2, 3, 4].map((at) => [`${at % 2 ? 'a' : 'b'}/${at}.dcm`, slice({ patient: `P${at}` })]);

describe('objects without pictures', () => {
  const others: [string, Buffer][] = [
    ['a/report.dcm', object(`${STORAGE}88.11`, 'SR')],
    ['a/state.dcm', object(`${STORAGE}11.1`, 'PR')],
    ['a/key.dcm', object(`${STORAGE}88.59`, 'KO')],
    ['a/structures.dcm', object(`${STORAGE}481.3`, 'RTSTRUCT')],
    ['b/dose.dcm', slice({ more: { '00080016': ['UI', `${STORAGE}481.2`], '00080060': ['CS', 'RTDOSE'] } })],
    ['b/ecg.dcm', object(`${STORAGE}9.1.1`, 'ECG')],
    ['b/letter.dcm', object(`${STORAGE}104.1`, 'DOC')],
    ['b/siemens', object('1.3.12.2.1107.5.9.1', 'MR')],
    ['b/maker', object('1.2.276.0.1', 'OT')],
    ['b/nameless.dcm', object(undefined, 'KO')],
    [
      'b/drawn.dcm',
      segmentationDicom({ width: 8, height: 8, looked: ['1.1'], frames: [{ of: '1.1', foreground: [1] }] }),
    ],
  ];

  it('are left out and counted, whatever stands behind them, and no unreadable images', async () => {
    const padded = others.map(([path, bytes]): [string, Buffer] => [path, Buffer.concat([bytes, Buffer.alloc(33)])]);
    for (const beside of [others, padded]) {
      const data = await read(writeTree(root, ...images(), ...beside));
      expect(names(data).sort()).toEqual(['a/1.dcm', 'a/3.dcm', 'b/2.dcm', 'b/4.dcm']);
      expect(data.problems).toEqual([]);
      expect(await aside(data)).toEqual([
        {
          message: expect.stringContaining('11 DICOM objects that are no images are left out') as string,
          names: others.map(([path]) => path).sort(),
        },
      ]);
    }
  });

  it('are told from images that lost their pixels', async () => {
    const lost: [string, Buffer][] = [
      ['a/lost.dcm', dicomFile(greyElements({ width: 8, height: 8 }))],
      ['b/ct.dcm', object(`${STORAGE}2`, 'CT')],
      ['b/maker.dcm', dicomFile({ ...greyElements({ width: 8, height: 8 }), '00080016': ['UI', '1.2.276.0.1'] })],
    ];
    const data = await read(writeTree(root, ...images(), ...lost));
    expect(data.problems.map(({ name }) => name)).toEqual(lost.map(([path]) => path));
    expect(await aside(data)).toEqual([]);
  });

  it('are left out of CSV tables, too', async () => {
    const folder = writeTree(root, ...images(), ...others, [
      't.csv',
      ['image,label', 'a/1.dcm,x', 'b/2.dcm,y', 'a/report.dcm,x', 'b/siemens,y'].join('\n'),
    ]);
    const data = await read(join(folder, 't.csv'));
    expect(names(data)).toEqual(['a/1.dcm', 'b/2.dcm']);
    expect(data.problems).toEqual([]);
    expect((await aside(data))[0]?.names).toEqual(['a/report.dcm', 'b/siemens']);
  });

  it('are the reason where nothing else is there', async () => {
    const folder = writeTree(
      root,
      ['a/1.dcm', object(`${STORAGE}88.11`, 'SR')],
      ['b/2.dcm', object(`${STORAGE}4.2`, 'MR')],
    );
    await expect(read(folder)).rejects.toThrow('2 DICOM objects that are no images are left out');
  });
});

describe('pictures for orientation', () => {
  it('are left out and counted by their kind', async () => {
    const data = await read(
      writeTree(
        root,
        ...images(),
        ['a/label.dcm', typed('ORIGINAL\\PRIMARY\\LABEL\\NONE')],
        ['a/overview.dcm', typed('ORIGINAL\\PRIMARY\\OVERVIEW\\NONE')],
        ['b/scout.dcm', typed('ORIGINAL\\PRIMARY\\LOCALIZER\\CT_SOM5 TOP')],
        ['b/scout2.dcm', typed('ORIGINAL\\PRIMARY\\AXIAL\\localizer')],
        ['b/named.dcm', slice({ more: { '00480010': ['CS', 'YES'] } })],
        ['b/5.dcm', typed('ORIGINAL\\PRIMARY\\AXIAL', { patient: 'P5' })],
        ['b/6.dcm', typed('DERIVED\\LABEL', { patient: 'P6' })],
      ),
    );
    expect(names(data).sort()).toEqual(['a/1.dcm', 'a/3.dcm', 'b/2.dcm', 'b/4.dcm', 'b/5.dcm', 'b/6.dcm']);
    expect(await aside(data)).toEqual([
      {
        message: '5 DICOM pictures are left out by Image Type: 2 LABEL, 2 LOCALIZER, 1 OVERVIEW',
        names: ['a/label.dcm', 'a/overview.dcm', 'b/named.dcm', 'b/scout.dcm', 'b/scout2.dcm'],
      },
    ]);
  });

  it('need no mask', async () => {
    const mask = await encodeMaskPng(new Uint8Array(SIDE * SIDE).fill(1, 3, 9), SIDE, SIDE);
    const data = await read(
      writeTree(
        root,
        ['images/1.dcm', slice()],
        ['images/2.dcm', slice({ patient: 'P2' })],
        ['images/scout.dcm', typed('ORIGINAL\\PRIMARY\\LOCALIZER')],
        ['images/scout2.dcm', typed('ORIGINAL\\PRIMARY\\LOCALIZER')],
        ['images/report.dcm', object(`${STORAGE}88.33`, 'SR')],
        ['masks/1.png', mask],
        ['masks/2.png', mask],
        ['masks/scout2.png', mask],
      ),
      'segmentation',
    );
    expect(names(data)).toEqual(['images/1.dcm', 'images/2.dcm']);
    expect(data.problems).toEqual([]);
    expect((await aside(data)).map((one) => one.names.length)).toEqual([1, 2]);
  });
});

describe('levels of a slide', () => {
  const level = (series: string, side: number, more: Slice = {}): Buffer =>
    slice({
      width: side,
      height: side,
      values: Array.from({ length: side * side * (more.frames ?? 1) }, (_, at) => (at * 13 + series.length) % 251),
      ...more,
      more: { '00080016': ['UI', SLIDE], '0020000e': ['UI', series], ...more.more },
    });

  it('are one sample, the largest, unless they are of several series', async () => {
    const data = await read(
      writeTree(
        root,
        ['a/1/level0.dcm', level('1.1', 8, { frames: 4 })],
        ['a/1/level1.dcm', level('1.1', 12)],
        ['a/1/level2.dcm', level('1.1', 6)],
        ['b/2/level1.dcm', level('1.22', 12, { patient: 'P2' })],
        ['b/3/other.dcm', level('1.333', 6, { patient: 'P3' })],
      ),
    );
    expect(names(data)).toEqual([
      ...[1, 2, 3, 4].map((frame) => `a/1/level0.dcm#${frame}`),
      'b/2/level1.dcm',
      'b/3/other.dcm',
    ]);
    expect(await aside(data)).toEqual([
      {
        message: '2 DICOM pictures are left out: another level of the same slide is there',
        names: ['a/1/level1.dcm', 'a/1/level2.dcm'],
      },
    ]);
  });

  it('are compared by their whole matrix, and files of one level belong together', async () => {
    const matrix = (columns: number): Slice => ({ more: { '00480006': ['UL', [columns]], '00480007': ['UL', [16]] } });
    const data = await read(
      writeTree(
        root,
        ['a/left.dcm', level('1.1', 8, matrix(32))],
        ['a/right.dcm', level('1.1', 6, matrix(32))],
        ['a/small.dcm', level('1.1', 10, matrix(16))],
        ['b/1.dcm', slice({ patient: 'P2' })],
      ),
    );
    expect(names(data)).toEqual(['a/left.dcm', 'a/right.dcm', 'b/1.dcm']);
  });

  it('are samples of a segmentation at the size at which somebody drew', async () => {
    const mask = await encodeMaskPng(new Uint8Array(36).fill(1, 3, 9), 6, 6);
    const data = await read(
      writeTree(
        root,
        ['images/level0.dcm', level('1.1', 12)],
        ['images/level1.dcm', level('1.1', 8)],
        ['images/level2.dcm', level('1.1', 6)],
        ['images/undrawn0.dcm', level('1.22', 8)],
        ['images/undrawn1.dcm', level('1.22', 6)],
        ['masks/level2.png', mask],
      ),
      'segmentation',
    );
    expect(names(data)).toEqual(['images/level2.dcm']);
    expect(data.problems).toEqual([{ name: 'images/undrawn0.dcm', problem: 'has no mask in masks/', lacks: 'mask' }]);
    expect((await aside(data))[0]?.names).toEqual(['images/level0.dcm', 'images/level1.dcm', 'images/undrawn1.dcm']);
  });
});
