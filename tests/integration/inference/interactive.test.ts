// Prompts, everything mode, sessions and analysis through the gateway and the native server program as processes.

import { once } from 'node:events';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { status as Code } from '@grpc/grpc-js';
import sharp from 'sharp';
import type { InteractiveSessionRequest } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionRequest';
import type { InteractiveSessionResponse__Output } from '../../../proto/gen/automed/segmentation/v1/InteractiveSessionResponse';
import type { PredictMasksRequest } from '../../../proto/gen/automed/segmentation/v1/PredictMasksRequest';
import { decodeMask } from '../../../services/imaging/mask';
import { WEIGHTS_FILE } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage, type TestImage } from '../../support/stack-images';
import { makeStore, type TestStore } from '../../support/stack-store';
import { fillTensors } from '../../support/unsound';
import { analysisClient, classificationClient, interactiveClient, segmentationClient } from '../../support/api-clients';

const home = temporaryFolder();
let store: TestStore;
let program: Program;
let gateway: Program;
let interactive: ReturnType<typeof interactiveClient>;
let analysis: ReturnType<typeof analysisClient>;
let segmentation: ReturnType<typeof segmentationClient>;
let classification: ReturnType<typeof classificationClient>;
let seed = 100;
/** An image that nobody has sent before. */
const newImage = (): Promise<TestImage> => discImage(120, 80, (seed += 1));

beforeAll(async () => {
  store = await makeStore(home);
  for (const name of ['polyp', 'lesion']) await store.addSegmentation(name);
  await store.addClassification('tumour');
  // Loaded beforehand: the pass that proves a model counts, too.
  program = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_PRELOAD: 'polyp,lesion,tumour' });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: program.address,
    AUTOMED_CLASSIFICATION_BACKENDS: program.address,
  });
  interactive = interactiveClient(gateway.address);
  analysis = analysisClient(gateway.address);
  segmentation = segmentationClient(gateway.address);
  classification = classificationClient(gateway.address);
});

afterAll(async () => {
  for (const client of [interactive, analysis, segmentation, classification]) client.close();
  expect(await gateway.stop()).toBe(0);
  expect(await program.stop()).toBe(0);
});

async function metric(name: string, of = program): Promise<number> {
  const url = `http://${of.metricsAddress}/metrics`;
  const text = await (await fetch(url, { headers: { connection: 'close' } })).text();
  const line = text.split('\n').find((each) => each.startsWith(`automed_${name}{`));
  return Number(line?.split(' ').at(-1));
}
const encodedImages = (): Promise<number> => metric('engine_encoded_images_total');
const point = (xPx: number, yPx: number) => ({ xPx, yPx });

