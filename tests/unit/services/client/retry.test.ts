import type { CreateTrainingJobRequest__Output } from '../../../../proto/gen/automed/training/v1/CreateTrainingJobRequest';
import {
  AutomedClient,
  CancelledError,
  InvalidInputError,
  ResourceExhaustedError,
  UnavailableError,
} from '../../../../services/client';
import { retryDelayMs } from '../../../../services/client/core/retry';
import { automedError, type AutomedError } from '../../../../services/common/errors';
import { unary } from '../../../../services/common/grpc/handlers';
import { served } from './server';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const JOBS = 'automed.training.v1.TrainingJobService';
const full = (retryAfterMs = 1): AutomedError => automedError('QUEUE_FULL', 'The queue is full.', { retryAfterMs });
const away = (): AutomedError => automedError('SERVICE_UNAVAILABLE', 'The service went away.', { retryAfterMs: 1 });

/** Answers with what each error says, in turn, and then with success. */
function failing(errors: AutomedError[]): { calls: () => number; answer: <T>(value: T) => T } {
  let calls = 0;
  return {
    calls: () => calls,
    answer: (value) => {
      const error = errors[calls];
      calls += 1;
      if (error) throw error;
      return value;
    },
  };
}

test('a prediction is repeated until the queue has room', async () => {
  const { calls, answer } = failing([full(), away()]);
  const client = await served({
    [SEGMENTATION]: (log) => ({ Segment: unary(log, () => answer({ threshold: 0.25 })) }),
  });
  expect(await client.segmentation.segment({ model: 'polyp' })).toMatchObject({ threshold: 0.25 });
  expect(calls()).toBe(3);
});

test('what is wrong with the request is not repeated, and names its field', async () => {
  const { calls, answer } = failing([automedError('INVALID_ARGUMENT', 'Too large.', { field: 'threshold' })]);
  const client = await served({ [SEGMENTATION]: (log) => ({ Segment: unary(log, () => answer({})) }) });
  const error: unknown = await client.segmentation.segment({ model: 'polyp' }).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(InvalidInputError);
  expect(error).toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'threshold',
    message: 'Too large.',
    retryable: false,
  });
  expect(calls()).toBe(1);
});

test('the last error is thrown after all attempts, with the time to wait', async () => {
  const { calls, answer } = failing([full(), full(), full(2)]);
  const client = await served(
    { [SEGMENTATION]: (log) => ({ Segment: unary(log, () => answer({})) }) },
    { attempts: 3 },
  );
  const error: unknown = await client.segmentation.segment({ model: 'polyp' }).catch((each: unknown) => each);
  expect(error).toBeInstanceOf(ResourceExhaustedError);
  expect(error).toMatchObject({ code: 'QUEUE_FULL', retryAfterMs: 2, retryable: true });
  expect(calls()).toBe(3);
});

test('a wait that would outlast the deadline is not begun', async () => {
  const { calls, answer } = failing([full(60_000)]);
  const client = await served({ [SEGMENTATION]: (log) => ({ Segment: unary(log, () => answer({})) }) });
  await expect(client.segmentation.segment({ model: 'polyp' }, { timeoutMs: 30_000 })).rejects.toMatchObject({
    code: 'QUEUE_FULL',
  });
  expect(calls()).toBe(1);
});

test('a call that must not be made twice is repeated only where it was refused before any work', async () => {
  const refused = failing([full()]);
  const broken = failing([away()]);
  const client = await served({
    [JOBS]: (log) => ({
      PauseTrainingJob: unary(log, () => refused.answer({ job: { id: 'a' } })),
      CancelTrainingJob: unary(log, () => broken.answer({ job: { id: 'a' } })),
    }),
  });
  expect(await client.trainingJobs.pause('a')).toMatchObject({ id: 'a' });
  await expect(client.trainingJobs.cancel('a')).rejects.toBeInstanceOf(UnavailableError);
  expect([refused.calls(), broken.calls()]).toEqual([2, 1]);
});

test('a creation is repeated under one request id', async () => {
  const ids: string[] = [];
  const { answer } = failing([away()]);
  const client = await served({
    [JOBS]: (log) => ({
      CreateTrainingJob: unary(log, ({ requestId }: CreateTrainingJobRequest__Output) => {
        ids.push(requestId);
        return answer({ job: { id: 'a' } });
      }),
    }),
  });
  await client.trainingJobs.create({ name: 'polyp' });
  expect(ids).toHaveLength(2);
  expect(ids[0]).toMatch(/^[\w.-]{1,128}$/);
  expect(ids[1]).toBe(ids[0]);
});

test('an abort ends the wait between two attempts', async () => {
  const stop = new AbortController();
  const { calls, answer } = failing([full(60_000)]);
  const client = await served({
    [SEGMENTATION]: (log) => ({
      Segment: unary(log, () => {
        setTimeout(() => stop.abort(), 20);
        return answer({});
      }),
    }),
  });
  const call = client.segmentation.segment({ model: 'polyp' }, { signal: stop.signal, timeoutMs: 600_000 });
  await expect(call).rejects.toBeInstanceOf(CancelledError);
  expect(calls()).toBe(1);
});

test('an abort ends a call under way', async () => {
  const stop = new AbortController();
  const client = await served({
    [SEGMENTATION]: (log) => ({
      Segment: unary(log, () => {
        stop.abort();
        return new Promise<never>(() => undefined);
      }),
    }),
  });
  await expect(client.segmentation.segment({}, { signal: stop.signal })).rejects.toBeInstanceOf(CancelledError);
});

test('a deadline that passes is a DeadlineError', async () => {
  const client = await served({
    [SEGMENTATION]: (log) => ({ Segment: unary(log, () => new Promise<never>(() => undefined)) }),
  });
  await expect(client.segmentation.segment({}, { timeoutMs: 50 })).rejects.toMatchObject({
    name: 'DeadlineError',
    code: 'DEADLINE_EXCEEDED',
  });
});

test.each([{ attempts: 0 }, { attempts: 1.5 }, { timeoutMs: 0 }, { timeoutMs: NaN }])(
  'settings out of range are refused: %p',
  (options) => {
    expect(() => new AutomedClient('127.0.0.1:1', options)).toThrow(InvalidInputError);
  },
);

test('waits double from 200 ms to 5 s unless the server says how long', () => {
  const delays = [1, 2, 5, 6, 20].map((attempt) => retryDelayMs(automedError('SERVICE_UNAVAILABLE', ''), attempt, 0));
  expect(delays).toEqual([200, 400, 3200, 5000, 5000]);
  expect(retryDelayMs(full(700), 3, 0)).toBe(700);
  expect(retryDelayMs(full(700), 3, 1)).toBe(840);
});
