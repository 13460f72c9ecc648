import type { Model } from '../../../console-kit/api/types';

export interface MainScore {
  name: string;
  value: number;
}

/** In the order in which one is looked for: what was not used to choose the checkpoint counts first. */
const MAIN = ['test.mdsc', 'test.accuracy', 'validation.mdsc', 'validation.accuracy'] as const;

export function mainScore({ metrics = {} }: Model): MainScore | undefined {
  const name = MAIN.find((each) => metrics[each] !== undefined);
  return name === undefined ? undefined : { name, value: metrics[name] ?? 0 };
}

export interface ScoreRow {
  name: string;
  value: number;
  low?: number;
  high?: number;
}

/** Every score that was recorded at training, with its interval where there is one. */
export function scoreRows({ metrics = {}, lineageJson = '' }: Model): ScoreRow[] {
  const intervals = intervalsOf(lineageJson);
  return Object.entries(metrics)
    .filter(([name]) => /^(test|validation)[.][a-z0-9_]+$/.test(name) && !/[.](images|loss)$/.test(name))
    .map(([name, value]) => ({ name, value, ...intervals[name] }));
}

/** The ends of a score's 95 % interval; empty where none was recorded. */
export function intervalText(model: Model, name: string): string {
  const { low, high } = scoreRows(model).find((row) => row.name === name) ?? {};
  return low === undefined || high === undefined ? '' : `${low.toFixed(3)} – ${high.toFixed(3)}`;
}

type Intervals = Record<string, { low: number; high: number }>;

function intervalsOf(lineageJson: string): Intervals {
  const found: Intervals = {};
  if (lineageJson === '') return found;
  const { scores = {} } = JSON.parse(lineageJson) as {
    scores?: Record<string, { estimates?: Record<string, { low?: number; high?: number }> }>;
  };
  for (const [part, { estimates = {} }] of Object.entries(scores))
    for (const [name, { low, high }] of Object.entries(estimates))
      if (low !== undefined && high !== undefined) found[`${part}.${name}`] = { low, high };
  return found;
}