describe('EncodeImage and PredictMasks', () => {
  test('answer prompts on an embedding without another encoder pass', async () => {
    const { png } = await newImage();
    const before = await encodedImages();
    const encoded = await interactive.unary('EncodeImage', { model: 'tiny', image: { encoded: png } });
    expect(encoded).toMatchObject({ widthPx: 120, heightPx: 80 });
    expect(Number(encoded.timeToLiveMs)).toBeGreaterThan(0);
    expect(encoded.base).toEqual({
      name: 'tiny',
      version: 1,
      weightsSha256: store.base.manifest.weights.sha256,
      precision: 'PRECISION_FLOAT32',
    });
    const { embeddingId } = encoded;
    const request = { model: 'tiny', embeddingId, points: [point(60, 40)], multimask: true, returnLogits: true };
    const answer = await interactive.unary('PredictMasks', request);
    expect(await encodedImages()).toBe(before + 1);
    expect(answer.timings?.embeddingCached).toBe(true);
    expect(answer).toMatchObject({ embeddingId, widthPx: 120, heightPx: 80, threshold: 0.5 });
    const scores = answer.masks.map(({ predictedIou }) => predictedIou);
    expect([scores.length, [...scores].sort((a, b) => b - a)]).toEqual([3, scores]);
    for (const { mask, logits, objectIndex } of answer.masks) {
      const drawn = await decodeMask(mask?.png ?? Buffer.alloc(0));
      expect([drawn.width, drawn.height]).toEqual([120, 80]);
      expect(Number(mask?.areaPx)).toBe(drawn.mask.reduce((sum, value) => sum + value, 0));
      expect([logits?.shape, logits?.data.length, logits?.type]).toEqual([
        [64, 64],
        64 * 64 * 4,
        'TENSOR_TYPE_FLOAT32',
      ]);
      expect(objectIndex).toBe(0);
    }
    // From the mask before, on the image itself this time: the same embedding.
    const refined = await interactive.unary('PredictMasks', {
      model: 'tiny@1',
      image: { encoded: png },
      points: [point(60, 40), { ...point(2, 2), label: 'POINT_LABEL_BACKGROUND' }],
      maskLogits: answer.masks[0]?.logits ?? null,
      maskFormat: 'MASK_FORMAT_COCO_RLE',
    });
    expect(refined.embeddingId).toBe(embeddingId);
    expect([refined.masks.length, refined.masks[0]?.mask?.data, refined.masks[0]?.logits]).toEqual([
      1,
      'cocoRle',
      null,
    ]);
    expect(await encodedImages()).toBe(before + 1);
  });

  test('give the same mask with the image as with its embedding', async () => {
    const { png } = await newImage();
    const prompts = { model: 'tiny', boxes: [{ x0Px: 20, y0Px: 10, x1Px: 120, y1Px: 80 }], returnLogits: true };
    const withImage = await interactive.unary('PredictMasks', { ...prompts, image: { encoded: png } });
    const withId = await interactive.unary('PredictMasks', { ...prompts, embeddingId: withImage.embeddingId });
    expect(withId.masks[0]?.logits?.data.equals(withImage.masks[0]?.logits?.data ?? Buffer.alloc(0))).toBe(true);
    expect(withId.masks[0]?.mask).toEqual(withImage.masks[0]?.mask);
  });

  test('take the base of a segmentation model, and share its embedding with the model', async () => {
    const { png } = await newImage();
    const before = await encodedImages();
    await segmentation.unary('Segment', { model: 'polyp', image: { encoded: png } });
    const answer = await interactive.unary('PredictMasks', {
      model: 'polyp',
      image: { encoded: png },
      points: [point(1, 1)],
    });
    expect(answer.base).toMatchObject({ name: 'tiny', version: 1 });
    expect(await encodedImages()).toBe(before + 1);
  });

  test('answer several boxes as several objects', async () => {
    const { png } = await newImage();
    const boxes = [
      { x0Px: 0, y0Px: 0, x1Px: 50, y1Px: 50 },
      { x0Px: 60, y0Px: 30, x1Px: 120, y1Px: 80 },
    ];
    const { masks } = await interactive.unary('PredictMasks', { model: 'tiny', image: { encoded: png }, boxes });
    expect(masks.map(({ objectIndex }) => objectIndex)).toEqual([0, 1]);
  });

  test('tell an embedding that is not here from everything else that is not there', async () => {
    const other = await interactive.unary('EncodeImage', { model: 'tiny', image: { encoded: (await newImage()).png } });
    const call = interactive.unary('PredictMasks', {
      model: 'tiny',
      embeddingId: [...other.embeddingId].reverse().join(''),
      points: [point(1, 1)],
    });
    await expect(call).rejects.toMatchObject({
      name: 'NotFoundError',
      code: 'EMBEDDING_NOT_RESIDENT',
      field: 'embedding_id',
      cause: { code: Code.NOT_FOUND },
    });
  });

  test('keep what a caller sent from every other caller, who cannot even learn that it is there', async () => {
    // As a gateway does that knows who calls; what callers say themselves it does not pass on.
    const backend = interactiveClient(program.address);
    const by = (caller: string) => ({ metadata: { 'automed-principal': caller } });
    const image = { encoded: (await newImage()).png };
    const { embeddingId } = await backend.unary('EncodeImage', { model: 'tiny', image }, by('user:ann'));
    const prompt = { model: 'tiny', embeddingId, points: [point(1, 1)] };
    const ask = (caller: string): Promise<unknown> => backend.unary('PredictMasks', prompt, by(caller));
    await ask('user:ann');
    const unknown = { ...prompt, embeddingId: [...embeddingId].reverse().join('') };
    const refusal = async (call: Promise<unknown>): Promise<object> =>
      call.then(
        () => ({}),
        ({ code, field, message }: { code: string; field: string; message: string }) => ({ code, field, message }),
      );
    const told = await refusal(ask('user:bob'));
    expect(told).toMatchObject({ code: 'EMBEDDING_NOT_RESIDENT', field: 'embedding_id' });
    expect(told).toEqual(await refusal(backend.unary('PredictMasks', unknown, by('user:bob'))));
    await expect(
      backend.unary('SegmentEverything', { model: 'tiny', embeddingId }, by('user:bob')),
    ).rejects.toMatchObject({ code: 'EMBEDDING_NOT_RESIDENT' });
    // Who has the image, too, gets the same embedding without another encoder pass.
    const { embeddingId: same } = await backend.unary('EncodeImage', { model: 'tiny', image }, by('user:bob'));
    expect(same).toBe(embeddingId);
    await ask('user:bob');
    backend.close();
    const forged = await interactive.unary('EncodeImage', {
      model: 'tiny',
      image: { encoded: (await newImage()).png },
    });
    await interactive.unary('PredictMasks', { ...prompt, embeddingId: forged.embeddingId }, by('user:eve'));
  });

  const tensor = { type: 'TENSOR_TYPE_FLOAT32' as const, shape: [64, 64], data: Buffer.alloc(64 * 64 * 4) };
  test.each<[string, Partial<PredictMasksRequest>, object]>([
    ['a point beside the image', { points: [point(1, 1), point(120, 3)] }, { field: 'points[1].x_px' }],
    ['a point above the image', { points: [point(1, -1)] }, { field: 'points[0].y_px' }],
    ['a point of NaN', { points: [point(NaN, 0)] }, { field: 'points[0].x_px' }],
    ['an unknown label', { points: [{ ...point(1, 1), label: 7 as never }] }, { field: 'points[0].label' }],
    ['a box beyond the image', { boxes: [{ x0Px: 0, y0Px: 0, x1Px: 121, y1Px: 5 }] }, { field: 'boxes[0].x1_px' }],
    ['a box of no height', { boxes: [{ x0Px: 0, y0Px: 5, x1Px: 9, y1Px: 5 }] }, { field: 'boxes[0].y1_px' }],
    [
      'points beside two boxes',
      { points: [point(1, 1)], boxes: [1, 2].map((at) => ({ x0Px: at, y0Px: 1, x1Px: 9, y1Px: 9 })) },
      { field: 'points' },
    ],
    ['no prompt', {}, { field: 'points' }],
    ['logits of another size', { maskLogits: { ...tensor, shape: [32, 32] } }, { field: 'mask_logits.data' }],
    [
      'logits of another base',
      { maskLogits: { ...tensor, shape: [8, 8], data: Buffer.alloc(256) } },
      { code: 'SHAPE_MISMATCH', field: 'mask_logits' },
    ],
    ['logits of no type', { maskLogits: { ...tensor, type: 0 } }, { field: 'mask_logits.type' }],
    ['a threshold of 0', { points: [point(1, 1)], threshold: 0 }, { field: 'threshold' }],
    ['a model of the other task', { points: [point(1, 1)], model: 'tumour' }, { code: 'WRONG_TASK', field: 'model' }],
    ['an unknown base', { points: [point(1, 1)], model: 'huge' }, { code: 'NOT_FOUND', field: 'model' }],
    ['an alias of a base', { points: [point(1, 1)], model: 'tiny@live' }, { code: 'NOT_FOUND', field: 'model' }],
    ['no model', { points: [point(1, 1)], model: '' }, { code: 'INVALID_ARGUMENT', field: 'model' }],
    ['too many points', { points: Array(1025).fill(point(1, 1)) as object[] }, { field: 'points' }],
  ])('refuse %s by field', async (_what, change, expected) => {
    const image = { encoded: (await discImage(120, 80)).png };
    const call = interactive.unary('PredictMasks', { model: 'tiny', image, ...change });
    await expect(call).rejects.toMatchObject(expected);
  });

  test('refuse a request without an image, and an id of another shape', async () => {
    const prompts = { model: 'tiny', points: [point(1, 1)] };
    await expect(interactive.unary('PredictMasks', prompts)).rejects.toMatchObject({ field: 'image' });
    const malformed = interactive.unary('PredictMasks', { ...prompts, embeddingId: '../secret' });
    await expect(malformed).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'embedding_id' });
  });
});

