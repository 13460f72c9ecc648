import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { WorkerEvent } from '../../worker/protocol/protocol';

/** An event of a job as the worker told it, for the display that both share; nothing for a change of state. */
export function toWorkerEvent(event: TrainingEvent__Output): WorkerEvent | undefined {
  const { preparation, start, step, epoch, logLine } = event;
  if (preparation) return { type: 'preparing', done: preparation.doneCount, total: preparation.totalCount };
  if (start) {
    return {
      type: 'started',
      samples: { train: start.trainCount, validation: start.validationCount, test: start.testCount },
      skipped: start.skippedCount,
      classes: start.classes,
      trainableParameters: Number(start.trainableParameterCount),
      epochs: start.epochCount,
      firstEpoch: start.firstEpoch,
    };
  }
  if (step) return { type: 'step', ...step };
  if (epoch?.metrics) {
    const { epoch: number, trainLoss, validationLoss, learningRate, score } = epoch.metrics;
    const metrics = { epoch: number, trainLoss, validationLoss, learningRate, score };
    return { type: 'epoch', metrics, best: epoch.best, seconds: epoch.seconds };
  }
  if (logLine) return { type: 'log', level: logLine.warning ? 'warn' : 'info', message: logLine.message };
  return undefined;
}
