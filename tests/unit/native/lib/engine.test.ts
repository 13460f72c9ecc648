import { copyFileSync, readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  buildInfo,
  Engine,
  type AutomedError,
  type DrawnMask,
  type EncoderWeights,
  type Model,
  type Pixels,
  type ValueWindow,
} from '../../../../native/lib';
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

/** Large enough that the engine is busy with it while a test fills the queue behind it. */
const large = noise(2000, 2000);
const slow = (): Pixels => large;

beforeAll(async () => {
  files = await makeMicroFiles();
});
afterEach(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
});
afterAll(() => files.remove());

/** A request that the worker has begun, so that what comes next must wait. */
async function started({ engine, segmentation }: MicroEngine): Promise<Promise<unknown>[]> {
  const running = engine.segment(segmentation, slow(), 0.5);
  while (engine.stats().runningImages === 0) await new Promise(setImmediate);
  return [running];
}

const failure = async (promise: Promise<unknown>): Promise<AutomedError> =>
  promise.then(
    () => {
      throw new Error('expected a failure');
    },
    (error: AutomedError) => error,
  );

describe('segment', () => {
  it('answers a mask of 0 and 1 at the original size, with its measures', async () => {
    const { engine, segmentation } = await micro();
    const { masks } = await engine.segment(segmentation, noise(90, 70), 0.5);
    expect(masks).toHaveLength(1);
    const [result] = masks as [DrawnMask];
    expect([result.width, result.height, result.mask.length]).toEqual([90, 70, 90 * 70]);
    expect([...new Set(result.mask)].every((value) => value === 0 || value === 1)).toBe(true);
    expect(result.areaPx).toBe(result.mask.reduce((sum, value) => sum + value, 0));
  });

  it('widens the mask when the threshold falls and bounds it by its box', async () => {
    const { engine, segmentation } = await micro();
    const areas: number[] = [];
    for (const threshold of [0.9, 0.6, 0.5, 0.4, 0.1]) {
      const { masks } = await engine.segment(segmentation, noise(90, 70), threshold);
      const { areaPx, boundingBox, mask, width, meanProbability } = masks[0] as DrawnMask;
      areas.push(areaPx);
      if (!boundingBox) expect([areaPx, meanProbability]).toEqual([0, null]);
      else {
        expect(meanProbability).toBeGreaterThan(threshold);
        const [x, y, w, h] = boundingBox;
        const inside = (i: number): boolean =>
          i % width >= x && i % width < x + w && Math.floor(i / width) >= y && Math.floor(i / width) < y + h;
        expect(mask.every((value, i) => value === 0 || inside(i))).toBe(true);
      }
    }
    expect([...areas].sort((a, b) => a - b)).toEqual(areas);
    expect(areas.at(-1)).toBeGreaterThan(0);
  });

  it('gives the same bits from every load of a base, and nearly the same from plain encoder weights', async () => {
    const image = noise(64, 64, 5);
    const classify = async (encoderWeights?: EncoderWeights): Promise<number[]> => {
      const { engine, classification } = await micro(encoderWeights ? { encoderWeights } : {});
      return [...(await engine.classify(classification, image)).probabilities];
    };
    const first = await classify();
    expect(await classify()).toEqual(first);
    expect(await classify('packed')).toEqual(first);
    const plain = await classify('plain');
    const largest = Math.max(...first.map((value, at) => Math.abs(value - (plain[at] ?? NaN))));
    expect(largest).toBeLessThan(1e-4);
  });

  it('refuses encoder weights of another name', async () => {
    const error = await failure(micro({ encoderWeights: 'fast' as EncoderWeights }));
    expect(error).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'encoderWeights' });
  });

  it('gives an image the same mask alone and in a batch', async () => {
    const alone = await micro();
    const images = [noise(90, 70, 1), noise(40, 40, 2), noise(64, 200, 3), noise(64, 64, 4)];
    const expected = await Promise.all(images.map((image) => alone.engine.segment(alone.segmentation, image, 0.5)));
    const batched = await micro({ maxBatch: 4, maxBatchWaitMs: 5000 });
    const results = await Promise.all(images.map((image) => batched.engine.segment(batched.segmentation, image, 0.5)));
    expect(results.map((result) => result.timings.batchSize)).toEqual([4, 4, 4, 4]);
    results.forEach((result, i) => {
      const [drawn, wanted] = [result.masks[0] as DrawnMask, expected[i]?.masks[0] as DrawnMask];
      const differing = drawn.mask.filter((value, p) => value !== wanted.mask[p]).length;
      expect(differing / drawn.mask.length).toBeLessThan(0.002); // pixels whose probability is 0.5 to within rounding
    });
    expect(batched.engine.stats().encodedImages).toBe(4);
  });

  it('sees 12-bit values through their window, rounded to 8 bits unless the model says exact', async () => {
    const { engine, base, segmentation } = await micro();
    const stored = Uint16Array.from({ length: 40 * 40 }, (_, at) => (at * 2654435761) % 4096);
    const shape = { width: 40, height: 40, channels: 1 };
    const window = { low: 900, high: 3100 };
    const level = (value: number): number => 255 * Math.min(1, Math.max(0, (value - 900) / 2200));
    const deep: Pixels = { ...shape, data: new Uint8Array(stored.buffer), sampleType: 'uint16', window };
    const picture: Pixels = {
      ...shape,
      data: Uint8Array.from(stored, (value) => Math.round(level(value))),
      sampleType: 'uint8',
    };
    const floats = Float32Array.from(stored, level);
    const levels: Pixels = { ...shape, data: new Uint8Array(floats.buffer), sampleType: 'float32' };
    const exact = await engine.loadModel(base, files.segmentation, MICRO_SEGMENTATION, '{"levels":"exact"}');
    const means = async (model: Model, pixels: Pixels): Promise<number[]> =>
      (await engine.segment(model, pixels, 1e-6)).masks.map(({ meanProbability }) => meanProbability ?? 0);
    expect(await means(segmentation, deep)).toEqual(await means(segmentation, picture));
    expect(await means(exact, deep)).toEqual(await means(segmentation, levels));
    expect(await means(exact, deep)).not.toEqual(await means(segmentation, deep));
  });

  it('keeps one bad image from spoiling the batch it was put into', async () => {
    const { engine, segmentation } = await micro({ maxBatch: 2, maxBatchWaitMs: 5000 });
    const bad: Pixels = {
      data: new Uint8Array(new Float32Array([Number.NaN]).buffer),
      width: 1,
      height: 1,
      channels: 1,
      sampleType: 'float32',
    };
    const good = engine.segment(segmentation, noise(20, 20), 0.5);
    const error = await failure(engine.segment(segmentation, bad, 0.5));
    expect([error.name, error.code, error.field]).toEqual(['InvalidInputError', 'INVALID_ARGUMENT', 'pixels']);
    expect((await good).masks[0]?.width).toBe(20);
  });

  it.each([
    ['pixel data that is too short', { data: new Uint8Array(299) }, 'pixels'],
    ['pixel data that is too long', { data: new Uint8Array(301) }, 'pixels'],
    ['five channels', { channels: 5 }, 'pixels.channels'],
    ['no width', { width: 0 }, 'pixels.width'],
    ['a fractional height', { height: 9.5 }, 'pixels.height'],
    ['an unknown sample type', { sampleType: 'int8' as 'uint8' }, 'pixels.sampleType'],
    ['a window of one value', { window: { low: 7, high: 7 } }, 'pixels.window'],
    ['a window with an end missing', { window: { low: 7 } as ValueWindow }, 'pixels.window.high'],
  ])('rejects %s', async (_, change, field) => {
    const { engine, segmentation } = await micro();
    const error = await failure(engine.segment(segmentation, { ...noise(10, 10), ...change }, 0.5));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', field]);
  });

  it.each([0, 1, -0.1, Number.NaN])('rejects the threshold %p', async (threshold) => {
    const { engine, segmentation } = await micro();
    const error = await failure(engine.segment(segmentation, noise(10, 10), threshold));
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'threshold']);
  });

  it('rejects a model of the other task', async () => {
    const { engine, classification } = await micro();
    const error = await failure(engine.segment(classification, noise(10, 10), 0.5));
    expect([error.name, error.code]).toEqual(['InvalidInputError', 'WRONG_TASK']);
  });
});

