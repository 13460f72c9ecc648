// The epochs of a run: steps, learning rate, validation, checkpoints, and what is told about them.

import { performance } from 'node:perf_hooks';
import { AutomedError, automedError } from '../../../common/errors';
import { epochMetrics, summarise, type Labels, type SampleOutcome } from '../../../scoring/results/evaluation';
import type { EpochMetrics } from '../../../scoring/results/epoch-metrics';
import type { Emit } from '../../protocol/protocol';
import type { EpochProgress, JobState } from '../../job-folder/job-state';
import type { Recipe } from '../../protocol/recipes';
import type { StepOutcome, TrainerPort } from '../ports/trainer';
import { Checkpoints, type CheckpointPolicy } from './checkpoints';
import { hasStopped, learningRateAt } from './schedules';

/** Steps are told at most this often. */
const STEP_EVENT_MS = 250;
/** Samples of a failed step that its message names. */
const NAMED_SAMPLES = 10;
/** Images that batch norm's statistics are measured on before an evaluation: more hardly change them. */
const MEASURED_IMAGES = 512;

export interface LoopContext {
  trainer: TrainerPort;
  recipe: Recipe;
  /** Of the training samples, in their order. */
  names: readonly string[];
  labels: Labels;
  jobFolder: string;
  checkpoints: CheckpointPolicy;
  /** Processes that train together, each on a batch of the recipe's size. */
  ranks: number;
  signal: AbortSignal;
  emit: Emit;
  /** Looks for what is wrong with the training; absent: another process does. */
  watch?: ((epoch: number, validation: readonly SampleOutcome[]) => Promise<void>) | undefined;
  /** Shows what an epoch came to; absent: nobody wants to see it. */
  preview?: ((epoch: number, validation: readonly SampleOutcome[]) => Promise<void>) | undefined;
}

/** What the functions of one run share. */
interface Loop extends LoopContext {
  writer: Checkpoints;
  stepsPerEpoch: number;
  clock: Clock;
}

interface Clock {
  /** Images per second of this process, validation included. */
  started: number;
  firstStep: number;
  lastEvent: number;
  /** Of this epoch in this process: seconds that its steps waited for samples. */
  dataWait: number;
}

const scoresOf = (state: JobState): number[] => state.history.map(({ score }) => score);

/** Names the images behind a loss or gradient that is not finite. */
async function explain(error: unknown, { trainer, names }: Loop, epoch: number, step: number): Promise<unknown> {
  if (!(error instanceof AutomedError) || error.code !== 'ILLEGAL_STATE') return error;
  const { field } = error;
  if (field !== 'loss' && field !== 'gradient') return error;
  const samples = (await trainer.recentSamples()).map((index) => names[index] ?? `sample ${index}`);
  const listed = samples.slice(0, NAMED_SAMPLES).join(', ') + (samples.length > NAMED_SAMPLES ? ', ...' : '');
  const images = `${samples.length === 1 ? 'image' : 'images'} ${listed}`;
  return automedError(
    'ILLEGAL_STATE',
    `The ${field} is no finite number any more in epoch ${epoch} at step ${step} (${images}). The checkpoints of before are kept; ` +
      'a lower learning rate or a gradient clip may help.',
    { field, cause: error },
  );
}

async function learnStep(loop: Loop, epoch: number, step: number): Promise<StepOutcome> {
  try {
    // One step at a time: the schedule must not depend on how often somebody looks at the clock.
    return await loop.trainer.train(1);
  } catch (error) {
    throw await explain(error, loop, epoch, step);
  }
}

function tellStep(loop: Loop, epoch: number, progress: EpochProgress, since: { ms: number; images: number }): void {
  const { clock, stepsPerEpoch, recipe, emit } = loop;
  const now = performance.now();
  if (now - clock.lastEvent < STEP_EVENT_MS && progress.steps < stepsPerEpoch) return;
  clock.lastEvent = now;
  const step = (epoch - 1) * stepsPerEpoch + progress.steps;
  const totalSteps = stepsPerEpoch * recipe.epochs;
  const perStep = (now - clock.started) / (step - clock.firstStep);
  emit({
    type: 'step',
    epoch,
    step,
    loss: progress.lossSum / progress.images,
    imagesPerSecond: (1000 * (progress.images - since.images)) / (now - since.ms),
    progress: Math.min(1, step / totalSteps),
    etaSeconds: (perStep * (totalSteps - step)) / 1000,
  });
}

