// Opens what a model is to be measured on before anything is measured: what is wrong with the data, and what of its masks the
// model cannot see.

import type { Intensity, Preprocessing } from '../store';
import type { Problem, Sample } from '../datasets/samples/sample';
import { factsOf, measuredFindings, type Seen } from '../checks/findings';
import type { Finding } from '../datasets/samples/finding';
import { decodeInOrder, problemOf } from '../datasets/load/load-samples';
import { inputOf } from '../checks/input-axes';
import type { Losses } from '../checks/model-view';
import type { Selection } from '../datasets/split/select-samples';

export interface Inspection {
  findings: Finding[];
  /** Of each sample with masks, of each structure what is lost at the model's input size. */
  losses: ReadonlyMap<Sample, readonly Losses[]>;
}

interface InspectOptions {
  /** `name@version` */
  model: string;
  /** Of the model; undefined: not known, taken for 256 x 256 pixels. */
  preprocessing: Preprocessing | undefined;
  /** What the values of the data were said to mean. */
  stated: Intensity | undefined;
  onProgress: (done: number) => void;
}

export async function inspect(
  { samples, folder }: Pick<Selection, 'samples' | 'folder'>,
  { model, preprocessing, stated, onProgress }: InspectOptions,
): Promise<Inspection> {
  const input = preprocessing && inputOf(preprocessing);
  const rule = { model, used: preprocessing?.intensity, stated };
  const seen: Seen[] = [];
  const problems: Problem[] = [];
  let done = 0;
  for await (const result of decodeInOrder(samples)) {
    if ('problem' in result) problems.push(problemOf(result));
    else seen.push(factsOf('test', result, input));
    onProgress((done += 1));
  }
  const losses = seen.flatMap(({ sample, maskFacts }): [Sample, readonly Losses[]][] =>
    maskFacts ? [[sample, maskFacts.losses]] : [],
  );
  return { findings: measuredFindings(seen, folder, problems, rule), losses: new Map(losses) };
}
