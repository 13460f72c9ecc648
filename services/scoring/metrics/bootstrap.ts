// How sure a score is: percentile bootstrap (Efron & Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13).
//
// It is our own: general resamplers take a function of an array of numbers. Here whole groups (patients) are drawn, one draw serves
// every score, scores are ratios of sums whose parts not every image has, and a seed gives the same intervals on every machine.

import { Random } from '../../common/random';

/** 95 % of the resampled scores lie within an interval. */
const CONFIDENCE = 0.95;
const RESAMPLES = 2000;
/** Samples x scores x resamples at most; very large sets are resampled less often, but never less than this. */
const WORK = 1e9;
const FEWEST_RESAMPLES = 200;
/** Keeps the draws apart from those of the split, which have the same seed. */
const STREAM = 0xb007;

/** What a score rests on where that is not everything. */
export interface Basis {
  /** Images in its denominator: those with such a score, of the class, or put into it. */
  images?: number;
  /** Of several structures: masks of all images that have such a score. */
  masks?: number;
  /** Of counts of lesions: lesions of all images. */
  lesions?: number;
  /** Classes that a mean over classes is taken of. */
  classes?: number;
}

/** The same, with what an interval needs. */
export interface ScoreBasis extends Basis {
  /** Sets of samples (1 per member): of each at least two units must be there, or the resamples repeat a single one. */
  needs?: readonly Uint8Array[];
}

/** Scores of a set of samples, as a function of how often each sample counts. */
export interface WeightedScores {
  readonly names: readonly string[];
  /** Of each name; absent: every score rests on every sample. */
  readonly bases?: readonly ScoreBasis[];
  /** One score for each name; NaN where it is not defined, e.g. the recall of a class that does not occur. */
  evaluate(weights: Float64Array): readonly number[];
}

/**
 * A score, and where 95 % of its resamples lie; without interval when there are fewer than two units to draw from, or when most
 * resamples have no such score. Counts are there where they are not those of the whole.
 */
export interface Estimate extends Basis {
  value: number;
  low?: number;
  high?: number;
  /** Resamples that have such a score; the interval is that of these. */
  resamples?: number;
}

/** Scores by name, with how their intervals came about. */
export interface Intervals {
  /** Share of the resamples within an interval. */
  confidence: number;
  resamples: number;
  seed: number;
  /** What was drawn: whole groups (patients, sequences) where the data has any, else single images. */
  unit: 'group' | 'image';
  /** How many there are to draw from. */
  units: number;
  /** Scores that are not defined on these samples are absent. */
  estimates: Record<string, Estimate>;
}

/** Positions of the samples that are drawn together; a sample without a group stands alone. */
function unitsOf(groups: readonly (string | undefined)[]): number[][] {
  const units = new Map<string, number[]>();
  groups.forEach((group, index) => {
    const key = group === undefined ? `image ${index}` : `group ${group}`;
    const members = units.get(key);
    if (members) members.push(index);
    else units.set(key, [index]);
  });
  return [...units.values()];
}

/** Between the two nearest of the sorted values, as numpy.percentile does it; `share` in [0, 1]. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? NaN;
  const above = sorted[Math.ceil(at)] ?? NaN;
  return below + (above - below) * (at - Math.floor(at));
}

const fewer = (count: number, all: number): { resamples?: number } => (count < all ? { resamples: count } : {});

/** No ends when most resamples have no such score: what is left would not be a fair draw. */
function intervalOf(resampled: Float64Array): Pick<Estimate, 'low' | 'high' | 'resamples'> {
  const defined = resampled.filter((value) => !Number.isNaN(value)).sort();
  const count = fewer(defined.length, resampled.length);
  if (defined.length === 0 || defined.length < resampled.length / 2) return count;
  const tail = (1 - CONFIDENCE) / 2;
  return { low: quantile(defined, tail), high: quantile(defined, 1 - tail), ...count };
}

function hasTwoUnits(units: readonly (readonly number[])[], members: Uint8Array): boolean {
  let found = 0;
  for (const unit of units) {
    if (unit.some((sample) => members[sample])) found += 1;
    if (found === 2) return true;
  }
  return false;
}

export interface BootstrapOptions {
  seed: number;
  /** Default: RESAMPLES, or fewer for very large sets. */
  resamples?: number;
}

/** Draws as many units as there are, with replacement, again and again; the same seed gives the same intervals. */
export function bootstrap(
  scores: WeightedScores,
  groups: readonly (string | undefined)[],
  options: BootstrapOptions,
): Intervals {
  const units = unitsOf(groups);
  const { names } = scores;
  const affordable = Math.floor(WORK / Math.max(1, groups.length * names.length));
  const wanted = options.resamples ?? Math.min(RESAMPLES, Math.max(FEWEST_RESAMPLES, affordable));
  const resamples = units.length < 2 ? 0 : wanted;
  const values = scores.evaluate(new Float64Array(groups.length).fill(1));
  const resampled = names.map(() => new Float64Array(resamples));
  const random = Random.of(options.seed, STREAM, units.length);
  const weights = new Float64Array(groups.length);
  for (let round = 0; round < resamples; round += 1) {
    weights.fill(0);
    for (const _draw of units) {
      for (const index of units[random.integer(0, units.length - 1)] ?? []) weights[index] = (weights[index] ?? 0) + 1;
    }
    scores.evaluate(weights).forEach((value, index) => (resampled[index]![round] = value));
  }
  const estimates: Record<string, Estimate> = {};
  names.forEach((name, index) => {
    const value = values[index] ?? NaN;
    if (Number.isNaN(value)) return;
    const { needs = [], ...basis } = scores.bases?.[index] ?? {};
    const spread = needs.every((members) => hasTwoUnits(units, members)) ? intervalOf(resampled[index]!) : {};
    estimates[name] = { value, ...spread, ...basis };
  });
  return {
    confidence: CONFIDENCE,
    resamples,
    seed: options.seed,
    unit: groups.some((group) => group !== undefined) ? 'group' : 'image',
    units: units.length,
    estimates,
  };
}