describe('SegmentEverything', () => {
  const lenient = { model: 'tiny', pointsPerSide: 4, minPredictedIou: 0, minStability: 0 };

  test('draws what a grid of points finds, by falling predicted IoU', async () => {
    const { png } = await newImage();
    const answer = await interactive.unary('SegmentEverything', { ...lenient, image: { encoded: png } });
    expect(answer.masks.length).toBeGreaterThan(0);
    const scores = answer.masks.map(({ predictedIou }) => predictedIou);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    for (const { mask, stability, xPx, yPx } of answer.masks) {
      expect([mask?.widthPx, mask?.heightPx, Number(mask?.areaPx) > 0]).toEqual([120, 80, true]);
      expect(stability).toBeGreaterThanOrEqual(0);
      expect([(xPx - 15) % 30, (yPx - 10) % 20]).toEqual([0, 0]);
    }
    const strict = { ...lenient, embeddingId: answer.embeddingId, minStability: 1, nmsIou: 0.1 };
    const fewer = await interactive.unary('SegmentEverything', strict);
    expect(fewer.masks.length).toBeLessThanOrEqual(answer.masks.length);
    expect(fewer.timings?.embeddingCached).toBe(true);
  });

  test('answers the documented defaults as it answers without them', async () => {
    const { png } = await newImage();
    const image = { encoded: png };
    const names = ({ masks }: { masks: { xPx: number; yPx: number; predictedIou: number }[] }) =>
      masks.map(({ xPx, yPx, predictedIou }) => [xPx, yPx, predictedIou]);
    const left = await interactive.unary('SegmentEverything', { ...lenient, pointsPerSide: 16, image });
    for (const sent of [{ nmsIou: 0.7 }, { stabilityOffset: 1 }, { nmsIou: 0.7, stabilityOffset: 1 }]) {
      const answer = await interactive.unary('SegmentEverything', { ...lenient, pointsPerSide: 16, image, ...sent });
      expect(names(answer)).toEqual(names(left));
    }
  });

  test('keeps a mask whose own answered stability is the threshold', async () => {
    const { png } = await newImage();
    const all = await interactive.unary('SegmentEverything', { ...lenient, image: { encoded: png } });
    for (const { stability, predictedIou, xPx, yPx } of all.masks) {
      const call = { ...lenient, embeddingId: all.embeddingId, minStability: stability };
      const { masks } = await interactive.unary('SegmentEverything', call);
      expect(masks).toContainEqual(expect.objectContaining({ stability, predictedIou, xPx, yPx }));
    }
  });

  test('refuses a parameter out of range by field', async () => {
    const call = interactive.unary('SegmentEverything', {
      ...lenient,
      image: { encoded: (await newImage()).png },
      pointsPerSide: 0,
    });
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'points_per_side' });
  });
});

