// The native server program as a process, with the real addon and small random weights.

import { setMaxListeners } from 'node:events';
import { appendFileSync, copyFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import type { SegmentRequest } from '../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import { Client, credentials, status as Code } from '@grpc/grpc-js';
import { healthDefinition } from '../../../services/common/grpc/health';
import { decodeRle } from '../../../services/client';
import { decodeMask, unpackBits } from '../../../services/imaging/mask';
import { WEIGHTS_FILE } from '../../../services/store';
import { backboneDraft, temporaryFolder, writeWeights } from '../../support/data';
import { eventually } from '../../support/grpc';
import { png, RGB } from '../../support/images';
import { startProgram, type Program } from '../../support/stack';
import { discImage, type TestImage } from '../../support/stack-images';
import { CLASSES, makeStore, type TestStore } from '../../support/stack-store';
import { classificationClient, modelClient, segmentationClient } from '../../support/api-clients';

const home = temporaryFolder();
let store: TestStore;
let image: TestImage;
let program: Program;
let segmentation: ReturnType<typeof segmentationClient>;
let classification: ReturnType<typeof classificationClient>;
let models: ReturnType<typeof modelClient>;

beforeAll(async () => {
  store = await makeStore(home);
  await store.store.registerBackbone(backboneDraft('imagenet'), writeWeights('abc'));
  for (const name of ['polyp', 'polyp', 'lesion', 'altered', 'shortened', 'spare']) await store.addSegmentation(name);
  await store.addClassification('tumour');
  await store.store.setAlias('polyp', 'production', 1);
  image = await discImage();
  program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_RESOLVE_TTL_MS: '0' });
  segmentation = segmentationClient(program.address);
  classification = classificationClient(program.address);
  models = modelClient(program.address);
});

afterAll(async () => {
  for (const client of [segmentation, classification, models]) client.close();
  expect(await program.stop()).toBe(0);
});

/** Requests with images that nobody has sent before, so that each needs the encoder. */
async function unseen(count: number): Promise<SegmentRequest[]> {
  const images = await Promise.all(Array.from({ length: count }, () => discImage(300, 200, (seed += 1))));
  return images.map((each) => ({ model: 'polyp', image: { encoded: each.png } }));
}
let seed = 1000;

const encoded = (): SegmentRequest => ({ model: 'polyp', image: { encoded: image.png } });

async function metric(name: string): Promise<number> {
  const url = `http://${program.metricsAddress}/metrics`;
  // A connection of its own: one kept alive may be closed by the server as it is used again.
  const text = await (await fetch(url, { headers: { connection: 'close' } })).text();
  const line = text.split('\n').find((each) => each.startsWith(name));
  return Number(line?.split(' ').at(-1));
}

async function health(service: string): Promise<string> {
  const client = new Client(program.address, credentials.createInsecure());
  const method = healthDefinition.Check;
  if (!method) throw new Error('no Check');
  return new Promise((resolve) =>
    client.makeUnaryRequest(
      method.path,
      method.requestSerialize,
      method.responseDeserialize,
      { service },
      (error, answer) => {
        client.close();
        resolve(error ? `status ${error.code}` : (answer as { status: string }).status);
      },
    ),
  );
}

test('requests that arrive together at a cold model load it once', async () => {
  const answers = await Promise.all(
    Array.from({ length: 4 }, () => segmentation.unary('Segment', { ...encoded(), model: 'lesion' })),
  );
  expect(new Set(answers.map(({ masks }) => masks[0]?.png?.toString('base64'))).size).toBe(1);
  const loads = program.lines.filter((line) => line.event === 'loaded' && line.model === 'lesion@1');
  expect(loads.length).toBe(1);
});

test('segments an encoded image at its original size and says what did it', async () => {
  const answer = await segmentation.unary('Segment', { ...encoded(), threshold: 0.4 });
  const { masks, model, timings } = answer;
  expect(masks).toHaveLength(1);
  const [mask] = masks;
  const drawn = await decodeMask(mask?.png ?? Buffer.alloc(0));
  expect([drawn.width, drawn.height, mask?.widthPx, mask?.heightPx]).toEqual([300, 200, 300, 200]);
  expect(Number(mask?.areaPx)).toBe(drawn.mask.reduce((sum, pixel) => sum + pixel, 0));
  expect(mask?.structure).toBe('polyp');
  expect(mask?.areaMm2).toBeUndefined();
  expect(answer.threshold).toBeCloseTo(0.4);
  const stored = await store.store.resolveModel('polyp@2');
  expect(model).toEqual({
    name: 'polyp',
    version: 2,
    weightsSha256: stored.manifest.weights.sha256,
    baseName: 'tiny',
    baseVersion: 1,
    baseSha256: store.base.manifest.weights.sha256,
    precision: 'PRECISION_FLOAT32',
  });
  expect(timings?.batchSize).toBe(1);
  expect(timings?.totalMs).toBeGreaterThan(0);
});

