import type { Sample } from '../../../../../services/training/domain/data-folder';
import { splitSamples } from '../../../../../services/training/domain/split';

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
});
