import type { TrainingEvent__Output } from '../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingStart__Output } from '../../proto/gen/automed/training/v1/TrainingStart';
import type { TrainingDisplay } from './training-display';

type Shown = Partial<Pick<TrainingEvent__Output, 'time' | 'preparation' | 'start' | 'step' | 'epoch' | 'logLine'>>;

function startLine({
  trainCount,
  validationCount,
  skippedCount,
  trainableParameterCount,
  firstEpoch,
}: TrainingStart__Output) {
  const skipped = skippedCount > 0 ? `, ${skippedCount} ${skippedCount === 1 ? 'file' : 'files'} left out` : '';
  const resumed = firstEpoch > 1 ? `, resuming at epoch ${firstEpoch}` : '';
  const parameters = `${(Number(trainableParameterCount) / 1e6).toFixed(1)} M parameters to train`;
  return `${trainCount} images, ${validationCount} for validation${skipped}, ${parameters}${resumed}`;
}

/** Milliseconds since 1970. */
export function millisecondsOf(time: TrainingEvent__Output['time'] | undefined): number {
  return time ? Number(time.seconds) * 1000 + time.nanos / 1e6 : Date.now();
}

/** Feeds what happens to a job into a display. */
export function displayEvents(display: TrainingDisplay, metric: string): (event: Shown) => void {
  let epochs = 0;
  let best = -Infinity;
  let begun: number | undefined;
  return ({ time, preparation, start, step, epoch, logLine }) => {
    begun ??= millisecondsOf(time);
    if (preparation) display.loading(preparation.doneCount, preparation.totalCount);
    if (logLine) display.note(logLine.message);
    if (start) {
      epochs = start.epochCount;
      display.note(startLine(start));
    }
    if (step) display.step({ ...step, epochs });
    if (epoch?.metrics) {
      const { epoch: number, trainLoss, validationLoss, score } = epoch.metrics;
      best = Math.max(best, score);
      const elapsedSeconds = (millisecondsOf(time) - begun) / 1000;
      display.epoch({ epoch: number, epochs, trainLoss, validationLoss, metric, value: score, best, elapsedSeconds });
    }
  };
}