describe('classify', () => {
  it('answers probabilities that sum to one', async () => {
    const { engine, classification } = await micro();
    const { probabilities } = await engine.classify(classification, noise(100, 50));
    expect(probabilities).toHaveLength(3);
    expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 5);
  });
});

describe('queue', () => {
  it('refuses what does not fit, with a time to come back, and finishes what it took', async () => {
    const { engine, segmentation } = await micro({ queueCapacity: 2 });
    await engine.segment(segmentation, noise(10, 10), 0.5);
    const calls = Array.from({ length: 8 }, () => engine.segment(segmentation, slow(), 0.5));
    const settled = await Promise.allSettled(calls);
    const refused = settled.filter((s) => s.status === 'rejected').map((s) => s.reason as AutomedError);
    expect(refused.length).toBeGreaterThanOrEqual(5);
    expect(new Set(refused.map((error) => `${error.name} ${error.code}`))).toEqual(
      new Set(['ResourceExhaustedError QUEUE_FULL']),
    );
    expect(refused.every((error) => (error.retryAfterMs ?? 0) > 0)).toBe(true);
    expect(engine.stats()).toMatchObject({ refusedRequests: refused.length, queuedImages: 0 });
  });

  it('runs higher priorities first, then earlier deadlines, then earlier arrivals', async () => {
    const made = await micro();
    const { engine, segmentation } = made;
    const order: string[] = [];
    const ask = (name: string, priority: number, timeoutMs?: number): Promise<unknown> =>
      engine.segment(segmentation, noise(20, 20), 0.5, { priority, timeoutMs }).then(() => order.push(name));
    await Promise.all([
      ...(await started(made)),
      ask('low', -1),
      ask('plain', 0),
      ask('plain later', 0),
      ask('due late', 0, 90_000),
      ask('due soon', 0, 60_000),
      ask('high', 5),
    ]);
    expect(order).toEqual(['high', 'due soon', 'due late', 'plain', 'plain later', 'low']);
  });

  it('drops cancelled requests before they start', async () => {
    const made = await micro();
    const { engine, segmentation } = made;
    const running = await started(made);
    const controller = new AbortController();
    const waiting = failure(engine.segment(segmentation, slow(), 0.5, { signal: controller.signal }));
    controller.abort();
    const error = await waiting;
    expect([error.name, error.code]).toEqual(['CancelledError', 'CANCELLED']);
    await Promise.all(running);
    expect(engine.stats()).toMatchObject({ cancelledRequests: 1, encodedImages: 1 });
  });

  it('ends a request that runs when its caller leaves, and says what it cost', async () => {
    const { engine, segmentation } = await micro();
    // On a busy machine the request may be over before this thread looks; then it tries again.
    let code = '';
    for (let attempt = 0; attempt < 50 && code !== 'CANCELLED'; attempt += 1) {
      const controller = new AbortController();
      let over = false;
      const running = engine
        .segment(segmentation, slow(), 0.5, { signal: controller.signal })
        .then(
          () => '',
          (error: AutomedError) => error.code,
        )
        .finally(() => (over = true));
      while (!over && engine.stats().runningImages === 0) await new Promise(setImmediate);
      controller.abort();
      code = await running;
    }
    expect(code).toBe('CANCELLED');
    const { computeSeconds, wastedBeforeSeconds, wastedAfterSeconds, cancelledRequests } = engine.stats();
    expect(cancelledRequests).toBe(1);
    expect(wastedAfterSeconds).toBeGreaterThan(0);
    expect(wastedBeforeSeconds + wastedAfterSeconds).toBeLessThanOrEqual(computeSeconds * 1.001);
  });

  it('drops expired requests before they start', async () => {
    const made = await micro();
    const { engine, segmentation } = made;
    const running = await started(made);
    const error = await failure(engine.segment(segmentation, slow(), 0.5, { timeoutMs: 1 }));
    expect([error.name, error.code]).toEqual(['DeadlineError', 'DEADLINE_EXCEEDED']);
    await Promise.all(running);
    expect(engine.stats()).toMatchObject({ expiredRequests: 1, encodedImages: 1 });
  });

  it('refuses a request whose deadline had passed, and one that would wait past it', async () => {
    const { engine, segmentation } = await micro();
    expect((await failure(engine.segment(segmentation, noise(9, 9), 0.5, { timeoutMs: -1 }))).code).toBe(
      'DEADLINE_EXCEEDED',
    );
    await engine.segment(segmentation, slow(), 0.5); // teaches it what an image costs
    // On a busy machine this thread may wait until the queue is empty or the time is over; then it tries again.
    let code = '';
    for (let attempt = 0; attempt < 50 && code !== 'QUEUE_FULL'; attempt += 1) {
      const busy = Array.from({ length: 30 }, () => engine.segment(segmentation, slow(), 0.5));
      const outcome = engine.segment(segmentation, noise(9, 9), 0.5, { timeoutMs: 5 });
      code = await outcome.then(
        () => '',
        (error: unknown) => (error as AutomedError).code,
      );
      expect(['', 'DEADLINE_EXCEEDED', 'QUEUE_FULL']).toContain(code);
      await Promise.all(busy);
    }
    expect(code).toBe('QUEUE_FULL');
  });

  it('cancels what waits and finishes what runs when it closes', async () => {
    const { engine, segmentation } = await micro();
    const calls = Array.from({ length: 4 }, () => engine.segment(segmentation, slow(), 0.5));
    const settled = Promise.allSettled(calls);
    await engine.close();
    const codes = (await settled).map((s) => (s.status === 'fulfilled' ? 'done' : (s.reason as AutomedError).code));
    expect(new Set(codes.slice(1))).toEqual(new Set(['CANCELLED']));
    expect((await failure(engine.segment(segmentation, noise(9, 9), 0.5))).code).toBe('ILLEGAL_STATE');
  });
});