test('every way to send the pixels and every mask format give the same mask', async () => {
  const { width: widthPx, height: heightPx, rgb } = image;
  const planar = Buffer.alloc(rgb.length);
  const bgr = Buffer.alloc(rgb.length);
  const wide = Buffer.alloc(rgb.length * 2);
  const float = Buffer.alloc(rgb.length * 4);
  for (let at = 0; at < rgb.length; at += 1) {
    const [pixel, channel] = [Math.floor(at / 3), at % 3];
    const value = rgb[at] ?? 0;
    planar[channel * widthPx * heightPx + pixel] = value;
    bgr[pixel * 3 + 2 - channel] = value;
    wide.writeUInt16LE(value * 257, at * 2);
    float.writeFloatLE(value, at * 4);
  }
  const raw = { widthPx, heightPx, pixelFormat: 'PIXEL_FORMAT_RGB', sampleType: 'SAMPLE_TYPE_UINT8' } as const;
  const images = [
    { encoded: image.png },
    {
      encoded: await sharp(rgb, { raw: { width: widthPx, height: heightPx, channels: 3 } })
        .tiff({ compression: 'lzw' })
        .toBuffer(),
    },
    { raw: { ...raw, data: rgb } },
    { raw: { ...raw, data: planar, layout: 'PIXEL_LAYOUT_PLANAR' as const } },
    { raw: { ...raw, data: bgr, pixelFormat: 'PIXEL_FORMAT_BGR' as const } },
    { raw: { ...raw, data: wide, sampleType: 'SAMPLE_TYPE_UINT16' as const } },
    { raw: { ...raw, data: float, sampleType: 'SAMPLE_TYPE_FLOAT32' as const } },
  ];
  const threshold = await telling();
  const reference = await segmentation.unary('Segment', { ...encoded(), threshold });
  const expected = (await decodeMask(reference.masks[0]?.png ?? Buffer.alloc(0))).mask;
  for (const each of images) {
    const [mask] = (
      await segmentation.unary('Segment', {
        model: 'polyp',
        image: each,
        threshold,
        maskFormat: 'MASK_FORMAT_PACKED_BITS',
      })
    ).masks;
    expect(Buffer.from(unpackBits(mask?.packedBits ?? Buffer.alloc(0), 60_000)).equals(Buffer.from(expected))).toBe(
      true,
    );
  }
  const rle = await segmentation.unary('Segment', { ...encoded(), threshold, maskFormat: 'MASK_FORMAT_COCO_RLE' });
  expect(Buffer.from(decodeRle(rle.masks[0]?.cocoRle ?? '', 300, 200)).equals(Buffer.from(expected))).toBe(true);
});

/** A threshold at which random weights draw neither nothing nor everything. */
async function telling(): Promise<number> {
  for (let threshold = 0.02; threshold < 1; threshold += 0.02) {
    const [mask] = (await segmentation.unary('Segment', { ...encoded(), threshold })).masks;
    const area = Number(mask?.areaPx);
    if (area > 600 && area < 59_400) return threshold;
  }
  throw new Error('the random model draws nothing that tells masks apart');
}

test('the service tells the area in square millimetres where the spacing is known', async () => {
  const pixelSpacing = { columnMm: 0.5, rowMm: 0.25 };
  const threshold = await telling();
  const [mask] = (
    await segmentation.unary('Segment', {
      model: 'polyp',
      image: { ...encoded().image, pixelSpacing },
      threshold,
    })
  ).masks;
  expect(mask?.areaMm2).toBeCloseTo(Number(mask?.areaPx) * 0.125, 6);
  expect(mask?.meanForegroundProbability).toBeGreaterThan(threshold - 1e-6);
  expect(mask?.boundingBox?.widthPx).toBeGreaterThan(0);
});

test('classifies an image', async () => {
  const answer = await classification.unary('Classify', { model: 'tumour', image: { encoded: image.png } });
  expect(answer.probabilities.map(({ className }) => className)).toEqual(CLASSES);
  expect(answer.probabilities.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 5);
  const best = answer.probabilities.reduce((left, right) => (right.probability > left.probability ? right : left));
  expect(answer.predictedClass).toBe(best.className);
  expect(answer.model?.name).toBe('tumour');
});

