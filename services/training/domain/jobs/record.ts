// What a worker's event changes about its job, and what of it is kept.

import type { WorkerEvent } from '../../../worker/protocol/protocol';
import type { Change, Job, JobEvent, JobProgress } from './job';
import { TRAINING } from './training-kind';

type Told = Exclude<WorkerEvent, { type: 'finished' } | { type: 'failed' }>;
type EpochEvent = Extract<Told, { type: 'epoch' }>;

const NOTHING: JobProgress = { epoch: 0, epochs: 0, progress: 0, etaSeconds: null, latest: null, best: null };

/** Epochs are told again by a worker that goes on; the first time counts. */
function isNews(progress: JobProgress, { metrics }: EpochEvent): boolean {
  return metrics.epoch > (progress.latest?.epoch ?? 0);
}

function afterEpoch(progress: JobProgress, { metrics }: EpochEvent): JobProgress {
  const best = progress.best === null || metrics.score > progress.best.score ? metrics : progress.best;
  return { ...progress, epoch: Math.max(progress.epoch, metrics.epoch), latest: metrics, best };
}

/** Epochs whose events were lost with the service or the worker, from what the next worker says of them. */
function missedEpochs(progress: JobProgress, history: readonly EpochEvent['metrics'][]): EpochEvent[] {
  let best = progress.best?.score ?? -Infinity;
  return history
    .filter(({ epoch }) => epoch > (progress.latest?.epoch ?? 0))
    .map((metrics) => {
      const isBest = metrics.score > best;
      best = Math.max(best, metrics.score);
      return { type: 'epoch', metrics, best: isBest, seconds: 0 };
    });
}

/** The change that an event makes; undefined for one that says nothing new. */
export function recorded(job: Job, event: Told): Change | undefined {
  const progress = job.progress ?? NOTHING;
  switch (event.type) {
    case 'step': {
      const { epoch, progress: share, etaSeconds } = event;
      return { patch: { progress: { ...progress, epoch, progress: share, etaSeconds } }, events: [event] };
    }
    case 'epoch':
      if (!isNews(progress, event)) return undefined;
      return { patch: { progress: afterEpoch(progress, event) }, events: [event] };
    case 'started': {
      const { history = [], ...started } = event;
      const missed = missedEpochs(progress, history);
      const known = missed.reduce(afterEpoch, { ...progress, epochs: event.epochs });
      const events: JobEvent[] = [...missed, started];
      return { patch: { progress: known }, events };
    }
    case 'preparing': {
      // Of a training this is a small part, of other work all there is to tell.
      const share = job.kind === TRAINING ? progress.progress : event.done / Math.max(1, event.total);
      return { patch: { progress: { ...progress, progress: share } }, events: [event] };
    }
    case 'log':
    case 'preview':
    case 'alarms':
      return { patch: {}, events: [event] };
  }
}
