// The jobs of the engine that share embeddings: several heads at once, prompts, everything mode.

import { EVERYTHING_DEFAULTS, type AutomedError, type Engine, type Prompts } from '../../../../native/lib';
import {
  makeMicroEngine,
  makeMicroFiles,
  MICRO_BASE,
  MICRO_SEGMENTATION,
  noise,
  type MicroEngine,
  type MicroFiles,
} from '../../../support/micro';

let files: MicroFiles;
const open: Engine[] = [];

async function micro(options: Parameters<typeof makeMicroEngine>[1] = {}): Promise<MicroEngine> {
  const made = await makeMicroEngine(files, options);
  open.push(made.engine);
  return made;
}

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});
afterAll(() => files.remove());

const image = noise(90, 70);
const nothing: Prompts = { points: null, labels: null, boxes: null, mask: null, multimask: false, threshold: 0.5 };
const point = (x: number, y: number, more: Partial<Prompts> = {}): Prompts => ({
  ...nothing,
  points: Float32Array.of(x, y),
  labels: Float32Array.of(1),
  ...more,
});
const failure = async (promise: Promise<unknown>): Promise<AutomedError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: AutomedError) => error,
  );

describe('several heads on one image', () => {
  it('take one encoder pass and say what each says alone', async () => {
    const { engine, segmentation, classification } = await micro();
    const alone = await engine.segment(segmentation, image, 0.5);
    const { probabilities } = await engine.classify(classification, image);
    expect(engine.stats().encodedImages).toBe(2);
    const { outputs } = await engine.analyze(
      [
        { model: classification, task: 'classification' },
        { model: segmentation, task: 'segmentation', threshold: 0.5 },
        { model: segmentation, task: 'segmentation', threshold: 0.5 },
      ],
      image,
    );
    expect(engine.stats().encodedImages).toBe(3);
    expect(outputs.map(({ task }) => task)).toEqual(['classification', 'segmentation', 'segmentation']);
    expect(outputs[0]).toEqual({ task: 'classification', probabilities, saliency: null });
    expect(outputs[1]?.task === 'segmentation' && outputs[1].masks[0]?.mask.equals(alone.masks[0]!.mask)).toBe(true);
  });

  it('must stand on one base', async () => {
    const { engine, base, segmentation } = await micro();
    const twin = await engine.loadBase(files.base, MICRO_BASE);
    const other = await engine.loadModel(twin, files.segmentation, MICRO_SEGMENTATION);
    expect(other.base).not.toBe(base);
    const heads = [segmentation, other].map((model) => ({ model, task: 'segmentation' as const, threshold: 0.5 }));
    expect((await failure(engine.analyze(heads, image))).code).toBe('INVALID_ARGUMENT');
    expect((await failure(engine.analyze([], image))).code).toBe('INVALID_ARGUMENT');
  });
});

