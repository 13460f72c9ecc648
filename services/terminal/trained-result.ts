import { join } from 'node:path';
import type { TrainingJob__Output } from '../../proto/gen/automed/training/v1/TrainingJob';
import { automedError } from '../common/errors';
import { score } from './table';

/** What a training made. */
export interface TrainedResult {
  /** `name@version`; undefined when the base itself was trained. */
  model: string | undefined;
  /** `name@version` of the base that the model stands on, or that was trained. */
  base: string;
  /** What the training began with. */
  from: string;
  /** Folder of the report: in full where the store is on this machine, else relative to the store. */
  report: string | undefined;
  /** By part, `validation` and `test`. */
  metrics: Record<string, unknown>;
}

/** @param home root of the store, where it is this machine's */
export function resultOf({ result, spec }: TrainingJob__Output, home: string | undefined): TrainedResult {
  if (!result) throw automedError('INTERNAL', 'a job that has succeeded lacks its result');
  const from = spec?.base ?? '';
  const { model, base, report, metricsJson } = result;
  return {
    model: model === '' ? undefined : model,
    base: base === '' ? from : base,
    from,
    report: report === '' ? undefined : join(home ?? '', report),
    metrics: JSON.parse(metricsJson) as Record<string, unknown>,
  };
}

/** The scores of a part that a person asks for; the rest is in the report. */
const HEADLINES = ['mdsc', 'miou', 'accuracy', 'macroF1'];

/** A line of what was trained, with its scores. */
export function resultText({ model, base, from, report, metrics }: TrainedResult): string {
  const parts = [model === undefined ? `trained the base ${base} from ${from}` : `trained ${model} on ${base}`];
  for (const part of ['validation', 'test']) {
    const values = (metrics[part] ?? {}) as Record<string, unknown>;
    const scores = HEADLINES.flatMap((name) => {
      const value = values[name];
      return typeof value === 'number' ? [`${name} ${score(value)}`] : [];
    });
    if (scores.length > 0) parts.push(`${part} ${scores.join(' ')}`);
    const { point } = values as { point?: { mdsc: number } };
    if (point) parts.push(`${part} with one point mdsc ${score(point.mdsc)}`);
  }
  return `${parts.join(', ')}${report === undefined ? '' : `; report in ${report}`}`;
}
