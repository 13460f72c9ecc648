// Whether the order would have helped on what is labelled already: labels are hidden and asked for again, by the order and at random.

import { setImmediate as turn } from 'node:timers/promises';
import { automedError } from '../common/errors';
import { Random } from '../common/random';
import type { KeptImage } from './kept-image';
import type { LinearHead } from './linear-head';
import { headOf, nextLabels, scoreOf, uncertaintyOf } from './order';

export const SIMULATION = {
  seeds: 5,
  /** Of the labelled images, in whole groups, that scores are measured on. */
  testShare: 0.3,
  /** Of the others: labels at the beginning and in each step. */
  stepShare: 0.05,
  /** Of the others: the labels that random order is given. */
  budgetShare: 0.5,
  /** Up to which the order is followed where it is no better. */
  furthest: 0.75,
  /** Random orders of each seed. */
  randomOrders: 3,
  /** Share of random order's labels up to which an order is worth it. */
  worth: 0.75,
} as const;

/** Fewer labelled images say nothing. */
export const FEWEST_LABELLED = 60;

/** What a simulation found. */
export interface Benefit {
  /** Images whose labels were hidden, and images that scores were measured on, of each seed. */
  poolCount: number;
  testCount: number;
  seeds: number;
  /** Labels that random order was given. */
  labels: number;
  /** Mean score with as many labels, `[0, 1]`. */
  randomScore: number;
  orderedScore: number;
  /** Labels that the order needs for the score of random order, as a share of those that random order needs; mean over the seeds. */
  share: number;
  /** Its 95 % interval over the seeds (Student's t). */
  low: number;
  high: number;
  /** Whether the order is worth it: the share is at most 0.75, and the interval ends below 1. */
  helps: boolean;
}

export interface SimulationOptions {
  masks: boolean;
  seed?: number;
  signal: AbortSignal;
  onProgress?: (done: number, total: number) => void;
}

interface Split {
  test: KeptImage[];
  pool: KeptImage[];
}

/** Whole groups on either side. */
function splitOf(images: readonly KeptImage[], random: Random): Split {
  const groups = new Map<string, KeptImage[]>();
  for (const image of images) {
    const key = image.group ?? `#${image.name}`;
    groups.set(key, [...(groups.get(key) ?? []), image]);
  }
  const wanted = images.length * SIMULATION.testShare;
  const split: Split = { test: [], pool: [] };
  for (const group of random.shuffled([...groups.values()])) {
    (split.test.length < wanted ? split.test : split.pool).push(...group);
  }
  return split;
}

type Choose = (labelled: readonly KeptImage[], rest: readonly KeptImage[], count: number, head: LinearHead) => number[];

/** Scores after each step of labels. */
async function curveOf(
  { pool, test }: Split,
  first: readonly KeptImage[],
  choose: Choose,
  { step, steps, masks, signal }: { step: number; steps: number; masks: boolean; signal: AbortSignal },
): Promise<number[]> {
  const labelled = [...first];
  const known = new Set(first);
  let rest = pool.filter((image) => !known.has(image));
  let head = headOf(labelled);
  const curve = [scoreOf(head, test, masks)];
  while (curve.length < steps) {
    const chosen = new Set(choose(labelled, rest, step, head));
    labelled.push(...rest.filter((_, at) => chosen.has(at)));
    rest = rest.filter((_, at) => !chosen.has(at));
    head = headOf(labelled, head);
    curve.push(scoreOf(head, test, masks));
    await turn();
    signal.throwIfAborted();
  }
  return curve;
}

/** The mean of each point with its neighbours: a few test images more or less decide no step. */
export const smoothed = (curve: readonly number[]): number[] =>
  curve.map((_, at) => mean(curve.slice(Math.max(0, at - 1), at + 2)));

/** Steps until a curve first reaches a score, between two points in a straight line; its length where it does not. */
export function stepsTo(curve: readonly number[], score: number): number {
  const at = curve.findIndex((value) => value >= score);
  if (at === -1) return curve.length;
  if (at === 0) return 1;
  const [before, after] = [curve[at - 1] as number, curve[at] as number];
  return at + (score - before) / (after - before);
}

