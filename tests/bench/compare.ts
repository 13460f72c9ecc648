import { requireSameMachine } from './machine';
import type { BenchResult } from './result';

export interface ComparedFigure {
  /** The way to the number in the document, `load.p99_ms`. */
  key: string;
  now: number;
  then: number;
  ratio: number;
}

/** The numbers of a document by the way to each. */
function numbers(document: unknown, prefix = ''): Map<string, number> {
  if (typeof document === 'number') return new Map([[prefix, document]]);
  if (typeof document !== 'object' || document === null) return new Map();
  return new Map(
    Object.entries(document).flatMap(([key, value]) => [
      ...numbers(value, prefix === '' ? key : `${prefix}.${key}`).entries(),
    ]),
  );
}

/**
 * Two results of one bench, number by number; what only one of them has, or is 0, is left out.
 * @throws where they come from different machines: their times say nothing about the programs
 */
export function compareResults(now: BenchResult, then: BenchResult): ComparedFigure[] {
  requireSameMachine(now.machine, then.machine);
  const [{ machine: _here, ...own }, { machine: _there, ...other }] = [now, then];
  const earlier = numbers(other);
  return [...numbers(own)].flatMap(([key, value]) => {
    const before = earlier.get(key);
    return before === undefined || before === 0 ? [] : [{ key, now: value, then: before, ratio: value / before }];
  });
}
