// DICOM files as images of requests, through the gateway and the native server program as processes. The id of an embedding is
// a content address of the pixels that were encoded: equal ids are equal pixels.

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import { decodeSample } from '../../../services/datasets/load/load-samples';
import type { Pixels } from '../../../services/imaging/pixels/pixels';
import { temporaryFolder } from '../../support/data';
import { dicomFile, greyDicom, greyElements, planeGroups, RLE, rleFrame, segmentationDicom } from '../../support/dicom';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';
import { analysisClient, classificationClient, interactiveClient, segmentationClient } from '../../support/api-clients';

const real = join(process.env.AUTOMED_TEST_DATA ?? '../shared/data', 'dicom');
const present = existsSync(real);
if (!present) console.warn(`Real DICOM files are not sent: ${real} is absent (AUTOMED_TEST_DATA).`);
const expected = present
  ? (JSON.parse(readFileSync(join(real, 'expected.json'), 'utf8')) as Record<string, { shape: number[] }>)
  : {};
/** What those that cannot be used are refused with. */
const DEFECTS: Readonly<Record<string, string>> = {
  'MR_truncated.dcm': 'cut short',
  'dwv-test_no-number-rows.dcm': 'has no rows',
  'GH340.dcm': '12 bits allocated',
};

const home = temporaryFolder();
const folder = temporaryFolder();
let program: Program;
let gateway: Program;
let interactive: ReturnType<typeof interactiveClient>;
let segmentation: ReturnType<typeof segmentationClient>;
let classification: ReturnType<typeof classificationClient>;
let analysis: ReturnType<typeof analysisClient>;

beforeAll(async () => {
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  await store.addClassification('tumour');
  program = await startProgram('inference', {
    AUTOMED_HOME: home,
    AUTOMED_PRELOAD: 'polyp,tumour',
    AUTOMED_REQUEST_MEMORY_BYTES: String(512 * 1024 * 1024),
  });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: program.address,
    AUTOMED_CLASSIFICATION_BACKENDS: program.address,
  });
  interactive = interactiveClient(gateway.address);
  segmentation = segmentationClient(gateway.address);
  classification = classificationClient(gateway.address);
  analysis = analysisClient(gateway.address);
});

afterAll(async () => {
  for (const client of [interactive, segmentation, classification, analysis]) client.close();
  expect(await gateway.stop()).toBe(0);
  expect(await program.stop()).toBe(0);
});

/** What training and evaluation read of a frame (from 0) of a file. */
async function loaded(bytes: Buffer, frame?: number): Promise<Pixels> {
  const imagePath = join(folder, 'sample');
  writeFileSync(imagePath, bytes);
  const sample = { name: 'sample', imagePath, label: 0, ...(frame === undefined ? {} : { frame }) };
  return (await decodeSample(sample)).pixels;
}

/** The same pixels as bare samples. */
function bare({ data, width, height, channels, sampleType }: Pixels): Image {
  return {
    raw: {
      data: Buffer.from(data),
      widthPx: width,
      heightPx: height,
      pixelFormat: channels === 1 ? 'PIXEL_FORMAT_GRAY' : 'PIXEL_FORMAT_RGB',
      sampleType: sampleType === 'uint8' ? 'SAMPLE_TYPE_UINT8' : 'SAMPLE_TYPE_UINT16',
    },
  };
}

const encode = (image: Image) => interactive.unary('EncodeImage', { model: 'tiny', image });

