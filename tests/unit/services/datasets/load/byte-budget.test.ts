import { ByteBudget } from '../../../../../services/datasets/load/byte-budget';

/** Lets everything that is settled run. */
const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('the budget gives bytes in the order they were asked for, never more than there are', async () => {
  const budget = new ByteBudget(10);
  const got: string[] = [];
  const take = (name: string, bytes: number): void => void budget.take(bytes).then(() => got.push(name));
  take('a', 6);
  take('b', 6);
  take('c', 1);
  await settled();
  // c would fit, but b was first.
  expect(got).toEqual(['a']);
  budget.release(6);
  await settled();
  expect(got).toEqual(['a', 'b', 'c']);
  expect(budget.peak).toBe(7);
});

it('lets through what is larger than all of it when nothing else is held', async () => {
  const budget = new ByteBudget(10);
  await budget.take(25);
  let second = false;
  void budget.take(1).then(() => (second = true));
  await settled();
  expect(second).toBe(false);
  budget.release(25);
  await settled();
  expect(second).toBe(true);
});
