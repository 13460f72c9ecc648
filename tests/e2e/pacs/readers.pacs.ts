// Results as readers of others have them, which share no code with their writer: dcmqi (on ITK) segmentations, dcmtk presentation states.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  presentationObject,
  readSource,
  segmentationObject,
  type DrawnMasks,
  type SourceImage,
} from '../../../services/dicom-results';
import type { Corner } from '../../../services/dicom-results/presentation/outline';
import { temporaryFolder } from '../../support/data';
import { crFile, ctFiles, sliceUid, type SeriesShape, type Vector } from '../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../support/drawn-masks';
import { filled } from '../../support/outlines';
import { apart, installApart } from './apart';

const why = installApart('readers');
if (why !== undefined) process.stderr.write(`SKIPPED: results as dcmqi and dcmtk read them: ${why}\n`);

const folder = temporaryFolder();
const SHAPE: SeriesShape = { rows: 64, columns: 72, slices: 5 };
const SAGITTAL: SeriesShape = { ...SHAPE, across: [0, 1, 0], down: [0, 0, -1], step: [3, 0, 0] };
const OBLIQUE: SeriesShape = { ...SHAPE, across: [0.36, 0.48, -0.8], down: [-0.8, 0.6, 0], step: [1.2, 1.6, 1.5] };
const AXIAL = ctFiles(SHAPE);

interface Task {
  read: 'segments' | 'outlines';
  object: Buffer;
  image?: Buffer;
}

/** Answers of the readers, one for each task. */
function read(tasks: readonly Task[]): unknown[] {
  let count = 0;
  const file = (bytes: Buffer): string => {
    const path = join(folder, `${count++}.dcm`);
    writeFileSync(path, bytes);
    return path;
  };
  const [asked, found] = [join(folder, 'tasks.json'), join(folder, 'found.json')];
  const named = tasks.map(({ image, object, ...task }) => ({
    ...task,
    object: file(object),
    ...(image && { image: file(image) }),
  }));
  writeFileSync(asked, JSON.stringify(named));
  const { status, stdout, stderr } = spawnSync(process.execPath, ['read.mjs', asked, found], {
    cwd: apart('readers'),
    encoding: 'utf8',
  });
  expect({ status, said: status === 0 ? '' : stdout + stderr }).toEqual({ status: 0, said: '' });
  return JSON.parse(readFileSync(found, 'utf8')) as unknown[];
}

const place = (position: readonly number[]): string => position.map((mm) => (mm + 0).toFixed(3)).join(' ');

/** Where in the patient the middle of each pixel that was drawn on is, by the shape of the series alone. */
function places(
  { frames }: DrawnMasks,
  slices: DrawnMasks['structures'][number]['slices'],
  shape: SeriesShape,
): string[] {
  const { columns, across = [1, 0, 0], down = [0, 1, 0], step = [0, 0, 2.5] } = shape;
  const [origin, [downMm, acrossMm]]: [Vector, readonly [number, number]] = [
    [-10, -20, 30],
    [0.7, 0.6],
  ];
  return frames.flatMap(({ sopInstanceUid }, at) => {
    const slice = Array.from({ length: shape.slices }, (_, each) => sliceUid(each)).indexOf(sopInstanceUid);
    return [...(slices[at] ?? [])].flatMap((value, pixel) => {
      const [row, column] = [Math.floor(pixel / columns), pixel % columns];
      const mm = (axis: 0 | 1 | 2): number =>
        origin[axis] + slice * step[axis] + column * acrossMm * across[axis] + row * downMm * down[axis];
      return value === 1 ? [place([mm(0), mm(1), mm(2)])] : [];
    });
  });
}

const drawnOn = (series: readonly SourceImage[]): DrawnMasks =>
  series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);

(why === undefined ? describe : describe.skip)('results as others read them', () => {
  let pixels = 0;
  afterAll(() =>
    process.stdout.write(`pixels of masks that are the same in dcmqi and dcmtk as they were drawn: ${pixels}\n`),
  );

  it.each<[string, Buffer[], SeriesShape]>([
    ['ascending', AXIAL, SHAPE],
    ['descending', AXIAL.toReversed(), SHAPE],
    ['shuffled', [3, 0, 4, 2, 1].flatMap((slice) => AXIAL[slice] ?? []), SHAPE],
    ['scanned against their normal', ctFiles({ ...SHAPE, step: [0, 0, -2.5] }), { ...SHAPE, step: [0, 0, -2.5] }],
    ['sagittal', ctFiles(SAGITTAL), SAGITTAL],
    ['oblique', ctFiles(OBLIQUE), OBLIQUE],
  ])('dcmqi has each structure where in the patient it was drawn, and its code: slices %s', (_, files, shape) => {
    const series = files.map((bytes) => readSource(bytes));
    const masks = drawnOn(series);
    const { bytes } = segmentationObject(contextOf(series), masks) ?? { bytes: Buffer.alloc(0) };
    const [found] = read([{ read: 'segments', object: bytes }]) as [
      { name: string; code: string; positions: number[][] }[],
    ];
    expect(found.map(({ name, code }) => [name, code])).toEqual([
      ['liver', 'SCT 10200004'],
      ['lesion', 'SCT 52988006'],
    ]);
    for (const [at, { name, slices }] of masks.structures.entries()) {
      const drawn = places(masks, slices, shape).sort();
      expect({ name, places: found[at]?.positions.map(place).sort() }).toEqual({ name, places: drawn });
      pixels += drawn.length;
    }
  });

  it.each<[string, Buffer[]]>([
    ['a stack', AXIAL.toReversed()],
    ['an oblique stack', ctFiles(OBLIQUE)],
    ['a radiograph', [crFile(SHAPE)]],
  ])('dcmtk has the outlines of a presentation state where they were drawn: %s', (_, files) => {
    const series = files.map((bytes) => readSource(bytes));
    const masks = drawnOn(series);
    const { bytes } = presentationObject(contextOf(series), masks) ?? { bytes: Buffer.alloc(0) };
    const tasks = masks.frames.map(({ sopInstanceUid }): Task => {
      const image = files[series.findIndex((each) => each.sopInstanceUid === sopInstanceUid)];
      return { read: 'outlines', object: bytes, ...(image && { image }) };
    });
    const found = read(tasks) as { name: string; outlines: Corner[][] }[][];
    for (const [frame, layers] of found.entries()) {
      for (const { name, slices } of masks.structures) {
        const outlines = layers.find((layer) => layer.name === name)?.outlines ?? [];
        const size = SHAPE.rows * SHAPE.columns;
        const drawn = [...(slices[frame] ?? new Uint8Array(size))];
        expect({ frame, name, seen: filled(outlines, SHAPE.columns, size) }).toEqual({ frame, name, seen: drawn });
        pixels += size;
      }
    }
  });
});