(present ? describe : describe.skip)('real DICOM files', () => {
  const names = Object.keys(expected);

  test.each(names.filter((name) => !(name in DEFECTS)))('%s is encoded as training reads it', async (name) => {
    const bytes = readFileSync(join(real, name));
    const answer = await encode({ encoded: bytes });
    const { frameNumber = 0, frameCount = 0 } = answer.dicomFrame ?? {};
    const frames = frameCount > 1 ? [frameCount] : [];
    const { shape = [] } = expected[name] ?? {};
    expect([...frames, answer.heightPx, answer.widthPx, ...shape.slice(frames.length + 2)]).toEqual(shape);
    expect(frameNumber).toBe(1);
    const pixels = await loaded(bytes, frames.length > 0 ? 0 : undefined);
    expect((await encode(bare(pixels))).embeddingId).toBe(answer.embeddingId);
  });

  test.each(Object.entries(DEFECTS))('%s is refused with the reason', async (name, reason) => {
    const call = encode({ encoded: readFileSync(join(real, name)) });
    await expect(call).rejects.toMatchObject({ code: 'UNSUPPORTED_IMAGE', field: 'image' });
    await expect(call).rejects.toThrow(reason);
  });

  test('the last frame of a cine loop is another picture than the first', async () => {
    const bytes = readFileSync(join(real, 'examples_ybr_color.dcm'));
    const last = await encode({ encoded: bytes, frameNumber: 30 });
    expect(last.dicomFrame).toMatchObject({ frameNumber: 30, frameCount: 30 });
    expect(last.embeddingId).toBe((await encode(bare(await loaded(bytes, 29)))).embeddingId);
    expect(last.embeddingId).not.toBe((await encode({ encoded: bytes })).embeddingId);
  });
});

const SIDE = 64;
/** A grey value for each pixel and frame, of 12 bits. */
const values = (frames = 1): number[] =>
  Array.from({ length: SIDE * SIDE * frames }, (_, at) => (at * (7 + Math.floor(at / (SIDE * SIDE)) * 5)) % 4096);
const size = { width: SIDE, height: SIDE };
const slice = greyDicom({
  ...size,
  values: values(),
  more: {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'],
    '00080060': ['CS', 'CT'],
    '0020000d': ['UI', '1.2.3'],
    '0020000e': ['UI', '1.2.3.1'],
    '00200032': ['DS', '-10\\20.5\\-30'],
    '00200037': ['DS', '1\\0\\0\\0\\0\\-1'],
    '00200052': ['UI', '1.2.3.9'],
    '00280004': ['CS', 'MONOCHROME1'],
    '00280030': ['DS', '0.5\\0.25'],
    '00281050': ['DS', '2000'],
    '00281051': ['DS', '1500'],
    '00281052': ['DS', '-24'],
    '00281053': ['DS', '1.5'],
  },
});
const FRAME = {
  frameNumber: 1,
  frameCount: 1,
  sopClassUid: '1.2.840.10008.5.1.4.1.1.2',
  sopInstanceUid: '1.2.3.4',
  seriesInstanceUid: '1.2.3.1',
  studyInstanceUid: '1.2.3',
  pixelSpacing: { rowMm: 0.5, columnMm: 0.25 },
  pixelSpacingOrigin: 'PIXEL_SPACING_ORIGIN_PATIENT',
  plane: {
    frameOfReferenceUid: '1.2.3.9',
    positionMm: { x: -10, y: 20.5, z: -30 },
    rowDirection: { x: 1, y: 0, z: 0 },
    columnDirection: { x: 0, y: 0, z: -1 },
  },
  patientOrientation: [],
};

