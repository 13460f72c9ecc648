import { DicomImage } from '../../../../../services/imaging/dicom';
import { readSource, type DrawnMasks } from '../../../../../services/dicom-results';
import {
  dicomResults,
  keptText,
  pack,
  reopen,
  resultPool,
  type AnalysisRule,
  type Found,
  type MadeObject,
  type StoredResult,
  type Target,
} from '../../../../../services/analysis';
import { termsSchema } from '../../../../../services/store/terms';
import { ctFiles } from '../../../../support/dicom-series';
import { contextOf, drawnOnStack, MODEL } from '../../../../support/drawn-masks';
import { objectErrors, missingDicomTools } from '../../../../support/dicom-tools';

afterAll(() => resultPool.close());

const FILES = ctFiles({ rows: 7, columns: 9, slices: 5 });
const SERIES = FILES.map((bytes) => readSource(bytes));
const missing = missingDicomTools();
/** dicom3tools of 2022 take no label map (Supplement 243, 2024) for a segmentation. */
const OUTDATED = 'Error - Shall not be present for Referenced SOP Class that is not segmentation';

/** "liver" and "lesion", with or without pixels that are both. */
function masksOf(overlapping: boolean): DrawnMasks {
  const masks = drawnOnStack(SERIES);
  if (overlapping) return masks;
  const [liver, lesion] = masks.structures;
  if (!liver || !lesion) throw new Error('two structures');
  const slices = lesion.slices.map((mask, at) =>
    mask?.map((value, pixel) => value & (1 - (liver.slices[at]?.[pixel] ?? 0))),
  );
  return { ...masks, structures: [liver, { ...lesion, slices }] };
}

function foundWith(masks: DrawnMasks): Found {
  const display: Found['display'] = ({ sopInstanceUid, frame }) => {
    const at = SERIES.findIndex((image) => image.sopInstanceUid === sopInstanceUid);
    return DicomImage.parse(FILES[at] ?? Buffer.alloc(0)).display(frame - 1);
  };
  // Terms as the gateway's client reads them.
  const model = { ...MODEL, terms: termsSchema.parse(MODEL.terms) };
  return { context: contextOf(SERIES, model), masks, display };
}

const ruleOf = (results: AnalysisRule['results']): AnalysisRule => ({
  name: 'r',
  task: 'segmentation',
  model: 'm',
  results,
});

const target = (changes: Partial<Target> = {}): Target => ({
  destination: 'a',
  encodings: ['BINARY', 'LABELMAP', 'CAPTURE'],
  also: [],
  refusals: [],
  ...changes,
});

const refused = (...encodings: Target['refusals'][number]['encoding'][]): Target['refusals'] =>
  encodings.map((encoding) => ({ encoding, time: 0, message: 'No.' }));

/** A disk in memory. */
class Disk {
  readonly objects = new Map<string, MadeObject['object']>();

  readonly store = ({ object, ...key }: MadeObject): Promise<StoredResult> => {
    const file = [key.kind, key.of, key.part].join('-');
    this.objects.set(file, object);
    const { sopClassUid: sopClass, sopInstanceUid: sopInstance, seriesUid: series, bytes } = object;
    return Promise.resolve({ ...key, sopClass, sopInstance, series, file, sha256: '', bytes: bytes.length });
  };

  readonly drop = ({ file }: StoredResult): Promise<void> => Promise.resolve(void this.objects.delete(file));
}

async function packed(masks: DrawnMasks, targets: readonly Target[], results: AnalysisRule['results'] = ['SEG', 'SR']) {
  const disk = new Disk();
  const { deliveries, ...rest } = await pack(foundWith(masks), ruleOf(results), targets, {
    writer: dicomResults,
    store: disk.store,
    drop: disk.drop,
  });
  const sent = deliveries.map(({ destination, kind, of, part }) => [destination, kind, of, part].join(' ').trim());
  return { disk, sent, deliveries, ...rest };
}

it('sends the first encoding, with a report that refers to it', async () => {
  const { sent, disk } = await packed(masksOf(true), [target()]);
  expect(sent).toEqual(['a SEG  1', 'a SR BINARY 1']);
  const uid = disk.objects.get('SEG--1')?.sopInstanceUid ?? 'none';
  expect(disk.objects.get('SR-BINARY-1')?.bytes.includes(uid)).toBe(true);
});

