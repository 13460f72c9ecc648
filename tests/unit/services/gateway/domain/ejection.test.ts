import { Ejection } from '../../../../../services/gateway/domain/ejection';

test('five failures in a row put a backend aside, longer each time, and an answer ends it', () => {
  let now = 0;
  const ejection = new Ejection(() => now);
  const fail = (times: number): void => {
    for (let at = 0; at < times; at += 1) ejection.note('a', true);
  };
  fail(4);
  expect(ejection.isAside('a')).toBe(false);
  ejection.note('a', false);
  fail(4);
  expect(ejection.isAside('a')).toBe(false);
  fail(1);
  expect(ejection.isAside('a')).toBe(true);
  expect(ejection.isAside('b')).toBe(false);
  now = 5_000;
  expect(ejection.isAside('a')).toBe(false);
  fail(5);
  now = 14_999;
  expect(ejection.isAside('a')).toBe(true);
  now = 15_000;
  expect(ejection.isAside('a')).toBe(false);
  for (let round = 0; round < 10; round += 1) {
    now += 60_000;
    fail(5);
  }
  // Of calls that were under way: they neither count nor lengthen.
  fail(50);
  now += 59_999;
  expect(ejection.isAside('a')).toBe(true);
  now += 1;
  expect(ejection.isAside('a')).toBe(false);
  ejection.note('a', false);
  fail(5);
  now += 5_000;
  expect(ejection.isAside('a')).toBe(false);
  expect(ejection.count).toBe(13);
});