describe('Analyze', () => {
  test('runs models of both tasks with one encoder pass, which a counter shows', async () => {
    const { png } = await newImage();
    const before = await encodedImages();
    const answer = await analysis.unary('Analyze', {
      model: 'polyp',
      additionalModels: ['tumour', 'lesion'],
      image: { encoded: png },
    });
    expect(await encodedImages()).toBe(before + 1);
    expect([answer.encoderPassCount, answer.baseCount]).toEqual([1, 1]);
    expect(answer.findings.map(({ answer: kind }) => kind)).toEqual(['segmentation', 'classification', 'segmentation']);
    // What each model says is what its own service says, which finds the embedding at hand.
    const alone = await segmentation.unary('Segment', { model: 'lesion', image: { encoded: png } });
    expect(answer.findings[2]?.segmentation?.masks).toEqual(alone.masks);
    expect(answer.findings[2]?.segmentation?.model).toEqual(alone.model);
    const sorted = await classification.unary('Classify', { model: 'tumour', image: { encoded: png } });
    expect(answer.findings[1]?.classification?.probabilities).toEqual(sorted.probabilities);
    expect(await encodedImages()).toBe(before + 1);
  });

  test('takes a pass for each preprocessing of a base, and asks each model in its own', async () => {
    const { manifest, weightsPath } = await store.store.resolveModel('lesion');
    if (manifest.task !== 'segmentation') throw new Error('it draws masks');
    const { weights: _weights, golden: _golden, ...draft } = manifest;
    const preprocessing = { ...manifest.preprocessing, channels: 'bgr' as const };
    await store.store.registerModel({ ...draft, name: 'swapped', preprocessing }, (folder) =>
      copyFile(weightsPath, join(folder, WEIGHTS_FILE)),
    );
    const { png } = await newImage();
    const { data, info } = await sharp(png)
      .removeAlpha()
      .toColourspace('srgb')
      .raw()
      .toBuffer({ resolveWithObject: true });
    const bgr = data.map((_, at) => data[at - (at % 3) + 2 - (at % 3)] ?? 0);
    const turned = await sharp(bgr, { raw: info }).png().toBuffer();
    const ask = (image: Buffer) =>
      analysis.unary('Analyze', { model: 'lesion', additionalModels: ['swapped'], image: { encoded: image } });
    const [answer, other] = [await ask(png), await ask(turned)];
    expect([answer.encoderPassCount, answer.baseCount, other.encoderPassCount]).toEqual([2, 1, 2]);
    const masks = ({ findings }: typeof answer) => findings.map(({ segmentation: found }) => found?.masks);
    expect(masks(answer)).toEqual(masks(other).reverse());
    // Its own service asks it so, too, and finds the embedding that is its own.
    const alone = await segmentation.unary('Segment', { model: 'swapped', image: { encoded: png } });
    expect(alone.masks).toEqual(masks(answer)[1]);
    expect(alone.timings?.embeddingCached).toBe(true);
  });

  test('names the model at fault', async () => {
    const image = { encoded: (await newImage()).png };
    const call = (model: string, additionalModels: string[]) =>
      expect(analysis.unary('Analyze', { model, additionalModels, image })).rejects;
    await call('nobody', []).toMatchObject({ code: 'NOT_FOUND', field: 'model' });
    await call('polyp', ['tumour', 'nobody']).toMatchObject({ code: 'NOT_FOUND', field: 'additional_models[1]' });
    await call('polyp', ['']).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'additional_models[0]' });
    await call('polyp', Array<string>(64).fill('polyp')).toMatchObject({ field: 'additional_models' });
  });

  test('is offered only by programs that have both roles', async () => {
    const mine = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_ROLES: 'segmentation' });
    const client = analysisClient(mine.address);
    const call = client.unary('Analyze', { model: 'polyp', image: { encoded: (await newImage()).png } });
    await expect(call).rejects.toMatchObject({ cause: { code: Code.UNIMPLEMENTED } });
    client.close();
    expect(await mine.stop()).toBe(0);
  });
});

