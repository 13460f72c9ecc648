// Results in a viewer: Cornerstone (which OHIF is built on) opens an object of each kind in headless Chromium, and what it has of it is
// compared with what was drawn, pixel by pixel.

import {
  captureObjects,
  labelmapObject,
  readSource,
  reportObject,
  segmentationObject,
  type DrawnMasks,
  type ResultObject,
} from '../../../services/dicom-results';
import { crFile, ctFiles, type SeriesShape } from '../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../support/drawn-masks';
import { installViewer, Viewer } from './viewer/viewer';

const why = installViewer();
if (why !== undefined) process.stderr.write(`SKIPPED: results in a viewer: ${why}\n`);

// Frames of whole words: Cornerstone misreads frames of other sizes, which follow each other without padding (PS3.5, 8.1.1).
const SHAPE: SeriesShape = { rows: 8, columns: 10, slices: 5 };
const AXIAL = ctFiles(SHAPE);
const STACKS: [string, Buffer[]][] = [
  ['ascending', AXIAL],
  ['descending', AXIAL.toReversed()],
  ['shuffled', [3, 0, 4, 2, 1].flatMap((slice) => AXIAL[slice] ?? [])],
  ['scanned against their normal', ctFiles({ ...SHAPE, step: [0, 0, -2.5] })],
  ['sagittal', ctFiles({ ...SHAPE, across: [0, 1, 0], down: [0, 0, -1], step: [3, 0, 0] })],
  ['oblique', ctFiles({ ...SHAPE, across: [0.36, 0.48, -0.8], down: [-0.8, 0.6, 0], step: [1.2, 1.6, 1.5] })],
  ['a single one', ctFiles({ ...SHAPE, slices: 1 })],
];

/** The lesion beside the liver instead of across it. */
function apart({ structures, ...drawn }: DrawnMasks): DrawnMasks {
  const [liver, lesion] = structures;
  const slices = lesion?.slices.map((mask, slice) => {
    return mask?.map((value, at) => (liver?.slices[slice]?.[at] === 1 ? 0 : value));
  });
  return { ...drawn, structures: [liver, { ...lesion, slices }] as DrawnMasks['structures'] };
}

const drawnOn = (files: readonly Buffer[]) => {
  const series = files.map((bytes) => readSource(bytes));
  const masks = series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);
  return { context: contextOf(series), masks };
};

(why === undefined ? describe : describe.skip)('in a viewer', () => {
  let viewer: Viewer;
  let pixels = 0;
  beforeAll(async () => {
    viewer = await Viewer.open();
  });
  afterAll(async () => {
    await viewer?.close();
    process.stdout.write(`pixels of masks that are the same in Cornerstone as they were drawn: ${pixels}\n`);
  });

  /** Every pixel of every image, drawn on or not. */
  async function expectSame(files: readonly Buffer[], { bytes }: ResultObject, masks: DrawnMasks): Promise<void> {
    const { images, segments } = await viewer.segmentation(files, bytes);
    expect(segments).toMatchObject(Object.fromEntries(masks.structures.map(({ name }, at) => [String(at + 1), name])));
    for (const [slice, { sopInstanceUid }] of masks.frames.entries()) {
      const layers = images.filter(({ uid }) => uid === sopInstanceUid);
      for (const [at, { name, slices }] of masks.structures.entries()) {
        const seen = Array.from({ length: 80 }, (_, pixel) => {
          return layers.some(({ labels }) => labels[pixel] === at + 1) ? 1 : 0;
        });
        expect({ slice, name, seen }).toEqual({ slice, name, seen: [...(slices[slice] ?? new Uint8Array(80))] });
        pixels += seen.length;
      }
    }
  }

  it.each(STACKS)('structures that overlap are where they were drawn (SEG): slices %s', async (_, files) => {
    const { context, masks } = drawnOn(files);
    await expectSame(files, segmentationObject(context, masks) as ResultObject, masks);
  });

  it.each(STACKS)('structures are where they were drawn (label map): slices %s', async (_, files) => {
    const { context, masks } = drawnOn(files);
    const drawn = apart(masks);
    await expectSame(files, labelmapObject(context, drawn) as ResultObject, drawn);
  });

  it('the reader of TID 1500 finds the measurements of each segment', async () => {
    const { context, masks } = drawnOn(AXIAL);
    const segmentation = segmentationObject(context, masks) as ResultObject;
    const groups = await viewer.report(reportObject(context, { masks, segmentation, classifications: [] }).bytes);
    expect(groups).toHaveLength(masks.structures.length);
    for (const [at, { content }] of groups.entries()) {
      const found = (concept: string) => content.find((item) => item.concept === concept);
      // Tracking identifiers, the finding, the segment, and the volume (PS3.16, TID 1411).
      expect(found('DCM 112039')?.text).toContain(masks.structures[at]?.name);
      expect(found('DCM 112040')?.text).toMatch(/^2\.25\.\d+$/);
      expect(found('DCM 121071')?.code).toBe(['SCT 10200004', 'SCT 52988006'][at]);
      expect(found('DCM 121191')).toMatchObject({ segment: at + 1, object: segmentation.sopInstanceUid });
      const voxels = masks.structures[at]?.slices.reduce((sum, mask) => sum + (mask?.filter(Boolean).length ?? 0), 0);
      const { value, unit } = content.find(({ concept }) => concept === 'SCT 118565006') ?? {};
      expect(unit).toBe('mm3');
      expect(value).toBeGreaterThan(voxels ?? 0);
    }
  });

  it('a secondary capture has the pixels that were burned in', async () => {
    const { context, masks } = drawnOn([crFile({ rows: 8, columns: 10 })]);
    const grey = Uint8Array.from({ length: 80 }, (_, pixel) => pixel * 4);
    const display = () => Promise.resolve({ data: grey, width: 10, height: 8, channels: 1 } as never);
    for await (const { bytes, sopInstanceUid } of captureObjects(context, masks, display)) {
      const shown = await viewer.picture(bytes);
      expect(shown).toMatchObject({ uid: sopInstanceUid, width: 10, height: 8 });
      const written = [...bytes.subarray(bytes.length - 240)];
      const opaque = written.flatMap((value, at) => (at % 3 === 2 ? [value, 255] : [value]));
      expect(shown.pixels).toEqual(shown.pixels.length === 240 ? written : opaque);
      pixels += 80;
    }
  });
});
