import { compareResults } from '../../bench/compare';
import type { BenchResult } from '../../bench/result';

const machine = { cpu: 'AMD EPYC', cores: 2, features: ['avx2'], node: 'v20.20.2', loadAverage: 0.1 };

const result = (found: object, where = machine): BenchResult => ({ ...found, machine: where });

describe('comparing results of benches', () => {
  it('gives each number beside the earlier one, however deep it lies', () => {
    const now = result({ ms: 5, load: { p99: 30 }, points: [{ heads: 4 }], arch: 'tiny' });
    const then = result({ ms: 10, load: { p99: 20 }, points: [{ heads: 2 }], arch: 'tiny' });
    expect(compareResults(now, then)).toEqual([
      { key: 'ms', now: 5, then: 10, ratio: 0.5 },
      { key: 'load.p99', now: 30, then: 20, ratio: 1.5 },
      { key: 'points.0.heads', now: 4, then: 2, ratio: 2 },
    ]);
  });

  it('leaves out what the earlier result lacks, or had as 0', () => {
    expect(compareResults(result({ ms: 5, more: 1, none: 2 }), result({ ms: 5, none: 0 }))).toEqual([
      { key: 'ms', now: 5, then: 5, ratio: 1 },
    ]);
  });

  it.each([
    ['another CPU', { cpu: 'Intel Xeon' }],
    ['another number of cores', { cores: 4 }],
    ['other instructions', { features: ['avx2', 'avx512f'] }],
  ])('refuses results of %s', (_, other) => {
    const compare = (): unknown => compareResults(result({ ms: 5 }), result({ ms: 5 }, { ...machine, ...other }));
    expect(compare).toThrow('results of different machines are not compared');
  });

  it('compares runs of one machine whatever the load was', () => {
    expect(compareResults(result({ ms: 5 }), result({ ms: 5 }, { ...machine, loadAverage: 9 }))).toHaveLength(1);
  });
});
