// Which scores there are and which way each is better, for whoever sets a bound. docs/scores.md says what each is.

export type Direction = 'higher' | 'lower';

const DIRECTIONS: Readonly<Record<string, Direction>> = {
  mdsc: 'higher',
  miou: 'higher',
  sensitivity: 'higher',
  specificity: 'higher',
  hd95_px: 'lower',
  hd95_penalized_px: 'lower',
  asd_px: 'lower',
  miss_rate: 'lower',
  false_alarm_rate: 'lower',
  vanished_masks: 'lower',
  vanished_lesions: 'lower',
  accuracy: 'higher',
  macro_f1: 'higher',
  precision: 'higher',
  recall: 'higher',
  f1: 'higher',
  auroc: 'higher',
  average_precision: 'higher',
  ece: 'lower',
  brier: 'lower',
  loss: 'lower',
  /** As manifests of before call macro_f1. */
  macroF1: 'higher',
  /** Images that were measured, and those of a class. */
  images: 'higher',
  support: 'higher',
};

/** Scores that are means over the images where both masks have something; the penalised one counts the others. */
const SKIPS_MISSES = ['hd95_px', 'asd_px'];
const COUNTS = ['vanished_masks', 'vanished_lesions', 'images', 'support'];

export const SCORE_NAMES = Object.keys(DIRECTIONS);

/** `hd95_px` of `test.structure.disc.hd95_px.high`: the kind of score, whatever it is of. */
function kindOfScore(name: string): string {
  return /([^.]+)(?:\.(?:low|high))?$/.exec(name)?.[1] ?? '';
}

/** Scores that end elsewhere than at 1. */
const LARGEST: Readonly<Record<string, number>> = {
  ...Object.fromEntries(
    ['hd95_px', 'hd95_penalized_px', 'asd_px', 'vanished_masks', 'vanished_lesions', 'loss', 'images', 'support'].map(
      (name) => [name, Infinity],
    ),
  ),
  brier: 2,
};

/** The largest value that a score can have; the smallest is 0. */
export function largestOf(name: string): number {
  return LARGEST[kindOfScore(name)] ?? 1;
}

/** Undefined for a score that is not known. */
export function directionOf(name: string): Direction | undefined {
  const kind = kindOfScore(name);
  return Object.hasOwn(DIRECTIONS, kind) ? DIRECTIONS[kind] : undefined;
}

/** Whether a score counts things, so that its value is a whole number; the ends of its interval need not be. */
export function isCount(name: string): boolean {
  return COUNTS.includes(name.split('.').at(-1) ?? '');
}

export function skipsMisses(name: string): boolean {
  return SKIPS_MISSES.includes(kindOfScore(name));
}
