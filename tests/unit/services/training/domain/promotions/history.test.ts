import { versionBefore, versionsInOrder } from '../../../../../../services/training/domain/promotions/history';

const promoted = (fromVersion: number | null, toVersion: number) =>
  ({ kind: 'promotion', fromVersion, toVersion }) as const;
const rolledBack = (fromVersion: number, toVersion: number) => ({ kind: 'rollback', fromVersion, toVersion }) as const;

test('rollbacks go back one promotion at a time', () => {
  const steps = [promoted(null, 1), promoted(1, 2), promoted(2, 3)];
  expect(versionBefore(steps, 3)).toBe(2);
  expect(versionBefore([...steps, rolledBack(3, 2)], 2)).toBe(1);
  expect(versionBefore([...steps, rolledBack(3, 2), rolledBack(2, 1)], 1)).toBeUndefined();
  expect(versionBefore([...steps, rolledBack(3, 2), promoted(2, 4)], 4)).toBe(2);
});

test('a version that the alias had before its first promotion can be gone back to', () => {
  expect(versionBefore([promoted(5, 6)], 6)).toBe(5);
});

test('where something else has moved the alias, the way back is to the last promotion', () => {
  expect(versionBefore([promoted(null, 1), promoted(1, 2)], 9)).toBe(2);
  expect(versionsInOrder([promoted(null, 1), promoted(9, 2)])).toEqual([1, 9, 2]);
});

test('nothing is known of an alias that was never promoted', () => {
  expect(versionBefore([], 3)).toBeUndefined();
});
