import { automedError } from '../../../../services/common/errors';
import { arrivals, runOpenLoop } from '../../../../services/load/open-loop';

const gapsOf = (due: readonly number[]): number[] => due.map((each, at) => each - (due[at - 1] ?? 0));
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

describe('arrivals', () => {
  it('are those of a Poisson process: exponential gaps of the mean that was asked for', () => {
    const gaps = gapsOf([...arrivals(200, 100_000, 1)]);
    expect(gaps.length / 20_000).toBeCloseTo(1, 1);
    expect(mean(gaps) / 5).toBeCloseTo(1, 1);
    // Of exponential gaps the deviation is the mean, and a share of 1/e is longer than it.
    const deviation = Math.sqrt(mean(gaps.map((gap) => (gap - mean(gaps)) ** 2)));
    expect(deviation / mean(gaps)).toBeCloseTo(1, 1);
    expect(gaps.filter((gap) => gap > mean(gaps)).length / gaps.length).toBeCloseTo(Math.exp(-1), 1);
  });

  it('are the same for the same seed, and ascend', () => {
    const [one, again, other] = [7, 7, 8].map((seed) => [...arrivals(50, 2_000, seed)]);
    expect(again).toEqual(one);
    expect(other).not.toEqual(one);
    expect([...one!].sort((a, b) => a - b)).toEqual(one);
    expect(one!.at(-1)).toBeLessThan(2_000);
  });
});

describe('an open loop', () => {
  it('sends while earlier calls are unanswered, and counts the time that a call waited to be sent', async () => {
    let [open, most] = [0, 0];
    const release: (() => void)[] = [];
    const all = [...arrivals(500, 100, 3)].length;
    const outcomes = await runOpenLoop({
      ...{ rate: 500, durationMs: 100, seed: 3, deadlineMs: 1_000 },
      send: async (_, index) => {
        most = Math.max(most, (open += 1));
        await new Promise<void>((resolve) => {
          release.push(resolve);
          // Nobody is answered before the last one has come.
          if (index === all - 1) for (const each of release) each();
        });
        open -= 1;
      },
    });
    expect(most).toBe(all);
    expect(outcomes).toHaveLength(all);
    for (const { latencyMs, lateMs } of outcomes) expect(latencyMs).toBeGreaterThanOrEqual(lateMs);
  });

  it('gives a call what is left of its deadline, and keeps its typed error', async () => {
    const refused = automedError('QUEUE_FULL', 'The queue is full.');
    const given: number[] = [];
    const outcomes = await runOpenLoop({
      ...{ rate: 200, durationMs: 50, seed: 1, deadlineMs: 500 },
      send: async (timeoutMs) => {
        given.push(timeoutMs);
        throw refused;
      },
    });
    expect(outcomes.length).toBeGreaterThan(0);
    for (const [at, { error, lateMs }] of outcomes.entries()) {
      expect(error).toBe(refused);
      expect(given[at]).toBeCloseTo(Math.max(1, 500 - lateMs), 6);
    }
  });

  it('ends its arrivals at the signal, and waits for the calls under way', async () => {
    const ending = new AbortController();
    let answered = 0;
    const outcomes = await runOpenLoop({
      ...{ rate: 1_000, durationMs: 600_000, seed: 1, deadlineMs: 1_000, signal: ending.signal },
      send: async (_, index) => {
        if (index === 4) ending.abort();
        await Promise.resolve();
        answered += 1;
      },
    });
    expect([outcomes.length, answered]).toEqual([5, 5]);
  });

  it('fails with what is no typed error', async () => {
    const loop = { rate: 100, durationMs: 100, seed: 1, deadlineMs: 10 };
    await expect(runOpenLoop({ ...loop, send: () => Promise.reject(new TypeError('ours')) })).rejects.toThrow('ours');
  });
});
