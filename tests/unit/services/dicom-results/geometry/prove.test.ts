import {
  proveGeometry,
  readSource,
  ResultError,
  segmentationObject,
  stackOf,
  type DrawnMasks,
  type SourceImage,
} from '../../../../../services/dicom-results';
import { crFile, ctSeries, sliceUid, type SeriesShape, type Vector } from '../../../../support/dicom-series';
import { contextOf, drawnOn, drawnOnFrames, drawnOnStack, growing } from '../../../../support/drawn-masks';

const SIZE = { rows: 6, columns: 8, slices: 5 };
const AXES: readonly Vector[] = [
  [1, 0, 0],
  [0, 1, 0],
  [0, 0, 1],
];
const times = (vector: Vector, by: number): Vector => [vector[0] * by, vector[1] * by, vector[2] * by];

/** All ways in which the grid's axes can be those of the patient: 6 permutations of 8 flips. */
const ORIENTATIONS = [0, 1, 2].flatMap((across) =>
  [0, 1, 2]
    .filter((down) => down !== across)
    .flatMap((down) =>
      Array.from({ length: 8 }, (_, flips): [string, SeriesShape] => {
        const [x, y, z] = [across, down, 3 - across - down].map((axis, bit) =>
          times(AXES[axis] ?? [0, 0, 0], (flips >> bit) & 1 ? -1 : 1),
        );
        if (!x || !y || !z) throw new Error('no axes');
        const step = times(z, 2.5);
        return [`${x.join(' ')} / ${y.join(' ')} / ${step.join(' ')}`, { ...SIZE, across: x, down: y, step }];
      }),
    ),
);

/** Masks in the order of scanning, with an affine written down from the shape alone. */
function scanned(series: readonly SourceImage[], shape: SeriesShape): DrawnMasks {
  const {
    across = [1, 0, 0],
    down = [0, 1, 0],
    step = [0, 0, 2.5],
    spacing = [0.7, 0.6],
    origin = [-10, -20, 30],
  } = shape;
  const frames = Array.from({ length: shape.slices }, (_, slice) => ({ sopInstanceUid: sliceUid(slice), frame: 1 }));
  const rows = [0, 1, 2].map((axis) => [
    (across[axis] ?? 0) * spacing[1],
    (down[axis] ?? 0) * spacing[0],
    step[axis] ?? 0,
    origin[axis] ?? 0,
  ]);
  return { ...drawnOn(series, frames), affine: [...rows.flat(), 0, 0, 0, 1] };
}

function bytesOf(series: readonly SourceImage[], masks: DrawnMasks): Buffer {
  const object = segmentationObject(contextOf(series), masks);
  if (!object) throw new Error('nothing was drawn');
  return object.bytes;
}

function fault(bytes: Buffer, series: readonly SourceImage[], masks: DrawnMasks): string | undefined {
  try {
    proveGeometry(bytes, { series }, masks);
    return undefined;
  } catch (error) {
    if (!(error instanceof ResultError)) throw error;
    return `${error.defect}: ${error.message}`;
  }
}

const shuffle = (series: readonly SourceImage[]): SourceImage[] =>
  [3, 0, 4, 2, 1].flatMap((slice) => series[slice] ?? []);

/** Centre of mass in mm, pixel by pixel. */
function centroid(masks: DrawnMasks, columns: number): number[] {
  const { affine = [], structures } = masks;
  const places = (structures[0]?.slices ?? []).flatMap((mask, slice) =>
    [...(mask ?? [])].flatMap((value, at) => (value ? [[at % columns, Math.floor(at / columns), slice, 1]] : [])),
  );
  return [0, 1, 2].map((axis) => {
    const mm = places.map((place) => place.reduce((sum, index, at) => sum + index * (affine[axis * 4 + at] ?? 0), 0));
    return mm.reduce((sum, value) => sum + value, 0) / mm.length;
  });
}

test('there are 48 orientations', () => {
  expect(new Set(ORIENTATIONS.map(([name]) => name)).size).toBe(48);
});

