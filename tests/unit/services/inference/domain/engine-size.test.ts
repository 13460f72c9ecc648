import { checkPrecision, sizeEngine } from '../../../../../services/inference/domain/engine-size';

const open = {
  device: 'auto',
  queueCapacity: 64,
  embeddingCacheBytes: 0,
  embeddingTtlMs: 1000,
  encoderWeights: 'packed' as const,
};

test('the engine gives one worker every core by default, for latency', () => {
  expect(sizeEngine(open, 6, false)).toMatchObject({ workers: 1, threadsPerWorker: 6, maxBatch: 1, maxBatchWaitMs: 0 });
});

test('divides the cores among the workers', () => {
  expect(sizeEngine({ ...open, workers: 4 }, 6, false)).toMatchObject({ workers: 4, threadsPerWorker: 1 });
  expect(sizeEngine({ ...open, threadsPerWorker: 1 }, 6, false)).toMatchObject({ workers: 6, threadsPerWorker: 1 });
});

test('the engine refuses more threads than cores', () => {
  expect(() => sizeEngine({ ...open, workers: 2, threadsPerWorker: 4 }, 6, false)).toThrow(
    /2 x 4 threads exceed the 6/,
  );
  expect(() => sizeEngine({ ...open, workers: 3 }, 2, false)).toThrow(/exceed/);
});

test('lets images wait for company on a GPU only', () => {
  expect(sizeEngine(open, 2, true).maxBatch).toBeGreaterThan(1);
  expect(sizeEngine({ ...open, device: 'cpu' }, 2, true).maxBatch).toBe(1);
  expect(sizeEngine({ ...open, device: 'cuda:1', maxBatch: 3 }, 2, false).maxBatch).toBe(3);
});

test('reduced precision needs hardware that computes in it', () => {
  const build = { cudaAvailable: false, cpuComputesInBfloat16: false };
  const check = (device: string, has: Partial<typeof build>) => () =>
    checkPrecision({ device, precision: 'bfloat16' }, { ...build, ...has });
  expect(check('cpu', {})).toThrow(/no bfloat16 arithmetic/);
  expect(check('auto', {})).toThrow(/no bfloat16 arithmetic/);
  expect(check('cpu', { cpuComputesInBfloat16: true })).not.toThrow();
  expect(check('auto', { cudaAvailable: true })).not.toThrow();
  expect(() => checkPrecision({ device: 'cpu', precision: 'float32' }, build)).not.toThrow();
});
