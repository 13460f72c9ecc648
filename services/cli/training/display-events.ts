import type { TrainingDisplay } from '../output/training-display';
import type { WorkerEvent } from '../../worker/protocol/protocol';

/** Feeds what a worker tells into a display. */
export function displayEvents(display: TrainingDisplay, metric: string): (event: WorkerEvent) => void {
  let epochs = 0;
  let best = -Infinity;
  const begun = Date.now();
  return (event) => {
    switch (event.type) {
      case 'preparing':
        return display.loading(event.done, event.total);
      case 'started': {
        epochs = event.epochs;
        const { train, validation } = event.samples;
        const skipped =
          event.skipped > 0 ? `, ${event.skipped} ${event.skipped === 1 ? 'file' : 'files'} left out` : '';
        const resumed = event.firstEpoch > 1 ? `, resuming at epoch ${event.firstEpoch}` : '';
        const parameters = `${(event.trainableParameters / 1e6).toFixed(1)} M parameters to train`;
        return display.note(`${train} images, ${validation} for validation${skipped}, ${parameters}${resumed}`);
      }
      case 'step':
        return display.step({ ...event, epochs });
      case 'epoch': {
        const { epoch, trainLoss, validationLoss, score } = event.metrics;
        best = Math.max(best, score);
        const elapsedSeconds = (Date.now() - begun) / 1000;
        return display.epoch({ epoch, epochs, trainLoss, validationLoss, metric, value: score, best, elapsedSeconds });
      }
      case 'preview':
        return undefined;
      case 'log':
        return display.note(event.message);
      case 'finished':
      case 'failed':
        return display.close();
    }
  };
}
