// Objects as pydicom reads them, which shares no code with their writer.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { readSource, segmentationObject, type DrawnMasks } from '../../../services/dicom-results';
import * as concepts from '../../../services/dicom-results/report/concepts';
import { FAMILY } from '../../../services/dicom-results/shared/identity';
import { temporaryFolder } from '../../support/data';
import { crFile, ctFiles, type SeriesShape } from '../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../support/drawn-masks';
import { findPython } from '../../support/python';

const folder = temporaryFolder();
const { path: packages, missing } = findPython(
  ['pydicom', 'numpy'],
  ['pydicom==3.0.2', 'numpy'],
  join(folder, 'python'),
);

const python = (args: readonly string[], input = '') =>
  spawnSync('python3', args, { encoding: 'utf8', input, env: { ...process.env, PYTHONPATH: packages } });

if (missing !== undefined) process.stderr.write(`skipped: DICOM objects as pydicom reads them (${missing})\n`);
const check = missing === undefined ? test : test.skip;

/** Masks by segment and image, as read_back.py takes them. */
function byImage({ frames, structures }: DrawnMasks): object {
  return Object.fromEntries(
    structures.map(({ slices }, at) => [
      at + 1,
      Object.fromEntries(slices.flatMap((mask, slice) => (mask ? [[frames[slice]?.sopInstanceUid, [...mask]]] : []))),
    ]),
  );
}

const SHAPE: SeriesShape = { rows: 7, columns: 9, slices: 5 };
const AXIAL = ctFiles(SHAPE);

check.each<[string, Buffer[], number]>([
  ['ascending', AXIAL, 9],
  ['descending', AXIAL.toReversed(), 9],
  ['shuffled', [3, 0, 4, 2, 1].flatMap((slice) => AXIAL[slice] ?? []), 9],
  ['scanned against their normal', ctFiles({ ...SHAPE, step: [0, 0, -2.5] }), 9],
  ['sagittal', ctFiles({ ...SHAPE, across: [0, 1, 0], down: [0, 0, -1], step: [3, 0, 0] }), 9],
  ['oblique', ctFiles({ ...SHAPE, across: [0.36, 0.48, -0.8], down: [-0.8, 0.6, 0], step: [1.2, 1.6, 1.5] }), 9],
  ['of a tilted gantry', ctFiles({ ...SHAPE, step: [0, 0.4, 2.5] }), 9],
  ['a single one', ctFiles({ ...SHAPE, slices: 1 }), 2],
  ['a radiograph', [crFile({ rows: 7, columns: 9 })], 2],
])('each frame equals the mask of the image that it names: slices %s', (_, files, frames) => {
  const series = files.map((bytes) => readSource(bytes));
  const masks = series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);
  const object = segmentationObject(contextOf(series), masks);
  const paths = ['seg.dcm', 'masks.json', ...files.map((_bytes, at) => `${at}.dcm`)].map((name) => join(folder, name));
  [object?.bytes ?? '', JSON.stringify(byImage(masks)), ...files].forEach((bytes, at) => {
    writeFileSync(paths[at] ?? '', bytes);
  });
  const { stdout, stderr } = python([join(__dirname, 'read_back.py'), ...paths]);
  expect({ frames: Number(stdout), stderr }).toEqual({ frames, stderr: '' });
});

/** Codes whose meaning pydicom's dictionary spells otherwise, or which are in no group of PS3.16 that it holds. */
const OTHERWISE = new Set(['276214006', '{pixels}', 'mm']);

check('codes mean what PS3.16 says', () => {
  const codes = [...Object.values(concepts), FAMILY]
    .filter(({ scheme, value }) => scheme !== 'RFC5646' && !OTHERWISE.has(value))
    .map(({ scheme, value, meaning }) => [scheme, value, meaning]);
  const { stdout, stderr } = python([join(__dirname, 'codes.py')], JSON.stringify(codes));
  expect({ stdout, stderr }).toEqual({ stdout: '', stderr: '' });
});
