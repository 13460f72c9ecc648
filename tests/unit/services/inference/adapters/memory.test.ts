import { availableMemory } from '../../../../../services/inference/adapters/memory';

const GB = 2 ** 30;

test.each([
  ['a control group of 4 GB on a machine of 16', 4 * GB, 4 * GB],
  ['no limit, which Node tells as 0', 0, 16 * GB],
  ['no limit, which Node tells as 2^64', 2 ** 64, 16 * GB],
])('%s', (_what, constrained, expected) => {
  expect(availableMemory(constrained, 16 * GB)).toBe(expected);
});