describe('preprocessing', () => {
  const BGR = '{"fit":"pad-or-stretch","channels":"bgr"}';
  const swapped = {
    ...image,
    data: image.data.map((_, at) => image.data[at - (at % 3) + 2 - (at % 3)]!),
  };

  it('is the base’s where a head does not say otherwise, and its own where it does', async () => {
    const { engine, base, segmentation } = await micro();
    const expected = (await engine.segment(segmentation, image, 0.5)).masks[0]!.mask;
    for (const [text, pixels] of [
      ['{"fit":"pad-or-stretch"}', image],
      [BGR, swapped],
    ] as const) {
      const head = await engine.loadModel(base, files.segmentation, MICRO_SEGMENTATION, text);
      expect((await engine.segment(head, pixels, 0.5)).masks[0]!.mask.equals(expected)).toBe(true);
    }
    const architecture = JSON.stringify({ ...(JSON.parse(MICRO_BASE) as object), channels: 'bgr' });
    const other = await engine.loadBase(files.base, architecture);
    const inheriting = await engine.loadModel(other, files.segmentation, MICRO_SEGMENTATION);
    expect((await engine.segment(inheriting, swapped, 0.5)).masks[0]!.mask.equals(expected)).toBe(true);
    const [prompted, asBefore] = [
      await engine.predictMasks(other, swapped, point(45, 35)),
      await engine.predictMasks(base, image, point(45, 35)),
    ];
    expect(prompted.masks[0]!.lowRes).toEqual(asBefore.masks[0]!.lowRes);
  });

  it('must be one in a job', async () => {
    const { engine, base, segmentation } = await micro();
    const other = await engine.loadModel(base, files.segmentation, MICRO_SEGMENTATION, BGR);
    const heads = [segmentation, other].map((model) => ({ model, task: 'segmentation' as const, threshold: 0.5 }));
    const error = await failure(engine.analyze(heads, image));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'heads']);
  });

  it.each([
    ['{"channels":"grb"}', 'channels'],
    ['{"resize":"cubic"}', 'resize'],
    ['{"crop":true}', 'crop'],
    ['{', 'architecture'],
  ])('is refused by field: %s', async (text, field) => {
    const { engine, base } = await micro();
    const error = await failure(engine.loadModel(base, files.segmentation, MICRO_SEGMENTATION, text));
    expect([error.code, error.field ?? 'architecture']).toEqual(['INVALID_ARGUMENT', field]);
  });
});

describe('the embedding cache', () => {
  it('spares the encoder, whoever asks, and changes no mask', async () => {
    const { engine, base, segmentation, classification } = await micro();
    const embeddingKey = 'image';
    const first = await engine.segment(segmentation, image, 0.5, { embeddingKey });
    const second = await engine.segment(segmentation, image, 0.5, { embeddingKey });
    await engine.classify(classification, image, { embeddingKey });
    await engine.encode(base, image, { embeddingKey });
    await engine.predictMasks(base, undefined, point(3, 4), { embeddingKey });
    expect([first.timings.embeddingCached, second.timings.embeddingCached]).toEqual([false, true]);
    expect(second.masks[0]?.mask.equals(first.masks[0]!.mask)).toBe(true);
    expect(engine.stats()).toMatchObject({ encodedImages: 1, cacheHits: 4, cacheMisses: 1, cachedEmbeddings: 1 });
    expect(engine.stats().cachedBytes).toBe(16 * 4 * 4 * 4); // 16 channels of 4 x 4 floats
  });

  it('keeps nothing without a key, and nothing beyond its budget', async () => {
    const { engine, segmentation, base } = await micro({ embeddingCacheBytes: 2 * 1024 });
    await engine.segment(segmentation, image, 0.5);
    expect(engine.stats()).toMatchObject({ cachedEmbeddings: 0, cacheHits: 0, cacheMisses: 0 });
    for (const embeddingKey of ['a', 'b', 'c']) await engine.encode(base, image, { embeddingKey });
    expect(engine.stats()).toMatchObject({ cachedEmbeddings: 2, cachedBytes: 2048, cacheEvictions: 1 });
    const gone = await failure(engine.predictMasks(base, undefined, point(1, 1), { embeddingKey: 'a' }));
    expect([gone.name, gone.code, gone.field]).toEqual(['NotFoundError', 'EMBEDDING_NOT_RESIDENT', 'embedding_id']);
  });

  it('gives an image of a batch the embedding it has alone', async () => {
    const { engine, base } = await micro({ maxBatch: 3, maxBatchWaitMs: 5000 });
    const images = [1, 2, 3].map((seed) => noise(64, 64, seed));
    const encoded = await Promise.all(
      images.map((each, at) => engine.encode(base, each, { embeddingKey: `image ${at}` })),
    );
    expect(encoded.map(({ timings }) => timings.batchSize)).toEqual([3, 3, 3]);
    for (const [at, each] of images.entries()) {
      const kept = await engine.predictMasks(base, undefined, point(9, 9), { embeddingKey: `image ${at}` });
      const fresh = await engine.predictMasks(base, each, point(9, 9));
      const differences = fresh.masks[0]!.lowRes.map((value, i) => Math.abs(value - kept.masks[0]!.lowRes[i]!));
      expect(Math.max(...differences)).toBeLessThan(1e-4);
    }
  });
});

