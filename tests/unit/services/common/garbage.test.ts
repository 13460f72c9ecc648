import { garbageCollector } from '../../../../services/common/garbage';

/** In a function of its own, whose frame goes with it. */
const leave = (): WeakRef<object> => new WeakRef({ of: 'a request' });

test('a major collection frees what nobody holds any more', async () => {
  const garbage = leave();
  // A WeakRef holds its object until the turn that made it is over.
  await new Promise((resolve) => setImmediate(resolve));
  garbageCollector().major();
  expect(garbage.deref()).toBeUndefined();
});
