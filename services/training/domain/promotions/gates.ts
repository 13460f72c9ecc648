// What stands between a version and an alias.

import { automedError } from '../../../common/errors';
import type { StoredModel } from '../../../store';
import type { AgreementGate, Evaluations, GateResult, MeasureAgreement, MetricGate } from './promotion';
import { namedScores, scoreNamed } from './scores';

export const AGREEMENT = 'agreement';

const nameOf = ({ manifest }: StoredModel): string => `${manifest.name}@${manifest.version}`;

/** The scores that a gate looks at. */
async function metricsFor(
  gate: MetricGate,
  field: string,
  candidate: StoredModel,
  evaluations: Evaluations,
): Promise<Record<string, unknown>> {
  if (gate.evaluation === '') return candidate.manifest.metrics;
  const { name, version, metrics } = await evaluations.evaluatedModel(gate.evaluation);
  if (name === candidate.manifest.name && version === candidate.manifest.version) return metrics;
  const text = `The evaluation ${gate.evaluation} is of ${name}@${version}, not of ${nameOf(candidate)}.`;
  throw automedError('INVALID_ARGUMENT', text, { field: `${field}.evaluation` });
}

/** @throws InvalidInputError when there is no such score */
export async function measureMetric(
  gate: MetricGate,
  field: string,
  candidate: StoredModel,
  evaluations: Evaluations,
): Promise<GateResult> {
  const metrics = await metricsFor(gate, field, candidate, evaluations);
  const scores = namedScores(metrics);
  const found = scoreNamed(scores, gate.metric);
  if (found === undefined) {
    const known = [...scores.keys()].slice(0, 20).join(', ') || 'none';
    const of = gate.evaluation === '' ? nameOf(candidate) : `The evaluation ${gate.evaluation}`;
    const text = `${of} has no score "${gate.metric}"; it has ${known}.`;
    throw automedError('INVALID_ARGUMENT', text, { field: `${field}.metric` });
  }
  const { metric, minimum, evaluation } = gate;
  const { value: measured, images } = found;
  return { metric, minimum, measured, evaluation, passed: measured >= minimum, images };
}

/** Compares a version with the one in place; passes where none is. */
export async function measureAgreement(
  gate: AgreementGate,
  versions: { candidate: StoredModel; current: StoredModel | undefined },
  measure: MeasureAgreement,
  signal: AbortSignal,
): Promise<GateResult> {
  const { minimum, evaluation } = gate;
  const { candidate, current } = versions;
  const shared = { metric: AGREEMENT, minimum, evaluation };
  if (current === undefined) return { ...shared, measured: null, passed: true, images: 0 };
  if (current.manifest.task !== candidate.manifest.task) {
    const text = `${nameOf(current)} is a ${current.manifest.task} model; its answers cannot be compared with those of ${nameOf(candidate)}.`;
    throw automedError('WRONG_TASK', text, { field: 'agreement' });
  }
  const { value, images } = await measure({ candidate, current, evaluation }, signal);
  return { ...shared, measured: value, passed: value >= minimum, images };
}

/** `mdsc is 0.7123, below 0.8` for each gate that holds the version back. */
export function describeRefusal(gates: readonly GateResult[]): string {
  const digits = (value: number): string => String(Number(value.toPrecision(6)));
  return gates
    .filter(({ passed }) => !passed)
    .map(({ metric, measured, minimum, evaluation, images }) => {
      const where = evaluation === '' ? 'as recorded at training' : `in evaluation ${evaluation}`;
      const count = images > 0 ? ` (${images} images)` : '';
      return `${metric} is ${measured === null ? 'unknown' : digits(measured)} ${where}${count}, below ${digits(minimum)}`;
    })
    .join('; ');
}