describe.each(ORIENTATIONS)('rows, columns and slices along %s', (_, shape) => {
  const inOrder = ctSeries(shape);
  const series = shuffle(inOrder);
  const masks = scanned(series, shape);
  const bytes = bytesOf(series, masks);

  test('lie where they were drawn', () => {
    const [liver, lesion] = proveGeometry(bytes, { series }, masks);
    const expected = centroid(masks, SIZE.columns);
    liver?.centroid?.forEach((mm, axis) => {
      expect(mm).toBeCloseTo(expected[axis] ?? NaN, 6);
    });
    const voxels = masks.structures.map(({ slices }) =>
      slices.reduce((sum, mask) => sum + (mask?.filter((value) => value === 1).length ?? 0), 0),
    );
    expect(liver?.volume).toBeCloseTo((voxels[0] ?? 0) * 0.7 * 0.6 * 2.5, 6);
    expect(lesion?.volume).toBeCloseTo((voxels[1] ?? 0) * 0.7 * 0.6 * 2.5, 6);
    const sorted = drawnOnStack(series);
    expect(fault(bytesOf(series, sorted), series, sorted)).toBeUndefined();
  });

  test('are caught when slices are bound front to back', () => {
    const flipped = { ...masks, frames: masks.frames.toReversed() };
    expect(fault(bytesOf(series, flipped), series, flipped)).toMatch(/^GEOMETRY: The centroid of "liver"/);
    // Of the object alone, with the masks as they should be.
    expect(fault(bytesOf(series, flipped), series, masks)).toMatch(/^GEOMETRY/);
  });

  test('are caught when the affine runs the other way, even for a mask that is symmetric', () => {
    const even = { ...masks, structures: [{ name: 'liver', slices: masks.frames.map(() => growing(6, 8, 2)) }] };
    const flipped = { ...even, frames: even.frames.toReversed() };
    expect(fault(bytesOf(series, even), series, even)).toBeUndefined();
    expect(fault(bytesOf(series, flipped), series, flipped)).toMatch(/^GEOMETRY/);
  });

  test('are caught when planes in the bytes are those of the stack turned round', () => {
    const origin = shape.origin ?? [-10, -20, 30];
    const far = origin.map((mm, axis) => mm + 4 * (shape.step?.[axis] ?? 0)) as unknown as Vector;
    const other = ctSeries({ ...shape, origin: far, step: times(shape.step ?? [0, 0, 1], -1) });
    expect(fault(bytesOf(other, { ...masks, affine: undefined }), series, masks)).toMatch(/^GEOMETRY/);
  });

  test.each([
    ['rows upside down', false],
    ['columns mirrored', true],
  ])('are caught with %s', (_name, columns) => {
    const turn = (mask: Uint8Array | undefined) => {
      if (!mask) return undefined;
      const rows = Array.from({ length: 6 }, (_row, row) => mask.slice(row * 8, row * 8 + 8));
      const turned = columns ? rows.map((row) => row.toReversed()) : rows.toReversed();
      return Uint8Array.from(turned.flatMap((row) => [...row]));
    };
    const structures = masks.structures.map(({ slices, ...rest }) => ({ ...rest, slices: slices.map(turn) }));
    expect(fault(bytesOf(series, { ...masks, structures }), series, masks)).toMatch(/^GEOMETRY/);
  });
});

describe('other series', () => {
  test('oblique and sheared stacks lie where they were drawn', () => {
    const turned: SeriesShape = { ...SIZE, across: [0.36, 0.48, -0.8], down: [-0.8, 0.6, 0], step: [1.2, 1.6, 1.5] };
    for (const shape of [turned, { ...SIZE, step: [0, 0.4, 2.5] as const }]) {
      const series = shuffle(ctSeries(shape));
      const masks = scanned(series, shape);
      expect(fault(bytesOf(series, masks), series, masks)).toBeUndefined();
      const flipped = { ...masks, frames: masks.frames.toReversed() };
      expect(fault(bytesOf(series, flipped), series, flipped)).toMatch(/^GEOMETRY/);
    }
  });

  test('a single slice lies where it was drawn, and its volume is that of 1 mm', () => {
    const series = ctSeries({ ...SIZE, slices: 1 });
    const masks = drawnOnStack(series);
    const [liver] = proveGeometry(bytesOf(series, masks), { series }, masks);
    expect(liver?.volume).toBeCloseTo(2 * 0.7 * 0.6, 9);
    const moved = { ...masks, affine: masks.affine?.map((value, at) => (at === 11 ? value + 1 : value)) };
    expect(fault(bytesOf(series, masks), series, moved)).toMatch(/^GEOMETRY: The centroid/);
  });

  test('a radiograph is compared pixel by pixel', () => {
    const series = [readSource(crFile({ rows: 6, columns: 8 }))];
    const masks = drawnOnFrames(series);
    const [liver] = proveGeometry(bytesOf(series, masks), { series }, masks);
    expect(liver).toEqual({ name: 'liver', centroid: [1, 1.5, 0], volume: 2 });
    const other = { ...masks, structures: [...masks.structures.slice(1), ...masks.structures.slice(0, 1)] };
    expect(fault(bytesOf(series, masks), series, other)).toMatch(/^GEOMETRY/);
  });
});

describe('objects that were changed', () => {
  const series = ctSeries(SIZE);
  const masks = drawnOnStack(series);
  const bytes = bytesOf(series, masks);
  const changed = (from: Buffer, to: Buffer): Buffer => {
    const copy = Buffer.from(bytes);
    to.copy(copy, copy.indexOf(from));
    return copy;
  };

  test('a pixel', () => {
    const copy = Buffer.from(bytes);
    copy.writeUInt8(copy.readUInt8(copy.length - 20) ^ 1, copy.length - 20);
    expect(fault(copy, series, masks)).toMatch(/^GEOMETRY/);
  });

  test('the name of a source', () => {
    const at = bytes.indexOf(Buffer.from('\x08\0\x24\x91SQ', 'latin1'));
    const tail = bytes.subarray(at).indexOf(Buffer.from(sliceUid(0)));
    const copy = Buffer.from(bytes);
    Buffer.from(sliceUid(1)).copy(copy, at + tail);
    expect(fault(copy, series, masks)).toMatch(/^GEOMETRY/);
  });

  test('the distance of slices', () => {
    expect(
      fault(
        changed(
          Buffer.from('\x18\0\x88\0DS\x04\x002.5 ', 'latin1'),
          Buffer.from('\x18\0\x88\0DS\x04\x002.6 ', 'latin1'),
        ),
        series,
        masks,
      ),
    ).toMatch(/^GEOMETRY: The volume of "liver"/);
  });

  test('pixels cut off', () => {
    expect(() => proveGeometry(bytes.subarray(0, bytes.length - 30), { series }, masks)).toThrow(
      /read back: it has too few pixels/,
    );
  });

  test('the stack of the same series has the affine that it was scanned with', () => {
    const { affine } = stackOf(series);
    scanned(series, SIZE).affine?.forEach((value, at) => {
      expect(affine[at]).toBeCloseTo(value, 9);
    });
  });
});