describe('InteractiveSession', () => {
  type Session = ReturnType<typeof open>;
  const open = () => interactive.stream('InteractiveSession');
  const send = (session: Session, ...requests: InteractiveSessionRequest[]): void => {
    for (const request of requests) session.write(request);
  };
  const next = async (session: Session): Promise<InteractiveSessionResponse__Output> =>
    ((await once(session, 'data')) as [InteractiveSessionResponse__Output])[0];

  test('encodes the image once and answers prompts in order', async () => {
    const { png } = await newImage();
    const before = await encodedImages();
    const session = open();
    send(session, { model: 'tiny', image: { encoded: png } });
    expect(await next(session)).toMatchObject({ index: 0, outcome: 'encoded', encoded: { widthPx: 120 } });
    for (const index of [1, 2, 3]) {
      send(session, { points: [point(10 * index, 20)] });
      const answer = await next(session);
      expect(answer).toMatchObject({ index, outcome: 'result', droppedIndexes: [] });
      expect(answer.result?.masks).toHaveLength(1);
    }
    expect(await encodedImages()).toBe(before + 1);
    session.end();
    await once(session, 'end');
  });

  test('drops the prompts that a newer one overtakes, and reports each of them once', async () => {
    const { png } = await newImage();
    const session = open();
    const answers: InteractiveSessionResponse__Output[] = [];
    session.on('data', (answer: InteractiveSessionResponse__Output) => answers.push(answer));
    send(session, { model: 'tiny', image: { encoded: png } });
    const count = 60;
    for (let at = 1; at <= count; at += 1) send(session, { points: [point(at, 20)] });
    session.end();
    await once(session, 'end');
    const answered = answers.map(({ index }) => index);
    const dropped = answers.flatMap(({ droppedIndexes }) => droppedIndexes);
    expect(answered).toEqual([...answered].sort((a, b) => a - b));
    expect(answered.at(-1)).toBe(count);
    expect(dropped.length).toBeGreaterThan(0);
    expect([...answered, ...dropped].sort((a, b) => a - b)).toEqual(Array.from({ length: count + 1 }, (_, at) => at));
    for (const { index, droppedIndexes } of answers) expect(droppedIndexes.every((each) => each < index)).toBe(true);
    // The last answer is to the last prompt.
    const request = { model: 'tiny', image: { encoded: png }, points: [point(count, 20)] };
    const expected = await interactive.unary('PredictMasks', request);
    expect(answers.at(-1)?.result?.masks[0]?.mask).toEqual(expected.masks[0]?.mask);
  });

  test('goes on after a prompt that cannot be answered', async () => {
    const session = open();
    send(session, { model: 'tiny', points: [point(1, 1)] });
    expect(await next(session)).toMatchObject({ index: 0, status: { reason: 'INVALID_ARGUMENT', field: 'image' } });
    send(session, { image: { encoded: (await newImage()).png }, points: [point(500, 1)] });
    expect(await next(session)).toMatchObject({ index: 1, status: { field: 'points[0].x_px' } });
    send(session, { points: [point(5, 1)] });
    expect(await next(session)).toMatchObject({ index: 2, outcome: 'result' });
    send(session, { image: { encoded: Buffer.from('no image') } });
    expect(await next(session)).toMatchObject({ index: 3, status: { reason: 'UNSUPPORTED_IMAGE' } });
    send(session, { points: [point(5, 1)] });
    expect(await next(session)).toMatchObject({ index: 4, status: { field: 'image' } });
    send(session, { model: 'polyp', points: [point(5, 1)] });
    expect(await next(session)).toMatchObject({ index: 5, status: { field: 'model' } });
    session.end();
    await once(session, 'end');
  });

  test('ends when its base cannot be had', async () => {
    const session = open();
    send(session, { model: 'nobody', image: { encoded: (await newImage()).png } });
    const [error] = (await once(session, 'error').catch((thrown: unknown) => [thrown])) as [{ code: number }];
    expect(error.code).toBe(Code.NOT_FOUND);
  });

  test('needs no embedding cache', async () => {
    const mine = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_EMBEDDING_CACHE_BYTES: '0' });
    const client = interactiveClient(mine.address);
    const session = client.stream('InteractiveSession');
    send(session, { model: 'tiny', image: { encoded: (await newImage()).png } });
    // Nothing is kept, so nothing is named.
    expect(await next(session)).toMatchObject({ outcome: 'encoded', encoded: { embeddingId: '' } });
    for (const x of [3, 4]) {
      send(session, { points: [point(x, 3)] });
      expect((await next(session)).outcome).toBe('result');
    }
    expect(await metric('engine_encoded_images_total', mine)).toBe(3);
    session.end();
    await once(session, 'end');
    client.close();
    expect(await mine.stop()).toBe(0);
  });
});

