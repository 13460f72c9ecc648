// A run as its registration takes it over.

import type { StoredBase, StoredModel, StoredBackbone, HeadArchitecture } from '../../../store';
import type { JobState } from '../../job-folder/job-state';
import type { TrainSpec } from '../../protocol/protocol';
import type { Recipe } from '../../protocol/recipes';
import type { PreparedData } from '../data/load-data';
import type { SeenBefore } from '../data/seen-before';
import type { AnswerGolden } from './make-golden';
import type { LoadPrecisionPair } from './measure-agreement';

/** A run that has ended, as it is registered. */
export interface RunResult {
  spec: TrainSpec;
  recipe: Recipe;
  base: StoredBase;
  /** What the head, or its MobileNet, began with; undefined: random weights. */
  start: StoredModel | StoredBackbone | undefined;
  /** Null: the base itself was trained. */
  head: HeadArchitecture | null;
  structures: string[];
  data: PreparedData;
  before: SeenBefore;
  state: JobState;
  /** Undefined: no golden image. */
  answerGolden: AnswerGolden | undefined;
  /** Undefined: reduced precision is not measured. */
  loadPrecisionPair?: LoadPrecisionPair | undefined;
  codeVersion: string;
  seconds: number;
}