test('heads of both tasks share one base', async () => {
  await segmentation.unary('Segment', encoded());
  await classification.unary('Classify', { model: 'tumour', image: { encoded: image.png } });
  expect(await metric('automed_loaded_models')).toBeGreaterThanOrEqual(2);
  expect(await metric('automed_loaded_bases')).toBe(1);
});

test('an alias leads to its version, and moves at once', async () => {
  const version = async (model: string): Promise<unknown> =>
    (await segmentation.unary('Segment', { ...encoded(), model })).model?.version;
  expect([await version('polyp'), await version('polyp@1'), await version('polyp@production')]).toEqual([2, 1, 1]);
  const { model } = await models.unary('SetAlias', { model: 'polyp', alias: 'production', version: 2 });
  expect(model?.aliases).toEqual(['production']);
  expect(await version('polyp@production')).toBe(2);
});

const raw = (fields: object): SegmentRequest => ({
  model: 'polyp',
  image: {
    raw: {
      data: Buffer.alloc(16),
      widthPx: 4,
      heightPx: 4,
      pixelFormat: 'PIXEL_FORMAT_GRAY',
      sampleType: 'SAMPLE_TYPE_UINT8',
      ...fields,
    },
  },
});
const nan = Buffer.alloc(64);
nan.writeFloatLE(NaN, 20);
const infinite = Buffer.alloc(64);
infinite.writeFloatLE(-Infinity, 0);
const lowest = Buffer.from(new Float32Array(16).fill(-3.4e38).buffer);

test.each<[string, () => SegmentRequest, object]>([
  ['no image', () => ({ model: 'polyp' }), { code: 'INVALID_ARGUMENT', field: 'image' }],
  ['0 bytes', () => ({ model: 'polyp', image: { encoded: Buffer.alloc(0) } }), { code: 'INVALID_ARGUMENT' }],
  [
    'a truncated file',
    () => ({ model: 'polyp', image: { encoded: image.png.subarray(0, 4000) } }),
    { code: 'UNSUPPORTED_IMAGE', field: 'image' },
  ],
  [
    'text',
    () => ({ model: 'polyp', image: { encoded: Buffer.from('not an image, but text') } }),
    { code: 'UNSUPPORTED_IMAGE' },
  ],
  [
    'a header of 60000 x 60000',
    () => ({ model: 'polyp', image: { encoded: png(60_000, 60_000, RGB, 8, Buffer.alloc(0)) } }),
    { name: 'InvalidInputError', field: 'image' },
  ],
  [
    'raw pixels of another length',
    () => raw({ data: Buffer.alloc(15) }),
    { code: 'SHAPE_MISMATCH', field: 'image.raw.data' },
  ],
  [
    'raw pixels without a format',
    () => raw({ pixelFormat: 'PIXEL_FORMAT_UNSPECIFIED' }),
    { code: 'INVALID_ARGUMENT', field: 'image.raw.pixel_format' },
  ],
  ['a NaN', () => raw({ data: nan, sampleType: 'SAMPLE_TYPE_FLOAT32' }), { name: 'InvalidInputError' }],
  ['an infinity', () => raw({ data: infinite, sampleType: 'SAMPLE_TYPE_FLOAT32' }), { name: 'InvalidInputError' }],
  ['a float of -3.4e38', () => raw({ data: lowest, sampleType: 'SAMPLE_TYPE_FLOAT32' }), { field: 'pixels' }],
  [
    'a spacing of 0',
    () => ({ model: 'polyp', image: { encoded: image.png, pixelSpacing: { columnMm: 1 } } }),
    { field: 'image.pixel_spacing' },
  ],
  ['a threshold of 1', () => ({ ...encoded(), threshold: 1 }), { code: 'INVALID_ARGUMENT', field: 'threshold' }],
  ['a threshold of NaN', () => ({ ...encoded(), threshold: NaN }), { code: 'INVALID_ARGUMENT', field: 'threshold' }],
  ['a priority of 101', () => ({ ...encoded(), priority: 101 }), { code: 'INVALID_ARGUMENT', field: 'priority' }],
  ['a mask format of a later version', () => ({ ...encoded(), maskFormat: 9 as never }), { field: 'mask_format' }],
  ['no model', () => ({ ...encoded(), model: '' }), { code: 'INVALID_ARGUMENT', field: 'model' }],
  ['a malformed model', () => ({ ...encoded(), model: '../../etc' }), { code: 'INVALID_ARGUMENT', field: 'model' }],
  ['an unknown model', () => ({ ...encoded(), model: 'nobody' }), { name: 'NotFoundError', code: 'NOT_FOUND' }],
  ['an unknown version', () => ({ ...encoded(), model: 'polyp@99' }), { code: 'NOT_FOUND' }],
  ['an unknown alias', () => ({ ...encoded(), model: 'polyp@nowhere' }), { code: 'NOT_FOUND' }],
  ['a model of the other task', () => ({ ...encoded(), model: 'tumour' }), { code: 'WRONG_TASK', field: 'model' }],
])('refuses %s with its typed error', async (_what, request, expected) => {
  await expect(segmentation.unary('Segment', request())).rejects.toMatchObject(expected);
});

