import type { Sample } from '../../../../../services/datasets/samples/sample';
import { apportion, limitParts, limitSamples } from '../../../../../services/datasets/split/limit';

/** `sizes[label][group]` samples. */
function grouped(...sizes: number[][]): Sample[] {
  return sizes.flatMap((groups, label) =>
    groups.flatMap((size, group) =>
      Array.from({ length: size }, (_, n) => ({
        name: `${label}-${group}-${n}`,
        imagePath: '',
        label,
        group: `${label}-${group}`,
      })),
    ),
  );
}

const ungrouped = (...counts: number[]): Sample[] =>
  counts.flatMap((count, label) =>
    Array.from({ length: count }, (_, n) => ({ name: `${label}-${n}`, imagePath: '', label })),
  );

const perLabel = (samples: readonly Sample[], labels: number): number[] =>
  Array.from({ length: labels }, (_, label) => samples.filter((sample) => sample.label === label).length);

describe('apportion', () => {
  it.each([
    [[80, 20], 10, [8, 2]],
    [[100, 100, 100], 100, [34, 33, 33]],
    [[997, 2, 1], 10, [8, 1, 1]],
    [[5, 5, 5], 2, [1, 1, 0]],
    [[4, 0, 3], 20, [4, 0, 3]],
    [[160, 0, 40], 1, [1, 0, 0]],
  ])('shares %p at %p as %p', (sizes, count, shares) => {
    expect(apportion(sizes, count)).toEqual(shares);
  });
});

describe('limitSamples', () => {
  it('keeps as many as it may, class by class like the whole, whatever their order', () => {
    const all = ungrouped(300, 100, 20);
    for (const seed of [0, 1, 2]) {
      const kept = limitSamples(all, { count: 42, seed });
      expect(perLabel(kept, 3)).toEqual([30, 10, 2]);
      expect(limitSamples([...all].reverse(), { count: 42, seed })).toEqual(kept);
    }
  });

  it('never exceeds the limit and cuts no group that fits', () => {
    const all = grouped([10, 10, 10, 3, 7], [10, 10, 1, 1]);
    for (const seed of [0, 1, 2, 3, 4, 5]) {
      for (const count of [30, 44, 61]) {
        const kept = limitSamples(all, { count, seed });
        expect(kept.length).toBeLessThanOrEqual(count);
        expect(kept.length).toBeGreaterThan(count - 20);
        for (const group of new Set(kept.map((sample) => sample.group))) {
          const members = (samples: readonly Sample[]): number => samples.filter((one) => one.group === group).length;
          expect([group, members(kept)]).toEqual([group, members(all)]);
        }
      }
    }
  });

  it('cuts the smallest group where no group fits', () => {
    const kept = limitSamples(grouped([50, 40]), { count: 6, seed: 0 });
    expect(new Set(kept.map(({ group }) => group))).toEqual(new Set(['0-1']));
    expect(kept).toHaveLength(6);
  });
});

it('limits the parts of a folder together, each by its share', () => {
  const parts = { train: ungrouped(60, 60), validation: ungrouped(20, 20), test: ungrouped(20, 20) };
  const kept = limitParts(parts, { limit: 50, seed: 3 });
  expect([kept.train, kept.validation, kept.test].map((part) => perLabel(part, 2))).toEqual([
    [15, 15],
    [5, 5],
    [5, 5],
  ]);
});
