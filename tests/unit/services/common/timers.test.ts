import { afterMs, deadlineIn, MAX_TIMER_MS, sleepMs } from '../../../../services/common/timers';

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

test('a sleep takes as long as it is told to, and ends with its signal', async () => {
  const [woken, failed] = [jest.fn(), jest.fn()];
  const stop = new AbortController();
  void sleepMs(MAX_TIMER_MS + 10).then(woken);
  void sleepMs(1e12, { signal: stop.signal }).catch(failed);
  await jest.advanceTimersByTimeAsync(MAX_TIMER_MS);
  expect(woken).not.toHaveBeenCalled();
  await jest.advanceTimersByTimeAsync(11);
  expect(woken).toHaveBeenCalledTimes(1);
  const reason = new Error('no longer');
  stop.abort(reason);
  await jest.advanceTimersByTimeAsync(0);
  expect(failed).toHaveBeenCalledWith(reason);
  await expect(sleepMs(1, { signal: stop.signal })).rejects.toBe(reason);
  expect(jest.getTimerCount()).toBe(0);
});