test('the service refuses to classify with a segmentation model', async () => {
  const call = classification.unary('Classify', { model: 'polyp', image: { encoded: image.png } });
  await expect(call).rejects.toMatchObject({ code: 'WRONG_TASK', cause: { code: Code.INVALID_ARGUMENT } });
});

test.each(['altered', 'shortened'])('weights %s after registration are DATA_LOSS', async (name) => {
  const { weightsPath } = await store.store.resolveModel(name);
  if (name === 'shortened') truncateSync(weightsPath, 1000);
  else appendFileSync(weightsPath, 'x');
  await expect(segmentation.unary('Segment', { ...encoded(), model: name })).rejects.toMatchObject({
    name: 'CheckpointError',
    code: 'CHECKPOINT_CORRUPT',
    cause: { code: Code.DATA_LOSS },
  });
  expect(await health(`automed.model/${name}@1`)).toBe(`status ${Code.NOT_FOUND}`);
});

test('the service loads and unloads a model, and its health follows', async () => {
  expect(await health('automed.model/spare@1')).toBe(`status ${Code.NOT_FOUND}`);
  expect((await models.unary('LoadModel', { model: 'spare' })).model?.loaded).toBe(true);
  expect(await health('automed.model/spare@1')).toBe('SERVING');
  expect((await models.unary('UnloadModel', { model: 'spare' })).model?.loaded).toBe(false);
  expect(await health('automed.model/spare@1')).toBe('NOT_SERVING');
});

test('the service lists models by page and task, with what the store records', async () => {
  const first = await models.unary('ListModels', { pageSize: 3 });
  expect(first.models.length).toBe(3);
  const second = await models.unary('ListModels', { pageSize: 100, pageToken: first.nextPageToken });
  const all = [...first.models, ...second.models].map(({ name, version }) => `${name}@${version}`);
  expect(all).toEqual(['altered@1', 'lesion@1', 'polyp@1', 'polyp@2', 'shortened@1', 'spare@1', 'tumour@1']);
  expect(second.nextPageToken).toBe('');
  const classifiers = await models.unary('ListModels', { task: 'TASK_CLASSIFICATION' });
  expect(classifiers.models).toMatchObject([{ name: 'tumour', task: 'TASK_CLASSIFICATION', classes: CLASSES }]);
  const { model } = await models.unary('GetModel', { model: 'polyp@1' });
  expect(model).toMatchObject({ version: 1, baseName: 'tiny', structures: ['polyp'] });
  expect(model?.metrics).toEqual({ mdsc: 0.5, 'validation.mdsc': 0.25 });
  expect(model?.threshold).toBeCloseTo(0.5);
  const { backbones } = await models.unary('ListBackbones', {});
  expect(backbones).toMatchObject([
    { name: 'imagenet', version: 1, kind: 'BACKBONE_KIND_MOBILENET_V3_LARGE', weightsBytes: '3' },
  ]);
  const { bases } = await models.unary('ListBases', {});
  expect(bases).toMatchObject([{ name: 'tiny', version: 1, loaded: true }]);
  expect((await models.unary('GetBase', { base: 'tiny' })).base?.weightsSha256).toBe(
    store.base.manifest.weights.sha256,
  );
});

