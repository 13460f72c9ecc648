import { referenceOf, reportOf, type ModelStore } from '../../store';
import { scoreOf, type PartMetrics } from '../../scoring/results/evaluation';
import type { FinishedEvent, TrainSpec } from '../protocol/protocol';
import { INTERACTIVE } from '../protocol/systems';

/** What a job has registered already: its worker may have died between that and saying so. */
export async function finishedBefore(store: ModelStore, spec: TrainSpec): Promise<FinishedEvent | undefined> {
  if (spec.jobId === undefined) return undefined;
  const { model, base } = await store.findByJob(spec.jobId);
  const whole = spec.system === INTERACTIVE ? base : model;
  if (!whole) return undefined;
  const { metrics = {}, training = {} } = whole.manifest;
  const parts = Object.entries(metrics as Record<string, PartMetrics>);
  const { bestEpoch, seconds } = training as { bestEpoch?: number; seconds?: number };
  return {
    type: 'finished',
    ...(model ? { model: referenceOf(model) } : {}),
    ...(base ? { base: referenceOf(base) } : {}),
    report: reportOf(whole),
    metrics: {
      ...Object.fromEntries(parts.map(([part, each]) => [part, { ...each, score: scoreOf(each) }])),
      bestEpoch,
      seconds,
    },
  };
}
