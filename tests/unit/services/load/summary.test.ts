import { automedError } from '../../../../services/common/errors';
import { summarise } from '../../../../services/load/summary';

const at = (latencyMs: number, error?: ReturnType<typeof automedError>) => ({
  ...{ dueMs: 0, lateMs: 0.5, latencyMs },
  error,
});

it('a summary tells percentiles to three digits, of answered calls alone', () => {
  const outcomes = Array.from({ length: 1_000 }, (_, index) => at(index + 1));
  const slow = at(60_000, automedError('DEADLINE_EXCEEDED', 'late'));
  const { latencyMs, lateMs, calls, answered, answeredPerSecond } = summarise([...outcomes, slow], 10_000);
  expect({ calls, answered, answeredPerSecond }).toEqual({ calls: 1_001, answered: 1_000, answeredPerSecond: 100 });
  const near = { mean: 500.5, p50: 500, p90: 900, p95: 950, p99: 990, 'p99.9': 999, max: 1_000 };
  for (const [name, value] of Object.entries(near)) {
    expect(latencyMs![name as keyof typeof near] / value).toBeCloseTo(1, 2);
  }
  expect(lateMs!.p50).toBeCloseTo(0.5, 2);
});

it('a summary counts errors by gRPC status and reason, the most frequent first', () => {
  const errors = (['INTERNAL', 'QUEUE_FULL', 'OUT_OF_MEMORY', 'QUEUE_FULL'] as const).map((code) =>
    at(1, automedError(code, 'no')),
  );
  expect(summarise(errors, 1_000)).toMatchObject({
    latencyMs: null,
    errors: [
      { status: 'RESOURCE_EXHAUSTED', reason: 'QUEUE_FULL', count: 2 },
      { status: 'INTERNAL', reason: 'INTERNAL', count: 1 },
      { status: 'RESOURCE_EXHAUSTED', reason: 'OUT_OF_MEMORY', count: 1 },
    ],
  });
});

it('a summary of no calls has no latencies', () => {
  expect(summarise([], 1_000)).toEqual({
    ...{ calls: 0, answered: 0, answeredPerSecond: 0, latencyMs: null, lateMs: null, errors: [] },
  });
});
