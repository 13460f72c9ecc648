// What a model answered to one labelled image, as the scores are computed from it.

import type { Losses } from '../checks/model-view';
import type { Sample } from '../datasets/samples/sample';
import type { DrawnScores } from '../scoring/metrics/score-mask';
import type { ScoredSample } from '../scoring/results/assessment';

type Named = Pick<Sample, 'name' | 'group'>;

const facts = ({ name, group }: Named): Pick<ScoredSample, 'name' | 'group' | 'point'> => ({
  name,
  ...(group === undefined ? {} : { group }),
  point: null,
});

/** @param losses of each structure what of its mask the model cannot see */
export function segmentedSample(
  sample: Named,
  drawn: readonly DrawnScores[],
  losses: readonly Losses[] = [],
): ScoredSample {
  const structures = drawn.map((scores, index) => ({ ...scores, ...losses[index] }));
  return { ...facts(sample), structures, probabilities: null, label: null };
}

/** @param label index of the true class among the model's */
export function classifiedSample(sample: Named, probabilities: number[], label: number): ScoredSample {
  return { ...facts(sample), structures: null, probabilities, label };
}
