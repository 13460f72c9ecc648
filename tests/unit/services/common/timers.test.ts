import { afterMs, deadlineIn, MAX_TIMER_MS } from '../../../../services/common/timers';

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

test.each([0, 10, MAX_TIMER_MS - 1, MAX_TIMER_MS, MAX_TIMER_MS + 1, 1e10, 1e12])('%d ms take that long', (delay) => {
  const work = jest.fn();
  afterMs(delay, work);
  for (let left = delay - 1; left > 0; left -= MAX_TIMER_MS) jest.advanceTimersByTime(Math.min(left, MAX_TIMER_MS));
  expect(work).toHaveBeenCalledTimes(0);
  jest.advanceTimersByTime(2);
  expect(work).toHaveBeenCalledTimes(1);
  jest.advanceTimersByTime(MAX_TIMER_MS);
  expect(work).toHaveBeenCalledTimes(1);
});

test('an infinite delay never ends, and any can be cancelled in any of its parts', () => {
  const work = jest.fn();
  const [never, long] = [afterMs(Infinity, work), afterMs(1e12, work)];
  jest.advanceTimersByTime(MAX_TIMER_MS);
  jest.advanceTimersByTime(MAX_TIMER_MS);
  never.cancel();
  long.cancel();
  expect(jest.getTimerCount()).toBe(0);
  expect(work).not.toHaveBeenCalled();
});

test('a deadline too far for a timer is none', () => {
  expect(deadlineIn(1_000)).toBe(Date.now() + 1_000);
  expect(deadlineIn(MAX_TIMER_MS)).toBe(Date.now() + MAX_TIMER_MS);
  for (const far of [MAX_TIMER_MS + 1, 1e12, Infinity]) expect(deadlineIn(far)).toBeUndefined();
});