/** Student's t of a 95 % interval, by degrees of freedom from 1. */
const STUDENT = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262];

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean and its 95 % interval. */
export function meanWithInterval(values: readonly number[]): { share: number; low: number; high: number } {
  const share = mean(values);
  const variance = values.reduce((sum, value) => sum + (value - share) ** 2, 0) / Math.max(1, values.length - 1);
  const half = (STUDENT[values.length - 2] ?? 1.96) * Math.sqrt(variance / values.length);
  return { share, low: Math.max(0, share - half), high: share + half };
}

interface SeedOutcome {
  share: number;
  random: number;
  ordered: number;
}

async function simulateSeed(
  split: Split,
  random: Random,
  { masks, signal, onCurve }: SimulationOptions & { onCurve: () => void },
): Promise<SeedOutcome> {
  const step = Math.max(1, Math.round(split.pool.length * SIMULATION.stepShare));
  const budget = Math.round(SIMULATION.budgetShare / SIMULATION.stepShare);
  const furthest = Math.round(SIMULATION.furthest / SIMULATION.stepShare);
  const first = random.shuffled(split.pool).slice(0, step);
  const byOrder: Choose = (labelled, rest, count, head) =>
    nextLabels(
      labelled.map(({ descriptor }) => descriptor),
      rest.map((image) => ({ descriptor: image.descriptor, uncertainty: uncertaintyOf(head, image, masks) })),
      count,
    );
  const atRandom: Choose = (_labelled, rest, count) => random.shuffled([...rest.keys()]).slice(0, count);
  const run = async (choose: Choose, steps: number): Promise<number[]> => {
    const curve = await curveOf(split, first, choose, { step, steps, masks, signal });
    onCurve();
    return smoothed(curve);
  };
  const ordered = await run(byOrder, furthest);
  const shares: number[] = [];
  const scores: number[] = [];
  for (let order = 0; order < SIMULATION.randomOrders; order += 1) {
    const curve = await run(atRandom, budget);
    const score = curve[budget - 1] as number;
    // Both by when they first get there: chance lifts either curve.
    shares.push(stepsTo(ordered, score) / stepsTo(curve, score));
    scores.push(score);
  }
  return { share: mean(shares), random: mean(scores), ordered: ordered[budget - 1] as number };
}

/**
 * Hides labels and asks for them again. Images have been rescaled.
 * @throws InvalidInputError (field `dataset`) where too few images are labelled
 */
export async function simulate(images: readonly KeptImage[], options: SimulationOptions): Promise<Benefit> {
  if (images.length < FEWEST_LABELLED) {
    const text = `${images.length} labelled images are too few to measure whether an order helps; ${FEWEST_LABELLED} are needed.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'dataset' });
  }
  const { seed = 0, onProgress } = options;
  const { seeds, randomOrders } = SIMULATION;
  const total = seeds * (1 + randomOrders);
  let done = 0;
  const onCurve = (): void => onProgress?.((done += 1), total);
  const outcomes: SeedOutcome[] = [];
  let sizes = { pool: 0, test: 0 };
  for (let one = 0; one < seeds; one += 1) {
    const random = Random.of(seed, one);
    const split = splitOf(images, random);
    sizes = { pool: split.pool.length, test: split.test.length };
    outcomes.push(await simulateSeed(split, random, { ...options, onCurve }));
  }
  const interval = meanWithInterval(outcomes.map(({ share }) => share));
  return {
    poolCount: sizes.pool,
    testCount: sizes.test,
    seeds,
    labels: Math.round(sizes.pool * SIMULATION.budgetShare),
    randomScore: mean(outcomes.map(({ random }) => random)),
    orderedScore: mean(outcomes.map(({ ordered }) => ordered)),
    ...interval,
    helps: interval.share <= SIMULATION.worth && interval.high < 1,
  };
}
