// The epochs of a run: steps, learning rate, validation, checkpoints, and what is told about them.

import { performance } from 'node:perf_hooks';
import type { Emit } from './prepare-data';
import { epochMetrics, summarise, type Labels } from './evaluation';
import { checkpointPath, saveJob, type JobState } from './job-state';
import type { TrainerPort } from './ports';
import { learningRateAt, type Recipe } from './recipes';

/** Steps are told at most this often. */
const STEP_EVENT_MS = 250;

export interface LoopContext {
  trainer: TrainerPort;
  recipe: Recipe;
  trainCount: number;
  labels: Labels;
  jobFolder: string;
  /** Processes that train together, each on a batch of the recipe's size. */
  ranks: number;
  /** Keeps the state; of a gang rank 0 does. */
  leads: boolean;
  signal: AbortSignal;
  emit: Emit;
}

interface Clock {
  /** Images per second of this process, validation included. */
  started: number;
  firstStep: number;
  lastEvent: number;
}

interface EpochOutcome {
  loss: number;
  learningRate: number;
}

async function runSteps(
  context: LoopContext,
  epoch: number,
  stepsPerEpoch: number,
  clock: Clock,
): Promise<EpochOutcome> {
  const { trainer, recipe, signal, emit } = context;
  const totalSteps = stepsPerEpoch * recipe.epochs;
  const started = performance.now();
  let [lossSum, images, stepOfEpoch, learningRate] = [0, 0, 0, 0];
  for (let done = false; !done;) {
    signal.throwIfAborted();
    const step = (epoch - 1) * stepsPerEpoch + stepOfEpoch;
    learningRate = learningRateAt(recipe, step, totalSteps);
    trainer.setLearningRate(learningRate);
    // One step at a time: the schedule must not depend on how often somebody looks at the clock.
    const outcome = await trainer.train(1);
    lossSum += outcome.loss * outcome.images;
    images += outcome.images;
    stepOfEpoch += 1;
    done = outcome.epochDone;
    const now = performance.now();
    if (now - clock.lastEvent < STEP_EVENT_MS && !done) continue;
    clock.lastEvent = now;
    const perStep = (now - clock.started) / (step + 1 - clock.firstStep);
    emit({
      type: 'step',
      epoch,
      loss: lossSum / images,
      imagesPerSecond: (1000 * images) / (now - started),
      progress: Math.min(1, (step + 1) / totalSteps),
      etaSeconds: (perStep * (totalSteps - step - 1)) / 1000,
    });
  }
  return { loss: lossSum / images, learningRate };
}

/** Runs the epochs that `state` has not seen, keeping it and the checkpoints up to date; returns the last state. */
export async function runEpochs(context: LoopContext, initial: JobState): Promise<JobState> {
  const { trainer, recipe, jobFolder, emit } = context;
  const stepsPerEpoch = Math.ceil(context.trainCount / (recipe.batchSize * context.ranks));
  const now = performance.now();
  const clock: Clock = { started: now, firstStep: initial.epochs * stepsPerEpoch, lastEvent: now };
  let state = initial;
  for (let epoch = initial.epochs + 1; epoch <= recipe.epochs; epoch += 1) {
    const started = performance.now();
    const { loss, learningRate } = await runSteps(context, epoch, stepsPerEpoch, clock);
    const validation = summarise(await trainer.evaluate('validation'), context.labels);
    const metrics = epochMetrics(epoch, loss, learningRate, validation);
    const bestScore = state.history[state.bestEpoch - 1]?.score ?? -1;
    const best = metrics.score > bestScore;
    state = {
      ...state,
      epochs: epoch,
      bestEpoch: best ? epoch : state.bestEpoch,
      history: [...state.history, metrics],
    };
    await trainer.saveCheckpoint(checkpointPath(jobFolder, epoch));
    if (context.leads) await saveJob(jobFolder, state);
    emit({ type: 'epoch', metrics, best, seconds: (performance.now() - started) / 1000 });
  }
  return state;
}