describe('a slice', () => {
  const image: Image = { encoded: slice };

  test('is segmented and classified as its pixels are, and the answers say where it lies', async () => {
    const same = bare(await loaded(slice));
    const packed = { model: 'polyp', maskFormat: 'MASK_FORMAT_PACKED_BITS', threshold: 0.3 } as const;
    const answer = await segmentation.unary('Segment', { ...packed, image });
    const [mask] = answer.masks;
    expect(answer.dicomFrame).toEqual(FRAME);
    expect(mask?.packedBits).toEqual(
      (await segmentation.unary('Segment', { ...packed, image: same })).masks[0]?.packedBits,
    );
    expect(mask?.areaMm2).toBeCloseTo(Number(mask?.areaPx) * 0.125, 6);
    const classified = await classification.unary('Classify', { model: 'tumour', image });
    expect(classified.dicomFrame).toEqual(FRAME);
    const { probabilities } = await classification.unary('Classify', { model: 'tumour', image: same });
    expect(classified.probabilities).toEqual(probabilities);
  });

  test('is analyzed, prompted and segmented whole with the same facts', async () => {
    const { findings } = await analysis.unary('Analyze', { model: 'polyp', additionalModels: ['tumour'], image });
    expect(findings.map((each) => (each.segmentation ?? each.classification)?.dicomFrame)).toEqual([FRAME, FRAME]);
    const points = [{ xPx: 20, yPx: 30 }];
    const predicted = await interactive.unary('PredictMasks', { model: 'tiny', image, points });
    expect(predicted.dicomFrame).toEqual(FRAME);
    const area = predicted.masks[0]?.mask;
    expect(area?.areaMm2).toBeCloseTo(Number(area?.areaPx) * 0.125, 6);
    const { embeddingId } = predicted;
    expect((await interactive.unary('PredictMasks', { model: 'tiny', embeddingId, points })).dicomFrame).toBeNull();
    const everything = { model: 'tiny', image, pointsPerSide: 2, minPredictedIou: 0, minStability: 0 };
    expect((await interactive.unary('SegmentEverything', everything)).dicomFrame).toEqual(FRAME);
  });

  test('has the spacing that the request states', async () => {
    const stated = { encoded: slice, pixelSpacing: { rowMm: 2, columnMm: 3 } };
    const answer = await segmentation.unary('Segment', { model: 'polyp', threshold: 0.3, image: stated });
    expect(answer.masks[0]?.areaMm2).toBeCloseTo(Number(answer.masks[0]?.areaPx) * 6, 6);
    expect(answer.dicomFrame).toMatchObject({
      pixelSpacing: stated.pixelSpacing,
      pixelSpacingOrigin: 'PIXEL_SPACING_ORIGIN_REQUEST',
    });
  });

  test('keeps its facts for later prompts of a session', async () => {
    const session = interactive.stream('InteractiveSession');
    const answers: object[] = [];
    const ended = (async () => {
      for await (const answer of session) answers.push(answer as object);
    })();
    session.write({ model: 'tiny', image });
    while (answers.length < 1) await new Promise(setImmediate);
    session.write({ points: [{ xPx: 20, yPx: 30 }] });
    while (answers.length < 2) await new Promise(setImmediate);
    session.end();
    await ended;
    expect(answers).toMatchObject([{ encoded: { dicomFrame: FRAME } }, { result: { dicomFrame: FRAME } }]);
  });
});

describe('frames', () => {
  const loop = greyDicom({
    ...size,
    frames: 3,
    values: values(3),
    more: {
      '52009230': [
        'SQ',
        [0, 1, 2].map((frame) => planeGroups(`0\\0\\${frame * 4}`, '1\\0\\0\\0\\1\\0', `${frame + 1}\\2`)),
      ],
    },
  });

  test.each([1, 2, 3])('of a file are chosen by number: %d', async (frameNumber) => {
    const answer = await encode({ encoded: loop, frameNumber });
    expect(answer.dicomFrame).toMatchObject({
      frameNumber,
      frameCount: 3,
      pixelSpacing: { rowMm: frameNumber, columnMm: 2 },
      plane: { positionMm: { z: (frameNumber - 1) * 4 } },
    });
    expect(answer.embeddingId).toBe((await encode(bare(await loaded(loop, frameNumber - 1)))).embeddingId);
  });

  test.each<[string, () => Promise<Image>, string]>([
    ['beyond the last', async () => ({ encoded: loop, frameNumber: 4 }), '3 frame(s); there is no frame 4'],
    ['0', async () => ({ encoded: loop, frameNumber: 0 }), 'Frames are counted from 1'],
    ['the second of a slice', async () => ({ encoded: slice, frameNumber: 2 }), '1 frame(s); there is no frame 2'],
    ['the second of a PNG', async () => ({ encoded: (await discImage()).png, frameNumber: 2 }), 'no frame 2'],
    ['the second of raw pixels', async () => ({ ...bare(await loaded(slice)), frameNumber: 2 }), '1 frame'],
  ])('that are not there are refused: %s', async (_what, image, message) => {
    const call = encode(await image());
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'image.frame_number' });
    await expect(call).rejects.toThrow(message);
  });
});

const grey = greyElements(size);
const words = Buffer.alloc(2 * SIDE * SIDE);

