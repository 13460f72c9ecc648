export interface EvaluationSample {
  name: string;
  group?: string;
  /** Mean Dice over the structures, or probability of the true class, `[0, 1]`. */
  score?: number;
}
