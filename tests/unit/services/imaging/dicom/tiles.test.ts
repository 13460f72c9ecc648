// Segmentations of slides, whose frames are tiles: laid by where each lies in its level, never by its number alone.

import { DicomImage, DicomSegmentation, type SourceFrame } from '../../../../../services/imaging/dicom';
import { greyDicom, segmentationDicom, type DicomElements, type DrawnFrame } from '../../../../support/dicom';

const UID = '1.2.3.4.5';
/** A level of 7 x 5 pixels: two by two tiles of 4 x 3, the last of which reach over its edges. */
const LEVEL = { width: 7, height: 5 };
const TILE = { width: 4, height: 3 };
const FRAMES = 4;

const matrix = ({ width, height } = LEVEL): DicomElements => ({
  '00480006': ['UL', [width]],
  '00480007': ['UL', [height]],
});
const full: DicomElements = { '00209311': ['CS', 'TILED_FULL'] };
/** Column and row of a frame's first pixel, from 1. */
const placeGroup = (column: number, row: number): DicomElements => ({
  '0048021a': ['SQ', [{ '0048021e': ['SL', [column]], '0048021f': ['SL', [row]] }]],
});
const measures = (mm: number): DicomElements => ({
  '52009229': ['SQ', [{ '00289110': ['SQ', [{ '00280030': ['DS', `${mm}\\${mm}`] }]] }]],
});

/** The pictures of a slide: its frames, as a data set asks for their masks. */
function slideFrames(more: DicomElements = { ...matrix(), ...full }, size = TILE, frames = FRAMES): SourceFrame[] {
  const values = Array(size.width * size.height * frames).fill(1) as number[];
  const { tiles } = DicomImage.parse(greyDicom({ ...size, frames, values, more })).header;
  return Array.from({ length: frames }, (_, frame) => ({
    sopInstanceUid: UID,
    frame,
    frames,
    size,
    ...(tiles?.[frame] ? { tile: tiles[frame] } : {}),
  }));
}

interface Drawn {
  size?: { width: number; height: number };
  more?: DicomElements;
}

function segmentation(frames: readonly Omit<DrawnFrame, 'of'>[], { size = TILE, more = matrix() }: Drawn = {}) {
  const drawn = frames.map((frame) => ({ of: UID, ...frame }));
  return DicomSegmentation.parse(segmentationDicom({ ...size, looked: [UID], frames: drawn, more }));
}

/** Pixels of the level, from 0, that the masks of its tiles show together. */
async function onLevel(drawn: DicomSegmentation, sources = slideFrames()): Promise<string[]> {
  const pixels: string[] = [];
  for (const source of sources) {
    const { mask, width } = await drawn.mask(source);
    const { column, row } = source.tile!.at!;
    mask.forEach((value, at) => {
      if (value) pixels.push(`${column + (at % width)},${row + Math.floor(at / width)}`);
    });
  }
  return pixels.sort();
}
const refusal = (drawn: DicomSegmentation, source: SourceFrame): Promise<string> =>
  drawn.mask(source).then(
    () => 'drawn',
    (error: Error & { defect?: string }) => `${error.defect}: ${error.message}`,
  );

describe('the tiles of a segmentation', () => {
  it('lie where their positions say, whatever their order and whichever are missing', async () => {
    const drawn = segmentation([
      { foreground: [0], groups: placeGroup(5, 4) },
      { foreground: [5], groups: placeGroup(1, 1) },
    ]);
    expect(await onLevel(drawn)).toEqual(['1,1', '4,3']);
  });

  it('lie row by row where all are there, segment after segment', async () => {
    const drawn = segmentation(
      Array.from({ length: 2 * FRAMES }, (_, at) => ({ foreground: [at], groups: {} })),
      { more: { ...matrix(), ...full } },
    );
    const place = (frame: number, pixel: number): string =>
      `${(frame % 2) * TILE.width + (pixel % TILE.width)},${Math.floor(frame / 2) * TILE.height + Math.floor(pixel / TILE.width)}`;
    const expected = Array.from({ length: 2 * FRAMES }, (_, at) => place(at % FRAMES, at));
    expect(await onLevel(drawn)).toEqual(expected.sort());
  });

  it('may be others than those of the image', async () => {
    // One tile of 5 x 5 from the third column on lies on all four tiles of the image.
    const size = { width: 5, height: 5 };
    const all = Array.from({ length: 25 }, (_, at) => at);
    const drawn = segmentation([{ foreground: all, groups: placeGroup(3, 1) }], { size });
    const expected = all.map((at) => `${2 + (at % 5)},${Math.floor(at / 5)}`);
    expect(await onLevel(drawn)).toEqual(expected.sort());
    const sparse = slideFrames({
      ...matrix(),
      '00209311': ['CS', 'TILED_SPARSE'],
      '52009230': ['SQ', [placeGroup(5, 1), placeGroup(1, 4), placeGroup(1, 1), placeGroup(5, 4)]],
    });
    expect(await onLevel(drawn, sparse)).toEqual(expected.sort());
  });

  it('are of the frames that they name', async () => {
    const drawn = segmentation([
      { frame: 2, foreground: [0], groups: placeGroup(5, 1) },
      { frame: 3, foreground: [1], groups: placeGroup(1, 4) },
    ]);
    expect(await onLevel(drawn)).toEqual(['1,3', '4,0']);
  });

  it('are laid beside each other on an image that is one whole', async () => {
    const drawn = segmentation([1, 5].map((column) => ({ foreground: [0], groups: placeGroup(column, 1) })));
    for (const more of [matrix(), {}]) {
      const [whole] = slideFrames(more, LEVEL, 1);
      const { mask } = await drawn.mask(whole!);
      expect([...mask].flatMap((value, at) => (value ? [at] : []))).toEqual([0, 4]);
    }
  });
});

