// A segmentation in a grid of its own: the same place of the patient, whatever the grid.

import { DicomImage, DicomSegmentation, type SourceFrame } from '../../../../../services/imaging/dicom';
import {
  greyDicom,
  planeGroups,
  segmentationDicom,
  type DicomElements,
  type DrawnFrame,
} from '../../../../support/dicom';

const WIDTH = 4;
const HEIGHT = 3;
/** Rows 2 mm and columns 1.5 mm apart, in a plane that is no axis of the patient's. */
const SPACING: [rows: number, columns: number] = [2, 1.5];
const ACROSS = [0.8, 0.6, 0];
const DOWN = [0, 0, -1];
const ORIGIN = [-10, 20, 5];
/** Column and row of what was drawn, in pixels of the image: no turn and no flip of it is the same. */
const LESION: [column: number, row: number][] = [
  [0, 0],
  [1, 0],
  [3, 1],
  [2, 2],
];

const ds = (values: readonly number[]): string => values.map((value) => String(Number(value.toFixed(6)))).join('\\');
/** Millimetres of a place in pixels of the image, which may be between pixels. */
const place = (column: number, row: number, beside = 0): number[] => {
  const normal = [-0.6, 0.8, 0];
  return ORIGIN.map(
    (from, at) => from + ACROSS[at]! * column * SPACING[1] + DOWN[at]! * row * SPACING[0] + normal[at]! * beside,
  );
};
const turned = (vector: readonly number[], sign: number): number[] => vector.map((value) => value * sign);

const UID = '1.2.3.4.5';
const FRAME_OF_REFERENCE: DicomElements = { '00200052': ['UI', '1.9.9'] };
const PLANE: DicomElements = {
  '00200032': ['DS', ds(ORIGIN)],
  '00200037': ['DS', ds([...ACROSS, ...DOWN])],
  '00280030': ['DS', ds(SPACING)],
};

function sourceOf(more: DicomElements): SourceFrame {
  const bytes = greyDicom({ width: WIDTH, height: HEIGHT, values: Array(WIDTH * HEIGHT).fill(1) as number[], more });
  const { planes, frameOfReference, width, height } = DicomImage.parse(bytes).header;
  return {
    sopInstanceUid: UID,
    frame: 0,
    frames: 1,
    size: { width, height },
    ...(planes[0] ? { plane: planes[0] } : {}),
    ...(frameOfReference ? { frameOfReference } : {}),
  };
}
const IMAGE = sourceOf({ ...PLANE, ...FRAME_OF_REFERENCE });

interface Drawn extends Partial<DrawnFrame> {
  width?: number;
  height?: number;
  pixels: readonly (readonly [column: number, row: number])[];
}

async function drawnOn(source: SourceFrame, drawn: Drawn, more: DicomElements = FRAME_OF_REFERENCE): Promise<string[]> {
  const { width = WIDTH, height = HEIGHT, pixels, ...frame } = drawn;
  const foreground = pixels.map(([column, row]) => row * width + column);
  const frames = [{ of: UID, foreground, ...frame }];
  const { mask, ...size } = await DicomSegmentation.parse(
    segmentationDicom({ width, height, looked: [UID], frames, more }),
  ).mask(source);
  expect(size).toEqual({ width: WIDTH, height: HEIGHT });
  return [...mask].flatMap((value, at) => (value ? `${at % WIDTH},${Math.floor(at / WIDTH)}` : []));
}
const EXPECTED = LESION.map(String).sort();
const groups = (position: number[], orientation: number[], spacing: readonly number[] = SPACING): DicomElements =>
  planeGroups(ds(position), ds(orientation), ds(spacing));
const ownPlane = groups(place(0, 0), [...ACROSS, ...DOWN]);

describe('lies on its image', () => {
  it('pixel by pixel in an equal grid, within rounding, and without planes', async () => {
    const near = groups(place(0.02, -0.03, 0.05), [0.79999, 0.60001, 0, 0, 0, -1]);
    for (const own of [ownPlane, near, {}]) {
      expect((await drawnOn(IMAGE, { pixels: LESION, groups: own })).sort()).toEqual(EXPECTED);
    }
  });

  it.each([
    ['turned by 180 degrees', -1, -1],
    ['flipped left to right', -1, 1],
    ['flipped top to bottom', 1, -1],
  ] as const)('where its grid is %s', async (_, x, y) => {
    const [column, row] = [x < 0 ? WIDTH - 1 : 0, y < 0 ? HEIGHT - 1 : 0];
    const pixels = LESION.map(([u, v]) => [column + x * u, row + y * v] as const);
    const own = groups(place(column, row), [...turned(ACROSS, x), ...turned(DOWN, y)]);
    expect((await drawnOn(IMAGE, { pixels, groups: own, locations: 'REORIENTED_ONLY' })).sort()).toEqual(EXPECTED);
  });

  it('where rows are columns', async () => {
    const pixels = LESION.map(([u, v]) => [v, u] as const);
    const own = groups(place(0, 0), [...DOWN, ...ACROSS], [SPACING[1], SPACING[0]]);
    expect((await drawnOn(IMAGE, { width: HEIGHT, height: WIDTH, pixels, groups: own })).sort()).toEqual(EXPECTED);
  });

  it('where it is shifted, or cropped, or larger', async () => {
    for (const [column, row, width, height] of [
      [1, -1, WIDTH, HEIGHT],
      [-2, -3, 9, 8],
      [1, 0, 3, 3],
    ] as const) {
      const inside = LESION.filter(([u, v]) => u >= column && v >= row && u < column + width && v < row + height);
      const pixels = inside.map(([u, v]) => [u - column, v - row] as const);
      const own = groups(place(column, row), [...ACROSS, ...DOWN]);
      expect((await drawnOn(IMAGE, { width, height, pixels, groups: own })).sort()).toEqual(inside.map(String).sort());
    }
  });

  it('where each of its pixels is several of the image', async () => {
    // Two columns and three rows to a pixel: their middles lie between those of the image.
    const own = groups(place(0.5, 1), [...ACROSS, ...DOWN], [SPACING[0] * 3, SPACING[1] * 2]);
    expect((await drawnOn(IMAGE, { width: 2, height: 1, pixels: [[1, 0]], groups: own })).sort()).toEqual(
      [2, 3].flatMap((column) => [0, 1, 2].map((row) => `${column},${row}`)).sort(),
    );
    const flipped = groups(place(2.5, 1), [...turned(ACROSS, -1), ...DOWN], [SPACING[0] * 3, SPACING[1] * 2]);
    expect((await drawnOn(IMAGE, { width: 2, height: 1, pixels: [[1, 0]], groups: flipped })).sort()).toEqual(
      [0, 1].flatMap((column) => [0, 1, 2].map((row) => `${column},${row}`)).sort(),
    );
  });
});

