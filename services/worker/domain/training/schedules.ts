// How the learning rate goes over a run, and when a run has learned all it will. All of it follows from the recipe and the
// scores so far, so that a resumed run needs nothing else.

import type { Recipe } from '../../protocol/recipes';

/** Where in a run a step is. */
export interface Moment {
  /** Counted from 0 over the whole run. */
  step: number;
  stepsPerEpoch: number;
  /** Of the epochs that are over. */
  scores: readonly number[];
}

/** Falling schedules end at a hundredth: the last steps still do something. */
const LAST_SHARE = 0.01;
const ONE_CYCLE = { rise: 0.3, firstShare: 1 / 25, lastShare: 1e-4 };

/** From 1 to 0 as `progress` goes from 0 to 1. */
const cosine = (progress: number): number => 0.5 * (1 + Math.cos(Math.PI * progress));

function oneCycle(progress: number): number {
  const { rise, firstShare, lastShare } = ONE_CYCLE;
  return progress < rise
    ? 1 - (1 - firstShare) * cosine(progress / rise)
    : lastShare + (1 - lastShare) * cosine((progress - rise) / (1 - rise));
}

/** How often in a row the newest scores did not exceed the best before them by more than `minDelta`. */
function epochsWithoutGain(scores: readonly number[], minDelta: number): number {
  let [best, without] = [-Infinity, 0];
  for (const score of scores) {
    without = score > best + minDelta ? 0 : without + 1;
    if (without === 0) best = score;
  }
  return without;
}

/** How often the plateau schedule has let the learning rate fall. */
function falls(scores: readonly number[], { minDelta, scheduleEpochs }: Recipe): number {
  let [best, without, count] = [-Infinity, 0, 0];
  for (const score of scores) {
    if (score > best + minDelta) [best, without] = [score, 0];
    else without += 1;
    if (without >= scheduleEpochs) [without, count] = [0, count + 1];
  }
  return count;
}

/** Learning rate of a step. */
export function learningRateAt(recipe: Recipe, { step, stepsPerEpoch, scores }: Moment): number {
  const totalSteps = stepsPerEpoch * recipe.epochs;
  // One-cycle has a warm-up of its own.
  const warmup = recipe.schedule === 'one-cycle' ? 0 : Math.min(recipe.warmupSteps, Math.floor(totalSteps / 4));
  if (step < warmup) return (recipe.learningRate * (step + 1)) / warmup;
  const progress = Math.min(1, (step - warmup) / Math.max(1, totalSteps - warmup));
  return recipe.learningRate * shareOf(recipe, progress, Math.floor(step / stepsPerEpoch), scores);
}

function shareOf(recipe: Recipe, progress: number, epoch: number, scores: readonly number[]): number {
  switch (recipe.schedule) {
    case 'constant':
      return 1;
    case 'cosine':
      return LAST_SHARE + (1 - LAST_SHARE) * cosine(progress);
    case 'linear':
      return LAST_SHARE + (1 - LAST_SHARE) * (1 - progress);
    case 'one-cycle':
      return oneCycle(progress);
    case 'step':
      return recipe.scheduleFactor ** Math.floor(epoch / recipe.scheduleEpochs);
    case 'plateau':
      return recipe.scheduleFactor ** falls(scores, recipe);
  }
}

/** Whether the score has stood still for `patience` epochs. */
export function hasStopped({ patience, minDelta }: Recipe, scores: readonly number[]): boolean {
  return patience > 0 && epochsWithoutGain(scores, minDelta) >= patience;
}