describe('is refused, a tile', () => {
  const at = (groups: DicomElements, drawn?: Drawn, frame?: number): DicomSegmentation =>
    segmentation([{ foreground: [0], groups, ...(frame === undefined ? {} : { frame }) }], drawn);
  const [first] = slideFrames();

  it('that lies elsewhere than the frame that it names', async () => {
    expect(await refusal(at(placeGroup(5, 1), {}, 1), first!)).toMatch(/^GEOMETRY: .*lies elsewhere in the slide/);
  });

  it('of another level', async () => {
    const other = at(placeGroup(1, 1), { more: matrix({ width: 14, height: 10 }) });
    expect(await refusal(other, first!)).toMatch(/^GEOMETRY: .*its level is 14 x 10, that of the image 7 x 5/);
    const [coarse] = slideFrames({ ...matrix(), ...full, ...measures(0.002) });
    const fine = at(placeGroup(1, 1), { more: { ...matrix(), ...measures(0.001) } });
    expect(await refusal(fine, coarse!)).toMatch(/^GEOMETRY: .*its pixels are of another size/);
  });

  it('of a level that is turned, begins elsewhere, or has other coordinates', async () => {
    const place = (x: number, orientation: string): DicomElements => ({
      ...matrix(),
      '00480008': ['SQ', [{ '0040072a': ['DS', String(x)], '0040073a': ['DS', '3'] }]],
      '00480102': ['DS', orientation],
    });
    const [source] = slideFrames({ ...place(20, '0\\-1\\0\\-1\\0\\0'), ...full });
    const of = (more: DicomElements): Promise<string> => refusal(at(placeGroup(1, 1), { more }), source!);
    expect(await of(place(20, '0\\-1\\0\\-1\\0\\0'))).toBe('drawn');
    expect(await of(place(20, '0\\1\\0\\1\\0\\0'))).toMatch(/its level is turned/);
    expect(await of(place(21, '0\\-1\\0\\-1\\0\\0'))).toMatch(/its level begins elsewhere/);
    const elsewhere = at(placeGroup(1, 1), { more: { ...matrix(), '00200052': ['UI', '1.9.10'] } });
    expect(await refusal(elsewhere, { ...first!, frameOfReference: '1.9.9' })).toMatch(/another frame of reference/);
  });

  it('of which nobody says where it lies, or in what', async () => {
    const sparse: DicomElements = { ...matrix(), '00209311': ['CS', 'TILED_SPARSE'] };
    expect(await refusal(at({}, { more: sparse }), first!)).toMatch(/does not say where in the slide its frames lie/);
    expect(await refusal(at(placeGroup(1, 1), { more: {} }), first!)).toMatch(/of how many pixels its level is/);
    // Two of four tiles, although all should be there.
    const half = segmentation([{ foreground: [0] }, { foreground: [0] }], { more: { ...matrix(), ...full } });
    expect(await refusal(half, first!)).toMatch(/does not say where in the slide its frames lie/);
    const [unplaced] = slideFrames(matrix());
    expect(await refusal(at(placeGroup(1, 1)), unplaced!)).toMatch(/the image does not say where in the slide/);
  });

  it('on one picture of several that is no tile, or is only a part of the level', async () => {
    const [plain, part] = [slideFrames({}, TILE, 2)[0]!, slideFrames({}, TILE, 1)[0]!];
    expect(await refusal(at(placeGroup(1, 1)), plain)).toMatch(/^HEADER: .*which of 2 frames/);
    expect(await refusal(at(placeGroup(1, 1)), part)).toMatch(/its level is 7 x 5, that of the image 4 x 3/);
  });
});
