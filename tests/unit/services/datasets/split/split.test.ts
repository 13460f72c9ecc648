import type { Sample } from '../../../../../services/datasets/samples/sample';
import { Random } from '../../../../../services/common/random';
import { splitSamples } from '../../../../../services/datasets/split/split';

const sample = (index: number, extra: Partial<Sample> = {}): Sample => ({
  name: `s${String(index).padStart(3, '0')}`,
  imagePath: '',
  ...extra,
});
const range = (count: number): number[] => Array.from({ length: count }, (_, index) => index);
const names = (samples: Sample[]): string[] => samples.map(({ name }) => name);

describe('splitSamples', () => {
  it('gives the wanted share to validation and every sample to one part', () => {
    const all = range(100).map((index) => sample(index));
    const { train, validation } = splitSamples(all, { fraction: 0.2, seed: 1 });
    expect([train.length, validation.length]).toEqual([80, 20]);
    expect(names([...train, ...validation]).sort()).toEqual(names(all));
  });

  it('depends on the seed and not on the order of the samples', () => {
    const all = range(50).map((index) => sample(index));
    const first = splitSamples(all, { fraction: 0.2, seed: 1 });
    expect(splitSamples([...all].reverse(), { fraction: 0.2, seed: 1 })).toEqual(first);
    expect(names(splitSamples(all, { fraction: 0.2, seed: 2 }).validation)).not.toEqual(names(first.validation));
  });

  it('never separates a group', () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const all = range(90).map((index) => sample(index, { group: `g${(index * index) % 13}` }));
      const { train, validation } = splitSamples(all, { fraction: 0.2, seed });
      const trained = new Set(train.map(({ group }) => group));
      expect(validation.filter(({ group }) => trained.has(group))).toEqual([]);
      expect(validation.length).toBeGreaterThan(0);
    }
  });

  it('gives every class its share', () => {
    const all = range(120).map((index) => sample(index, { label: index < 100 ? 0 : 1 }));
    const { validation } = splitSamples(all, { fraction: 0.2, seed: 3 });
    expect(validation.filter(({ label }) => label === 1)).toHaveLength(4);
    expect(validation.filter(({ label }) => label === 0)).toHaveLength(20);
  });

  it('leaves a training sample in small sets, and refuses to split a single group', () => {
    expect(splitSamples([sample(1), sample(2)], { fraction: 0.9, seed: 0 }).train).toHaveLength(1);
    const one = range(5).map((index) => sample(index, { group: 'only' }));
    expect(() => splitSamples(one, { fraction: 0.2, seed: 0 })).toThrow(
      expect.objectContaining({ code: 'INVALID_ARGUMENT', field: 'data' }),
    );
  });

  it('keeps the split of groups of one size as it was', () => {
    const all = range(40).map((index) => sample(index, { group: `g${index % 10}` }));
    const { validation } = splitSamples(all, { fraction: 0.3, seed: 7 });
    expect([...new Set(validation.map(({ group }) => group))].sort()).toEqual(['g5', 'g8', 'g9']);
  });

  it('takes of 90 and 10 samples the 10, whatever the seed', () => {
    const all = range(100).map((index) => sample(index, { group: index < 90 ? 'large' : 'small' }));
    for (const seed of range(200)) {
      expect(splitSamples(all, { fraction: 0.2, seed }).validation).toHaveLength(10);
    }
  });

  it('comes as close to the share as any choice of whole groups, over 200 seeds and random sizes', () => {
    for (const seed of range(200)) {
      const random = new Random(seed);
      const sizes = range(random.integer(2, 9)).map(() => random.integer(1, 30));
      const all = sizes.flatMap((size, group) =>
        range(size).map((index) => sample(100 * group + index, { group: `g${group}` })),
      );
      const fraction = random.range(0.05, 0.9);
      const { train, validation } = splitSamples(all, { fraction, seed });
      const sums = range(2 ** sizes.length - 2).map((bits) =>
        sizes.reduce((sum, size, group) => sum + (((bits + 1) >> group) & 1 ? size : 0), 0),
      );
      const best = Math.min(...sums.map((sum) => Math.abs(sum - fraction * all.length)));
      expect(Math.abs(validation.length - fraction * all.length)).toBeCloseTo(best, 9);
      expect(names([...train, ...validation]).sort()).toEqual(names(all).sort());
      const trained = new Set(train.map(({ group }) => group));
      expect(validation.some(({ group }) => trained.has(group))).toBe(false);
    }
  });

  it('gives every class its share of uneven groups, and differs by seed', () => {
    const all = range(600).map((index) =>
      sample(index, { label: index % 3, group: `g${Math.floor((index / 3) ** 0.7)}_${index % 3}` }),
    );
    const chosen = new Set<string>();
    for (const seed of range(20)) {
      const { validation } = splitSamples(all, { fraction: 0.2, seed });
      for (const label of range(3)) expect(validation.filter((one) => one.label === label)).toHaveLength(40);
      chosen.add(names(validation).join());
    }
    expect(chosen.size).toBe(20);
  });

  it('splits a large set of uneven groups to within a sample', () => {
    const random = new Random(5);
    const all = range(8000).flatMap((group) =>
      range(random.integer(1, 12)).map((index) => sample(100 * group + index, { group: `g${group}` })),
    );
    const { validation } = splitSamples(all, { fraction: 0.2, seed: 1 });
    expect(Math.abs(validation.length - 0.2 * all.length)).toBeLessThanOrEqual(1);
  });
});