test.each<[string, Buffer, object, string]>([
  [
    'a report',
    dicomFile({ '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.88.33'], '00080060': ['CS', 'SR'] }),
    { code: 'UNSUPPORTED_IMAGE' },
    'a kind that has no pictures',
  ],
  [
    'a segmentation',
    segmentationDicom({ ...size, looked: ['1.1'], frames: [{ of: '1.1', foreground: [3] }] }),
    { code: 'UNSUPPORTED_IMAGE' },
    'is a segmentation, not the image',
  ],
  ['an image without pixels', dicomFile(grey), { code: 'UNSUPPORTED_IMAGE' }, 'holds no pixels'],
  ['half a file', slice.subarray(0, slice.length / 2), { code: 'UNSUPPORTED_IMAGE' }, 'cut short'],
  ['half a header', slice.subarray(0, 300), { code: 'UNSUPPORTED_IMAGE' }, 'cut short'],
  [
    'JPEG 2000 part 2',
    dicomFile(grey, '1.2.840.10008.1.2.4.92', [words]),
    { code: 'UNSUPPORTED_IMAGE' },
    '1.2.840.10008.1.2.4.92 (JPEG 2000 part 2), which is not read',
  ],
  [
    'JPEG XL',
    dicomFile(grey, '1.2.840.10008.1.2.4.110', [words]),
    { code: 'UNSUPPORTED_IMAGE' },
    '(JPEG XL), which is not read',
  ],
  [
    'a file that is encrypted',
    Buffer.concat([Buffer.from('3082400006092a864886f70d010703a0824000', 'hex'), words]),
    { code: 'UNSUPPORTED_IMAGE' },
    'This is a CMS (encrypted or signed DICOM, PS3.10 7.4) file; PNG, JPEG, TIFF, WebP and DICOM are accepted.',
  ],
  [
    'a header of 60000 x 60000',
    dicomFile({ ...greyElements({ width: 60_000, height: 60_000 }), '7fe00010': ['OW', words] }),
    { code: 'INVALID_ARGUMENT' },
    'at most 64000000 pixels are accepted',
  ],
  [
    'more than there is memory for',
    dicomFile({ ...greyElements({ width: 8000, height: 8000 }), '7fe00010': ['OW', words] }),
    { code: 'INVALID_ARGUMENT' },
    'An image of 8000 x 8000 pixels needs',
  ],
])('%s is refused, with the reason', async (_what, encoded, error, message) => {
  const call = segmentation.unary('Segment', { model: 'polyp', image: { encoded } });
  await expect(call).rejects.toMatchObject({ ...error, field: 'image' });
  await expect(call).rejects.toThrow(message);
});

test('nothing of a header is logged', () => {
  const logged = JSON.stringify([...program.lines, ...gateway.lines]);
  expect(logged).toContain('EncodeImage');
  for (const uid of ['1.2.3.4', '1.2.3.9', '1.2.840.10008.5.1.4.1.1']) expect(logged).not.toContain(`"${uid}`);
});

test('a picture is made of what a browser cannot read: compressed DICOM frame by frame, and TIFF', async () => {
  const values = (frame: number): number[] => Array.from({ length: 12 * 8 }, (_, at) => (at * 2 + 50 * frame) % 256);
  const elements = greyElements({ width: 12, height: 8, bits: 8, frames: 2 });
  const encoded = dicomFile(elements, RLE, [rleFrame(values(0)), rleFrame(values(1))]);
  const pixelsOf = async (png: Buffer): Promise<number[]> => [...(await sharp(png).extractChannel(0).raw().toBuffer())];
  for (const frame of [0, 1]) {
    const { png } = await analysis.unary('RenderImage', { image: { encoded, frameNumber: frame + 1 } });
    expect(await pixelsOf(png)).toEqual(values(frame));
  }
  const raw = { width: 12, height: 8, channels: 1 } as const;
  const tiff = await sharp(Buffer.from(values(1)), { raw })
    .tiff({ compression: 'lzw' })
    .toBuffer();
  const { png } = await analysis.unary('RenderImage', { image: { encoded: tiff } });
  expect(await pixelsOf(png)).toEqual(values(1));
  const notes = { image: { encoded: Buffer.from('no image') } };
  await expect(analysis.unary('RenderImage', notes)).rejects.toMatchObject({ field: 'image' });
});