test('the service deletes a version unless an alias needs it, and serves it no more', async () => {
  await store.addSegmentation('doomed');
  await models.unary('SetAlias', { model: 'doomed', alias: 'live', version: 1 });
  await segmentation.unary('Segment', { ...encoded(), model: 'doomed@live' });
  await expect(models.unary('DeleteModel', { model: 'doomed@1' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
  await expect(models.unary('DeleteModel', { model: 'doomed@live' })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
  });
  await models.unary('DeleteAlias', { model: 'doomed', alias: 'live' });
  await models.unary('DeleteModel', { model: 'doomed@1' });
  await expect(segmentation.unary('Segment', { ...encoded(), model: 'doomed@1' })).rejects.toMatchObject({
    code: 'NOT_FOUND',
  });
  expect(await health('automed.model/doomed@1')).toBe('NOT_SERVING');
});

test('a series goes on after a bad image, and stays on its version', async () => {
  const images = [image.png, image.png.subarray(0, 500), image.png, Buffer.alloc(0), image.png];
  const requests = images.map((bytes, index) => ({ model: index === 0 ? 'polyp' : '', image: { encoded: bytes } }));
  const answers = [];
  for await (const answer of segmentation.series('SegmentStream', requests)) answers.push(answer);
  expect(answers.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4]);
  expect(answers.map(({ outcome }) => outcome)).toEqual(['result', 'status', 'result', 'status', 'result']);
  expect(answers[1]?.status).toMatchObject({
    code: Code.INVALID_ARGUMENT,
    reason: 'UNSUPPORTED_IMAGE',
    field: 'image',
  });
  expect(answers[0]?.result?.masks[0]?.png?.equals(answers[4]?.result?.masks[0]?.png ?? Buffer.alloc(0))).toBe(true);

  const classified = [];
  for await (const { outcome } of classification.series('ClassifyStream', [
    { model: 'tumour', image: { encoded: image.png } },
    { image: { raw: { widthPx: 3 } } },
  ])) {
    classified.push(outcome);
  }
  expect(classified).toEqual(['result', 'status']);
});

test('cancelled and expired requests leave the engine without being run', async () => {
  await segmentation.unary('Segment', encoded());
  const cancelled = await metric('automed_engine_requests_total{outcome="cancelled"');
  const expired = await metric('automed_engine_requests_total{outcome="expired"');
  const abort = new AbortController();
  setMaxListeners(0, abort.signal);
  const requests = await unseen(48);
  const calls = requests.slice(24).map((each) => segmentation.unary('Segment', each, { signal: abort.signal }));
  const outcomes = Promise.allSettled(calls);
  while ((await metric('automed_engine_queued_images')) < 5) if (await settledAll(calls)) break;
  abort.abort();
  const settled = await outcomes;
  expect(settled.some(({ status }) => status === 'rejected')).toBe(true);
  while ((await metric('automed_engine_requests_total{outcome="cancelled"')) === cancelled) await pause();

  const late = await Promise.allSettled(
    requests.slice(0, 24).map((each) => segmentation.unary('Segment', each, { timeoutMs: 120 })),
  );
  for (const outcome of late) {
    if (outcome.status === 'rejected')
      expect(['DEADLINE_EXCEEDED', 'QUEUE_FULL']).toContain((outcome.reason as { code: string }).code);
  }
  expect(await metric('automed_engine_requests_total{outcome="expired"')).toBeGreaterThanOrEqual(expired);
});

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

async function settledAll(calls: Promise<unknown>[]): Promise<boolean> {
  return Promise.race([Promise.allSettled(calls).then(() => true), pause().then(() => false)]);
}

test('the service publishes what the engine counts', async () => {
  expect(await metric('automed_engine_requests_total{outcome="completed"')).toBeGreaterThan(0);
  expect(await metric('automed_engine_encoded_images_total')).toBeGreaterThan(0);
});

test('logs calls with their model, and never the store path or content', async () => {
  await segmentation.unary('Segment', encoded(), { metadata: { 'x-request-id': 'seg-1' } });
  const line = await eventually(() => program.lines.find((each) => each.requestId === 'seg-1'));
  expect(line).toMatchObject({ event: 'call', method: 'Segment', model: 'polyp@2', code: 'OK' });
  const calls = program.lines.filter((each) => each.event === 'call');
  expect(JSON.stringify(calls)).not.toContain(home);
});

describe('programs of their own', () => {
  const started: Program[] = [];
  afterEach(async () => {
    for (const each of started.splice(0)) if (each.child.exitCode === null) await each.stop('SIGKILL');
  });
  const start = async (environment: Record<string, string>): Promise<Program> => {
    const each = await startProgram('inference', { AUTOMED_HOME: home, ...environment });
    started.push(each);
    return each;
  };

  test('SIGTERM during requests finishes them, refuses new ones, and exits 0', async () => {
    const mine = await start({ AUTOMED_PRELOAD: 'polyp' });
    const client = segmentationClient(mine.address);
    await client.unary('Segment', encoded());
    const calls = Array.from({ length: 6 }, () => client.unary('Segment', encoded()));
    await new Promise((resolve) => setTimeout(resolve, 30));
    const exit = mine.stop('SIGTERM');
    const answers = await Promise.all(calls);
    expect(answers.every(({ masks }) => masks[0]?.png?.length)).toBe(true);
    expect(await exit).toBe(0);
    expect(mine.lines.at(-1)).toMatchObject({ event: 'stopped' });
    await expect(client.unary('Segment', encoded())).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    client.close();
  });

  test('without loading on demand only preloaded models answer', async () => {
    const mine = await start({ AUTOMED_PRELOAD: 'polyp@1', AUTOMED_LOAD_ON_DEMAND: 'false' });
    const client = segmentationClient(mine.address);
    await client.unary('Segment', { ...encoded(), model: 'polyp@1' });
    await expect(client.unary('Segment', { ...encoded(), model: 'lesion' })).rejects.toMatchObject({
      name: 'IllegalStateError',
      cause: { code: Code.FAILED_PRECONDITION },
    });
    client.close();
  });

  test('a full queue refuses with the time to come back', async () => {
    const mine = await start({ AUTOMED_PRELOAD: 'polyp', AUTOMED_QUEUE_CAPACITY: '1', AUTOMED_WORKERS: '1' });
    const client = segmentationClient(mine.address);
    const settled = await Promise.allSettled((await unseen(24)).map((each) => client.unary('Segment', each)));
    const refused = settled.filter((each): each is PromiseRejectedResult => each.status === 'rejected');
    expect(settled.length - refused.length).toBeGreaterThan(0);
    expect(refused.length).toBeGreaterThan(0);
    for (const { reason } of refused) {
      expect(reason).toMatchObject({ code: 'QUEUE_FULL', cause: { code: Code.RESOURCE_EXHAUSTED } });
      expect((reason as { retryAfterMs: number }).retryAfterMs).toBeGreaterThan(0);
    }
    client.close();
  });

  test('hosts only the roles it is told to', async () => {
    const mine = await start({ AUTOMED_ROLES: 'classification' });
    const classifier = classificationClient(mine.address);
    const segmenter = segmentationClient(mine.address);
    const answer = await classifier.unary('Classify', { model: 'tumour', image: { encoded: image.png } });
    expect(answer.predictedClass).not.toBe('');
    await expect(segmenter.unary('Segment', encoded())).rejects.toMatchObject({ cause: { code: Code.UNIMPLEMENTED } });
    const registry = modelClient(mine.address);
    await expect(registry.unary('LoadModel', { model: 'polyp' })).rejects.toMatchObject({ code: 'ILLEGAL_STATE' });
    for (const client of [classifier, segmenter, registry]) client.close();
  });

  test('weights that are whole but not of their architecture are CHECKPOINT_MISMATCH', async () => {
    const { manifest } = await store.store.resolveModel('spare');
    const { weightsPath } = await store.store.resolveModel('tumour');
    await store.store.registerModel({ ...manifest, name: 'mixed' }, async (folder) =>
      copyFileSync(weightsPath, join(folder, WEIGHTS_FILE)),
    );
    await expect(segmentation.unary('Segment', { ...encoded(), model: 'mixed' })).rejects.toMatchObject({
      name: 'CheckpointError',
      code: 'CHECKPOINT_MISMATCH',
      cause: { code: Code.FAILED_PRECONDITION },
    });
    await store.store.deleteModel('mixed');
  });

  test('refuses to start with every problem of its configuration in one message', async () => {
    const failing = start({ AUTOMED_ROLES: 'painting', AUTOMED_QUEUE_CAPACITY: '0', AUTOMED_DEVICE: 'abacus' });
    await expect(failing).rejects.toThrow(/AUTOMED_ROLES[\s\S]*AUTOMED_DEVICE[\s\S]*AUTOMED_QUEUE_CAPACITY/);
    await expect(start({ AUTOMED_WORKERS: '64', AUTOMED_THREADS_PER_WORKER: '64' })).rejects.toThrow(/exceed the/);
    await expect(start({ AUTOMED_ADDRESS: '0.0.0.0:0' })).rejects.toThrow(/--insecure/);
    await expect(start({ AUTOMED_PRELOAD: 'nobody' })).rejects.toThrow(/nobody/);
  });
});
