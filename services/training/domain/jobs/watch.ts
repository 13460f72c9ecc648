import { automedError } from '../../../common/errors';
import type { StoredEvent } from './job';
import type { JobQueue } from './queue';
import { isFinal } from './state';

/** Events that are read at once: what one watcher holds in memory at most, however far behind it is. */
const BATCH = 256;

/** Resolves at the next change of the job, or when the signal aborts. */
function nextChange(
  queue: JobQueue,
  id: string,
  signal: AbortSignal,
): { happened: Promise<void>; dispose: () => void } {
  let hear: (changed: string) => void = () => undefined;
  let stop: () => void = () => undefined;
  const happened = new Promise<void>((resolve) => {
    hear = (changed) => {
      if (changed === id) resolve();
    };
    stop = resolve;
    queue.notices.on('change', hear);
    signal.addEventListener('abort', stop, { once: true });
  });
  const dispose = (): void => {
    queue.notices.off('change', hear);
    signal.removeEventListener('abort', stop);
  };
  return { happened, dispose };
}

/**
 * The events of a job from a sequence number on, first those that are stored and then those that come, each once and in
 * order; ends after the last event of a job in a final state. Reads from the table whenever its consumer is ready, so that a
 * slow one costs no memory.
 * @throws NotFoundError when there is no such job, or it is deleted meanwhile; CancelledError when the signal aborts
 */
export async function* watchJob(
  queue: JobQueue,
  { kind, id, fromSequence }: { kind: string; id: string; fromSequence: number },
  signal: AbortSignal,
): AsyncGenerator<StoredEvent, void, void> {
  for (let next = Math.max(1, fromSequence); ;) {
    if (signal.aborted) throw automedError('CANCELLED', 'The watch was ended.');
    // Listening begins before reading: what happens in between is not missed.
    const change = nextChange(queue, id, signal);
    try {
      const { state } = queue.get(kind, id);
      const events = queue.events(id, next, BATCH);
      for (const event of events) yield event;
      next += events.length;
      if (events.length === BATCH) continue;
      // The state was read before the events: they hold the one that led to it.
      if (isFinal(state)) return;
      await change.happened;
    } finally {
      change.dispose();
    }
  }
}