describe('loading', () => {
  it('lists every key at fault of a checkpoint that does not fit', async () => {
    const { engine } = await micro();
    const error = await failure(engine.loadBase(files.segmentation, MICRO_BASE));
    expect([error.name, error.code]).toEqual(['CheckpointError', 'CHECKPOINT_MISMATCH']);
    expect(error.message).toMatch(/missing.*image_encoder/s);
    expect(error.message).toMatch(/unexpected.*image_prompt/s);
  });

  it('names a truncated file corrupt', async () => {
    const { engine } = await micro();
    const path = join(files.folder, 'truncated.safetensors');
    copyFileSync(files.base, path);
    truncateSync(path, 5000);
    expect((await failure(engine.loadBase(path, MICRO_BASE))).code).toBe('CHECKPOINT_CORRUPT');
    writeFileSync(path, '');
    expect((await failure(engine.loadBase(path, MICRO_BASE))).code).toBe('CHECKPOINT_CORRUPT');
  });

  it('rejects a missing file, an architecture that is no JSON, and one that is out of range', async () => {
    const { engine } = await micro();
    expect((await failure(engine.loadBase(join(files.folder, 'none'), MICRO_BASE))).code).toBe('NOT_FOUND');
    expect((await failure(engine.loadBase(files.base, '{'))).code).toBe('INVALID_ARGUMENT');
    const error = await failure(
      engine.loadBase(files.base, MICRO_BASE.replace('"depth":2,"heads":2,"w', '"depth":0,"heads":2,"w')),
    );
    expect([error.code, error.field]).toEqual(['INVALID_ARGUMENT', 'depth']);
  });

  it('refuses a disposed model, and lets a call in flight finish', async () => {
    const { engine, segmentation } = await micro();
    const running = engine.segment(segmentation, slow(), 0.5);
    segmentation.dispose();
    expect((await running).masks[0]?.width).toBe(2000);
    expect((await failure(engine.segment(segmentation, noise(9, 9), 0.5))).code).toBe('ILLEGAL_STATE');
  });

  it('writes the same base for the same seed', async () => {
    const again = await makeMicroFiles();
    expect(readFileSync(again.base).equals(readFileSync(files.base))).toBe(true);
    again.remove();
  });

  it('refuses a device that is not there', () => {
    if (buildInfo().cudaAvailable) return;
    const make = (device: string) => (): Engine =>
      new Engine({
        device,
        workers: 1,
        threadsPerWorker: 1,
        queueCapacity: 1,
        maxBatch: 1,
        maxBatchWaitMs: 0,
        embeddingCacheBytes: 0,
        embeddingTtlMs: 1,
      });
    expect(make('cuda')).toThrow(expect.objectContaining({ code: 'DEVICE_UNAVAILABLE' }));
    expect(make('toaster')).toThrow(expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'device' }));
  });

  it('refuses a handle that is not of this addon', async () => {
    const { engine, base } = await micro();
    const impostor = Object.assign(Object.create(Object.getPrototypeOf(base) as object), { raw: {} }) as typeof base;
    const error = await failure(engine.loadModel(impostor, files.segmentation, MICRO_SEGMENTATION));
    expect(error.code).toBe('INVALID_ARGUMENT');
  });
});