describe('prompts', () => {
  it('draw masks at the original size, with the logits to continue from', async () => {
    const { engine, base } = await micro();
    const { masks, width, height } = await engine.predictMasks(base, image, point(45, 35, { multimask: true }));
    expect([width, height, masks.length]).toEqual([90, 70, 3]);
    expect(masks.map(({ predictedIou }) => predictedIou)).toEqual(
      masks.map(({ predictedIou }) => predictedIou).sort((a, b) => b - a),
    );
    for (const { mask, areaPx, lowRes, lowResSide, object } of masks) {
      expect([mask.length, areaPx, lowRes.length, lowResSide, object]).toEqual([
        6300,
        mask.reduce((sum, value) => sum + value, 0),
        256,
        16,
        0,
      ]);
    }
    const again = await engine.predictMasks(base, image, point(45, 35, { mask: masks[0]!.lowRes }));
    expect(again.masks[0]?.lowRes).not.toEqual(masks[0]?.lowRes);
  });

  it('with several boxes describe several objects', async () => {
    const { engine, base } = await micro();
    const boxes = Float32Array.of(1, 1, 40, 40, 50, 20, 90, 70);
    const { masks } = await engine.predictMasks(base, image, { ...nothing, boxes, multimask: true });
    expect(masks.map(({ object }) => object)).toEqual([0, 0, 0, 1, 1, 1]);
  });

  it.each<[string, Prompts, string]>([
    ['a point right of the image', point(90, 0), 'points[0].x_px'],
    ['a point that is no number', point(1, Number.NaN), 'points[0].y_px'],
    ['a box without height', { ...nothing, boxes: Float32Array.of(1, 9, 5, 9) }, 'boxes[0].y1_px'],
    ['a mask of another size', { ...nothing, mask: new Float32Array(81) }, 'mask_logits'],
    ['no prompt', nothing, 'points'],
    ['a threshold of 1', point(1, 1, { threshold: 1 }), 'threshold'],
  ])('refuse %s before the encoder runs', async (_what, prompts, field) => {
    const { engine, base } = await micro();
    const error = await failure(engine.predictMasks(base, image, prompts));
    expect([error.name, error.field]).toEqual(['InvalidInputError', field]);
    expect(engine.stats().encodedImages).toBe(0);
  });
});

describe('everything mode', () => {
  const lenient = { ...EVERYTHING_DEFAULTS, pointsPerSide: 6, minPredictedIou: 0, minStability: 0 };

  it('finds masks by falling predicted IoU', async () => {
    const { engine, base } = await micro();
    const { masks } = await engine.findEverything(base, image, lenient);
    const scores = masks.map(({ predictedIou }) => predictedIou);
    expect(scores.length).toBeGreaterThan(0);
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    expect(masks.every(({ stability, areaPx }) => stability >= 0 && stability <= 1 && areaPx > 0)).toBe(true);
  });

  it('stops soon after it is cancelled', async () => {
    const { engine, base } = await micro();
    const controller = new AbortController();
    const slow = { ...lenient, pointsPerSide: 128, pointsPerBatch: 4 };
    const running = failure(engine.findEverything(base, image, slow, { signal: controller.signal }));
    while (engine.stats().runningImages === 0) await new Promise(setImmediate);
    controller.abort();
    expect((await running).code).toBe('CANCELLED');
    expect(engine.stats()).toMatchObject({ cancelledRequests: 1, failedRequests: 0 });
  });

  it('names a parameter that is out of range', async () => {
    const { engine, base } = await micro();
    const error = await failure(engine.findEverything(base, image, { ...lenient, nmsIou: 2 }));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'nms_iou']);
  });
});
