import { MemoryBudget } from '../../../../services/common/memory-budget';

/** Lets everything that can go on go on. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('the budget gives out bytes up to the limit, and the rest as they come back, in order', async () => {
  const budget = new MemoryBudget(100);
  const first = await budget.reserve(60, 'a');
  const order: string[] = [];
  const second = budget.reserve(50, 'b').then((held) => (order.push('b'), held));
  const third = budget.reserve(10, 'c').then((held) => (order.push('c'), held)); // fits, but came later
  await settled();
  expect([order, budget.heldBytes, budget.waitingCount]).toEqual([[], 60, 2]);
  first.shrink(55);
  await settled();
  expect(order).toEqual([]);
  first.release();
  for (const held of [await second, await third]) held.release();
  expect([order, budget.heldBytes, budget.peakBytes, budget.waitingCount]).toEqual([['b', 'c'], 0, 60, 0]);
});

test('the budget gives bytes back once', async () => {
  const budget = new MemoryBudget(10);
  const held = await budget.reserve(10, 'a');
  held.shrink(12);
  expect(held.bytes).toBe(10);
  held.shrink(4);
  held.release();
  held.release();
  held.shrink(2);
  expect([held.bytes, budget.heldBytes]).toEqual([0, 0]);
});

test('the budget refuses what never fits as an error of the caller, without waiting', async () => {
  const budget = new MemoryBudget(10);
  await expect(budget.reserve(11, 'An image of 1 x 11 pixels')).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'image',
    message: 'An image of 1 x 11 pixels needs 11 bytes of memory; at most 10 are given to a request.',
  });
});

test('the budget refuses with a time to come back when the time is up or too many wait', async () => {
  const budget = new MemoryBudget(10, 1);
  const held = await budget.reserve(10, 'a');
  const late = budget.reserve(5, 'b', { timeoutMs: 20 });
  await expect(budget.reserve(1, 'c')).rejects.toMatchObject({ code: 'OUT_OF_MEMORY', retryAfterMs: 1_000 });
  await expect(late).rejects.toMatchObject({ name: 'ResourceExhaustedError', retryAfterMs: 1_000 });
  expect([budget.refusedCount, budget.waitingCount, budget.heldBytes]).toEqual([2, 0, 10]);
  held.release();
  expect(budget.heldBytes).toBe(0);
});

test('a call that is cancelled leaves the line, and those behind it go on', async () => {
  const budget = new MemoryBudget(10);
  await budget.reserve(5, 'a');
  const abort = new AbortController();
  const large = budget.reserve(10, 'b', { signal: abort.signal });
  const small = budget.reserve(5, 'c');
  abort.abort();
  await expect(large).rejects.toMatchObject({ code: 'CANCELLED' });
  expect((await small).bytes).toBe(5);
  await expect(budget.reserve(1, 'd', { signal: abort.signal })).rejects.toMatchObject({ code: 'CANCELLED' });
});

test('a deadline beyond the longest timer waits', async () => {
  const budget = new MemoryBudget(10);
  const held = await budget.reserve(10, 'a');
  const patient = budget.reserve(5, 'b', { timeoutMs: 1e12 });
  await settled();
  expect(budget.waitingCount).toBe(1);
  held.release();
  expect((await patient).bytes).toBe(5);
});

test('the budget counts the messages of those that wait, and refuses what exceeds a quarter of the budget', async () => {
  const budget = new MemoryBudget(100);
  const held = await budget.reserve(100, 'a', { messageBytes: 60 });
  expect(budget.waitingBytes).toBe(0); // of those that go on it is part of their bytes
  const abort = new AbortController();
  // One may always wait, whatever its size.
  const large = budget.reserve(50, 'b', { messageBytes: 40, signal: abort.signal });
  await settled();
  expect(budget.waitingBytes).toBe(40);
  await expect(budget.reserve(1, 'c', { messageBytes: 1 })).rejects.toMatchObject({
    code: 'OUT_OF_MEMORY',
    retryAfterMs: 1_000,
  });
  abort.abort();
  await expect(large).rejects.toMatchObject({ code: 'CANCELLED' });
  expect(budget.waitingBytes).toBe(0);
  const small = [10, 10, 5].map(async (messageBytes) => budget.reserve(20, 'd', { messageBytes }));
  await settled();
  expect([budget.waitingBytes, budget.waitingCount]).toEqual([25, 3]);
  await expect(budget.reserve(1, 'e', { messageBytes: 1 })).rejects.toMatchObject({ code: 'OUT_OF_MEMORY' });
  const without = budget.reserve(1, 'f');
  held.release();
  for (const each of await Promise.all([...small, without])) each.release();
  expect([budget.waitingBytes, budget.heldBytes, budget.refusedCount]).toEqual([0, 0, 2]);
});