test('what computes NaN or Inf answers nothing', async () => {
  const broken = (weightsPath: string, tensors: RegExp) => async (folder: string) => {
    await copyFile(weightsPath, join(folder, WEIGHTS_FILE));
    fillTensors(join(folder, WEIGHTS_FILE), tensors);
  };
  const { base } = store;
  const model = await store.store.resolveModel('lesion');
  const [ofBase, ofModel] = [broken(base.weightsPath, /neck\.3\.weight$/), broken(model.weightsPath, /running_mean$/)];
  await store.store.registerBase({ ...base.manifest, name: 'broken' }, ofBase);
  await store.store.registerModel({ ...model.manifest, name: 'broken-model' }, ofModel);
  const image = { encoded: (await newImage()).png };
  const expected = { name: 'CheckpointError', code: 'NON_FINITE_OUTPUT', cause: { code: Code.FAILED_PRECONDITION } };
  for (const method of ['EncodeImage', 'SegmentEverything'] as const) {
    await expect(interactive.unary(method, { model: 'broken', image })).rejects.toMatchObject(expected);
  }
  await expect(segmentation.unary('Segment', { model: 'broken-model', image })).rejects.toMatchObject(expected);
});

test('the service publishes what the cache and the weights take', async () => {
  expect(await metric('embedding_cache_bytes')).toBeGreaterThan(0);
  expect(await metric('embedding_cache_hits_total')).toBeGreaterThan(0);
  expect(await metric('loaded_weights_bytes')).toBeGreaterThan(store.base.manifest.weights.bytes);
  expect(await metric('weights_evictions_total')).toBe(0);
});

test('a budget for weights lets idle models go, and loads them again', async () => {
  const heads = await Promise.all(['polyp', 'lesion', 'tumour'].map((name) => store.store.resolveModel(name)));
  const [first = 0, second = 0, third = 0] = heads.map(({ manifest }) => manifest.weights.bytes);
  const room = store.base.manifest.weights.bytes + Math.max(first + second, third);
  const mine = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_WEIGHTS_BUDGET_BYTES: String(room) });
  const segment = segmentationClient(mine.address);
  const classify = classificationClient(mine.address);
  const image = { encoded: (await newImage()).png };
  for (const model of ['polyp', 'lesion']) await segment.unary('Segment', { model, image });
  expect([await metric('weights_evictions_total', mine), await metric('loaded_models', mine)]).toEqual([0, 2]);
  await classify.unary('Classify', { model: 'tumour', image });
  expect(await metric('weights_evictions_total', mine)).toBeGreaterThan(0);
  expect(await metric('loaded_weights_bytes', mine)).toBeLessThanOrEqual(room);
  await segment.unary('Segment', { model: 'polyp', image });
  for (const client of [segment, classify]) client.close();
  expect(await mine.stop()).toBe(0);
});