it('sends a label map where it was asked for first, and to the other destination what that takes', async () => {
  const targets = [target({ encodings: ['LABELMAP', 'BINARY'] }), target({ destination: 'b' })];
  const { sent, disk } = await packed(masksOf(false), targets);
  expect(sent).toEqual(['a LABELMAP  1', 'a SR LABELMAP 1', 'b SEG  1', 'b SR BINARY 1']);
  const labelmap = disk.objects.get('LABELMAP--1')?.sopInstanceUid ?? 'none';
  const report = disk.objects.get('SR-LABELMAP-1')?.bytes;
  expect(report?.includes(labelmap)).toBe(true);
  expect(report?.includes(disk.objects.get('SEG--1')?.sopInstanceUid ?? '')).toBe(false);
  if (missing !== undefined) return;
  expect(objectErrors(report ?? Buffer.alloc(0)).filter((line) => !line.startsWith(OUTDATED))).toEqual([]);
});

it('passes over a label map where structures overlap, and says so', async () => {
  const { sent, deliveries } = await packed(masksOf(true), [target({ encodings: ['LABELMAP', 'BINARY'] })]);
  expect(sent).toEqual(['a SEG  1', 'a SR BINARY 1']);
  expect(deliveries[0]?.reason).toContain('LABELMAP: Structures overlap');
});

it('sends captures to a receiver that takes no segmentation, and a report of the images alone', async () => {
  const { sent, disk } = await packed(masksOf(false), [target({ refusals: refused('BINARY', 'LABELMAP') })]);
  expect(sent).toEqual(['a SC  1', 'a SC  2', 'a SC  3', 'a SC  4', 'a SC  5', 'a SR  1']);
  expect(disk.objects.get('SR--1')?.bytes.includes(disk.objects.get('SEG--1')?.sopInstanceUid ?? '')).toBe(false);
});

it('sends outlines and captures beside it where a destination asks for them', async () => {
  const { sent } = await packed(masksOf(false), [target({ also: ['CAPTURE', 'GSPS'] })]);
  expect(sent.map((each) => each.split(' ')[1])).toEqual(['SEG', 'SC', 'SC', 'SC', 'SC', 'SC', 'GSPS', 'SR']);
});

it('sends a report alone where nothing was drawn', async () => {
  const masks = masksOf(false);
  const nothing = {
    ...masks,
    structures: masks.structures.map((each) => ({ ...each, slices: each.slices.map(() => undefined) })),
  };
  const { sent } = await packed(nothing, [target({ also: ['CAPTURE', 'GSPS'] })]);
  expect(sent).toEqual(['a SR  1']);
});

it('writes the same objects again from what the journal keeps', async () => {
  const masks = masksOf(false);
  const all = [target({ encodings: ['LABELMAP'], also: ['CAPTURE', 'GSPS'] })];
  const before = await packed(masks, all);
  const segmentation = before.disk.objects.get('SEG--1')?.bytes ?? Buffer.alloc(0);
  const found = foundWith(masks);
  const open = (file: string) => {
    const image = DicomImage.parse(FILES[Number(file)] ?? Buffer.alloc(0));
    const source = readSource(FILES[Number(file)] ?? Buffer.alloc(0));
    return Promise.resolve({
      source,
      pixelsSha256: '',
      window: '',
      picture: (frame: number) => image.display(frame - 1),
    });
  };
  const kept = { context: keptText(found), files: FILES.map((_, at) => String(at)), segmentation };
  const again = await reopen(kept, { open }, 2);
  const disk = new Disk();
  const deps = { writer: dicomResults, store: disk.store, drop: disk.drop };
  const existing = before.results.filter(({ kind }) => kind === 'SEG');
  const { deliveries } = await pack(again, ruleOf(['SEG', 'SR']), all, deps, existing);
  expect(deliveries).toEqual(before.deliveries);
  expect(disk.objects.has('SEG--1')).toBe(false);
  for (const [file, { bytes }] of disk.objects) {
    expect([file, Buffer.compare(bytes, before.disk.objects.get(file)?.bytes ?? Buffer.alloc(0))]).toEqual([file, 0]);
  }
});

it('leaves nothing on the disk when the disk, or the writing, fails half way', async () => {
  const disk = new Disk();
  const store = (object: MadeObject): Promise<StoredResult> =>
    object.kind === 'SC' && object.part > 1 ? Promise.reject(new Error('the disk is full')) : disk.store(object);
  const deps = { writer: dicomResults, store, drop: disk.drop };
  const work = pack(foundWith(masksOf(true)), ruleOf(['SEG', 'SR']), [target({ also: ['CAPTURE'] })], deps);
  await expect(work).rejects.toThrow('the disk is full');
  expect([...disk.objects.keys()]).toEqual([]);
});