/** The steps of one epoch that its state has not seen. A run that is stopped writes a checkpoint before it ends. */
async function runSteps(loop: Loop, state: JobState): Promise<EpochProgress> {
  const { trainer, recipe, stepsPerEpoch, writer, signal } = loop;
  const epoch = state.epochs + 1;
  let progress = state.partial ?? { steps: 0, images: 0, lossSum: 0 };
  const since = { ms: performance.now(), images: progress.images };
  while (progress.steps < stepsPerEpoch) {
    if (signal.aborted) {
      // The ranks of a process group hear of it at different steps, and a checkpoint is the work of all.
      if (writer.behind && loop.ranks === 1) await writer.write(state, progress);
      signal.throwIfAborted();
    }
    const step = state.epochs * stepsPerEpoch + progress.steps;
    trainer.setLearningRate(learningRateAt(recipe, { step, stepsPerEpoch, scores: scoresOf(state) }));
    const outcome = await learnStep(loop, epoch, step + 1);
    progress = {
      steps: progress.steps + 1,
      images: progress.images + outcome.images,
      lossSum: progress.lossSum + outcome.loss * outcome.images,
    };
    loop.clock.dataWait += outcome.waitSeconds;
    writer.learned();
    if (progress.steps < stepsPerEpoch && writer.due) await writer.write(state, progress);
    tellStep(loop, epoch, progress, since);
  }
  return progress;
}

/** Whether an epoch beats the best before it: by its score, and where few images leave two alike by its validation loss. */
export function isBetter(metrics: EpochMetrics, best: EpochMetrics | undefined): boolean {
  if (metrics.score !== best?.score) return metrics.score > (best?.score ?? -1);
  return metrics.validationLoss < best.validationLoss;
}

/** One epoch from its first step, or where its checkpoint stands, to its scores and its own checkpoint. */
async function runEpoch(loop: Loop, before: JobState): Promise<JobState> {
  const { trainer, recipe, stepsPerEpoch, labels, emit } = loop;
  const started = performance.now();
  const epoch = before.epochs + 1;
  loop.clock.dataWait = 0;
  const { lossSum, images } = await runSteps(loop, before);
  const last = { step: epoch * stepsPerEpoch - 1, stepsPerEpoch, scores: scoresOf(before) };
  if (recipe.batchNorm === 'reestimate') {
    await trainer.measureBatchNorm(Math.ceil(MEASURED_IMAGES / recipe.batchSize));
  }
  const outcomes = await trainer.evaluate('validation');
  const validation = summarise(outcomes, labels);
  const metrics = epochMetrics(epoch, lossSum / images, learningRateAt(recipe, last), validation);
  const best = isBetter(metrics, before.history[before.bestEpoch - 1]);
  const state = await loop.writer.write({
    ...before,
    epochs: epoch,
    bestEpoch: best ? epoch : before.bestEpoch,
    history: [...before.history, metrics],
  });
  const seconds = (performance.now() - started) / 1000;
  emit({ type: 'epoch', metrics, best, seconds, dataWaitSeconds: loop.clock.dataWait });
  await loop.watch?.(epoch, outcomes);
  await loop.preview?.(epoch, outcomes);
  return state;
}

/** Runs the epochs that `state` has not seen, keeping it and the checkpoints up to date; returns the last state. */
export async function runEpochs(context: LoopContext, initial: JobState): Promise<JobState> {
  const { trainer, recipe, names, jobFolder, emit } = context;
  const stepsPerEpoch = Math.ceil(names.length / (recipe.batchSize * context.ranks));
  const now = performance.now();
  const firstStep = initial.epochs * stepsPerEpoch + (initial.partial?.steps ?? 0);
  const loop: Loop = {
    ...context,
    stepsPerEpoch,
    writer: new Checkpoints(trainer, jobFolder, context.checkpoints),
    clock: { started: now, firstStep, lastEvent: now, dataWait: 0 },
  };
  let state = initial;
  while (state.epochs < recipe.epochs && !hasStopped(recipe, scoresOf(state))) state = await runEpoch(loop, state);
  if (state.epochs < recipe.epochs) {
    const message = `The run ends after epoch ${state.epochs}: ${recipe.patience} epochs brought no better score.`;
    emit({ type: 'log', level: 'info', message });
  }
  return state;
}
