import { captureObjects, readSource, type ResultError } from '../../../../../services/dicom-results';
import { DicomImage } from '../../../../../services/imaging/dicom';
import { drawMasks } from '../../../../../services/imaging/overlay';
import type { Pixels } from '../../../../../services/imaging/pixels/pixels';
import { crFile, ctFiles, sliceUid } from '../../../../support/dicom-series';
import { contextOf, drawnOnFrames, drawnOnStack } from '../../../../support/drawn-masks';
import { entityErrors, missingDicomTools, objectErrors } from '../../../../support/dicom-tools';

const missing = missingDicomTools();
if (missing !== undefined) console.warn(`Captures are not validated: ${missing}`);
const validated = missing === undefined ? test : test.skip;

const CT = ctFiles({ rows: 7, columns: 9, slices: 5 });

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

async function made(files: readonly Buffer[]) {
  const series = files.map((bytes) => readSource(bytes));
  const masks = series[0]?.planes[0] ? drawnOnStack(series) : drawnOnFrames(series);
  const display = async ({ sopInstanceUid, frame }: { sopInstanceUid: string; frame: number }): Promise<Pixels> => {
    const at = series.findIndex((image) => image.sopInstanceUid === sopInstanceUid);
    return DicomImage.parse(files[at] ?? Buffer.alloc(0)).display(frame - 1);
  };
  return { masks, display, objects: await all(captureObjects(contextOf(series), masks, display)) };
}

test('a capture shows each image with what was drawn on it', async () => {
  const shuffled = [3, 1, 4, 0, 2].flatMap((slice) => CT[slice] ?? []);
  const { masks, display, objects } = await made(shuffled);
  expect(objects).toHaveLength(5);
  for (const { bytes } of objects) {
    const slice = [0, 1, 2, 3, 4].find((at) => bytes.includes(`${sliceUid(at)}`)) ?? -1;
    const at = masks.frames.findIndex(({ sopInstanceUid }) => sopInstanceUid === sliceUid(slice));
    const [liver, lesion] = masks.structures.map(({ slices }) => slices[at]);
    const expected = drawMasks(await display({ sopInstanceUid: sliceUid(slice), frame: 1 }), [
      ...(liver ? [{ mask: liver, colour: [230, 159, 0] as const }] : []),
      ...(lesion ? [{ mask: lesion, colour: [255, 0, 0] as const }] : []),
    ]);
    const image = DicomImage.parse(bytes);
    expect([...(await image.stored()).values]).toEqual([...expected.data]);
  }
  expect(new Set(objects.map(({ sopInstanceUid }) => sopInstanceUid)).size).toBe(5);
  expect(new Set(objects.map(({ seriesUid }) => seriesUid)).size).toBe(1);
});

test('a capture refuses a picture of another size', async () => {
  const series = CT.map((bytes) => readSource(bytes));
  const pixels: Pixels = { data: new Uint8Array(64), width: 8, height: 8, channels: 1, sampleType: 'uint8' };
  const refused = all(captureObjects(contextOf(series), drawnOnStack(series), async () => pixels));
  await expect(refused).rejects.toMatchObject({ defect: 'CONTENT' } satisfies Partial<ResultError>);
});

validated.each<[string, Buffer[]]>([
  ['a stack', CT],
  ['a radiograph', [crFile({ rows: 7, columns: 9 })]],
  ['a breast', [crFile({ rows: 7, columns: 9, more: { '00180015': ['CS', 'BREAST'], '00200060': ['CS', 'L'] } })]],
])('the validators find no error in captures of %s', async (_, files) => {
  const { objects } = await made(files);
  for (const { bytes } of objects) expect(objectErrors(bytes)).toEqual([]);
  expect(entityErrors([...files, ...objects.map(({ bytes }) => bytes)])).toEqual([]);
});