test('a frame that names every image of a series is of the one in its plane', async () => {
  const more: DicomElements = {
    ...FRAME_OF_REFERENCE,
    '52009230': [
      'SQ',
      [
        {
          '00089124': ['SQ', [{ '00082112': ['SQ', [{ '00081155': ['UI', UID] }, { '00081155': ['UI', '1.2.9'] }]] }]],
          ...ownPlane,
        },
      ],
    ],
  };
  expect((await drawnOn(IMAGE, { pixels: LESION }, more)).sort()).toEqual(EXPECTED);
  const next = sourceOf({ ...PLANE, ...FRAME_OF_REFERENCE, '00200032': ['DS', ds(place(0, 0, 2))] });
  expect(await drawnOn({ ...next, sopInstanceUid: '1.2.9' }, { pixels: LESION }, more)).toEqual([]);
});

describe('is refused', () => {
  const refusal = async (drawn: Partial<Drawn>, more?: DicomElements, source = IMAGE): Promise<string> =>
    drawnOn(source, { pixels: LESION, ...drawn }, more).then(
      () => 'drawn',
      (error: Error & { defect?: string }) => `${error.defect}: ${error.message}`,
    );
  const orientation = [...ACROSS, ...DOWN];
  const tenth = (Math.PI / 180) * 10;

  it.each([
    ['shifted by half a pixel', groups(place(0.5, 0), orientation), 'shifted by 0.5 x 0 pixels'],
    ['of another slice', groups(place(0, 0, 3), orientation), 'lies 3 mm beside'],
    ['beside the image', groups(place(50, 0), orientation), 'lies beside the image'],
    [
      'finer',
      groups(place(-0.25, -0.25), orientation, [1, 0.75]),
      'its pixels are 1 x 0.75 mm, those of the image 2 x 1.5',
    ],
    ['one and a half times as coarse', groups(place(0.25, 0.25), orientation, [3, 2.25]), 'its pixels are 3 x 2.25 mm'],
    [
      'turned within the plane',
      groups(place(0, 0), [
        ...ACROSS.map((value, at) => value * Math.cos(tenth) + DOWN[at]! * Math.sin(tenth)),
        ...DOWN.map((value, at) => value * Math.cos(tenth) - ACROSS[at]! * Math.sin(tenth)),
      ]),
      'rows and columns are turned',
    ],
    ['in another plane', groups(place(0, 0), [1, 0, 0, 0, 1, 0]), 'plane of another orientation'],
  ])('where it is %s', async (_, own, message) => {
    expect(await refusal({ groups: own })).toMatch(new RegExp(`^GEOMETRY: .*${message}`));
  });

  it('in another frame of reference, with planes or without', async () => {
    const other: DicomElements = { '00200052': ['UI', '1.9.10'] };
    expect(await refusal({ groups: ownPlane }, other)).toContain('another frame of reference');
    expect(await refusal({}, other)).toContain('another frame of reference');
  });

  it('where it was moved, or has planes of its own, and the image has none', async () => {
    const flat = sourceOf({});
    expect(await refusal({ locations: 'REORIENTED_ONLY' }, {}, flat)).toContain('Preserved is REORIENTED_ONLY');
    expect(await refusal({ locations: 'NO' }, {})).toContain('Preserved is NO');
    expect(await refusal({ groups: ownPlane }, undefined, flat)).toContain('planes of its own');
    expect(await refusal({ groups: ownPlane, locations: 'YES' }, undefined, flat)).toBe('drawn');
    expect(await refusal({}, {}, flat)).toBe('drawn');
  });

  it('of another size without planes', async () => {
    expect(await refusal({ width: 5 }, {})).toContain('it is 5 x 3, the image 4 x 3');
  });

  it('elsewhere where nobody says how large pixels are', async () => {
    const { '00280030': _spacing, ...withoutSpacing } = PLANE;
    const source = sourceOf({ ...withoutSpacing, ...FRAME_OF_REFERENCE });
    const at = (column: number): DicomElements => {
      const { '00289110': _own, ...rest } = groups(place(column, 0), orientation);
      return rest;
    };
    expect(await refusal({ groups: at(1) }, undefined, source)).toContain('how large pixels are');
    expect(await refusal({ groups: at(0) }, undefined, source)).toBe('drawn');
  });
});
