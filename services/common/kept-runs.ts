// Work whose callers may lose their connection: it goes on for a while without one, and who comes back hears what was missed.

import { randomBytes } from 'node:crypto';
import { automedError } from './errors';
import { afterMs, type Alarm } from './timers';

/** A place in a run, as callers hold it. */
export interface Placed<Event> {
  token: string;
  /** Absent from the first. */
  event?: Event;
}

export interface Reader {
  /** Who calls; a run is its own caller's. */
  owner: string;
  /** How long the run goes on when this reader is gone, milliseconds. */
  keepMs: number;
  signal: AbortSignal;
}

/** What a run told that nobody may have heard. */
const MOST_EVENTS = 10_000;
/** How long the end of a run is kept for those who have not heard it, at least, milliseconds. */
const KEPT_END_MS = 60_000;
/** Runs that go on without a reader: more of them would pass by the limits of their callers. */
const MOST_ALONE = 8;
/** Ends of runs that are kept; the oldest go first. */
const MOST_ENDS = 64;

interface Run<Event> {
  id: string;
  owner: string;
  events: Event[];
  /** How it ended. */
  end?: { failed?: unknown };
  abort: AbortController;
  readers: number;
  keepMs: number;
  alarm?: Alarm | undefined;
  wake: Set<() => void>;
}

const TOKEN = /^([0-9a-f]{32})\.(\d{1,9})$/;

export class KeptRuns<Event> {
  private readonly runs = new Map<string, Run<Event>>();

  /**
   * Begins work and reads it.
   * @param work is given a signal that fires when nobody is left to hear of it
   */
  begin(work: (signal: AbortSignal) => AsyncIterable<Event>, reader: Reader): AsyncGenerator<Placed<Event>> {
    const id = randomBytes(16).toString('hex');
    const { owner, keepMs } = reader;
    const run: Run<Event> = {
      id,
      owner,
      keepMs,
      events: [],
      abort: new AbortController(),
      readers: 0,
      wake: new Set(),
    };
    this.runs.set(id, run);
    void this.collect(run, work);
    return this.read(run, 0, reader);
  }

  /** @throws NotFoundError when there is no such run any more, or it is somebody else's */
  resume(token: string, reader: Reader): AsyncGenerator<Placed<Event>> {
    const [, id = '', place = ''] = TOKEN.exec(token) ?? [];
    const run = this.runs.get(id);
    if (run?.owner !== reader.owner || Number(place) > run.events.length) {
      throw automedError('NOT_FOUND', 'There is nothing to go on with: it ended, or the service was started again.', {
        field: 'resume_token',
      });
    }
    run.keepMs = reader.keepMs;
    return this.read(run, Number(place), reader);
  }

  private async collect(run: Run<Event>, work: (signal: AbortSignal) => AsyncIterable<Event>): Promise<void> {
    const wake = (): void => {
      for (const each of run.wake) each();
    };
    try {
      for await (const event of work(run.abort.signal)) {
        if (run.events.push(event) > MOST_EVENTS) throw automedError('OUT_OF_MEMORY', 'There is too much to tell.');
        wake();
      }
      run.end = {};
    } catch (failed) {
      run.end = { failed };
    }
    wake();
    if (run.readers === 0) this.forgetSoon(run);
  }

  private async *read(run: Run<Event>, from: number, { signal }: Reader): AsyncGenerator<Placed<Event>> {
    run.readers += 1;
    run.alarm?.cancel();
    const tokenAt = (place: number): string => `${run.id}.${place}`;
    try {
      yield { token: tokenAt(from) };
      for (let place = from; ;) {
        const event = run.events[place];
        if (event !== undefined) yield { token: tokenAt((place += 1)), event };
        else if (run.end && 'failed' in run.end) throw run.end.failed;
        else if (run.end || signal.aborted) return;
        else await changeOf(run, signal);
      }
    } finally {
      run.readers -= 1;
      if (run.readers === 0) this.forgetSoon(run);
    }
  }

  /** Nobody listens: the run ends, or what it came to is forgotten, unless somebody comes back in time. */
  private forgetSoon(run: Run<Event>): void {
    run.alarm?.cancel();
    // What has ended costs no more than its events, and takes no place of work that goes on.
    const hasEnded = run.end !== undefined;
    const alone = [...this.runs.values()].filter((each) => each.readers === 0 && (each.end !== undefined) === hasEnded);
    const wanted = hasEnded && run.keepMs > 0 ? Math.max(run.keepMs, KEPT_END_MS) : run.keepMs;
    if (wanted === 0 || (!hasEnded && alone.length > MOST_ALONE)) return this.forget(run);
    // Of work that goes on there are never so many.
    for (const oldest of alone.slice(0, -MOST_ENDS)) this.forget(oldest);
    run.alarm = afterMs(wanted, () => this.forget(run), { unref: true });
  }

  private forget(run: Run<Event>): void {
    run.alarm?.cancel();
    run.abort.abort();
    this.runs.delete(run.id);
  }
}

function changeOf(run: { wake: Set<() => void> }, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      run.wake.delete(done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    run.wake.add(done);
    signal.addEventListener('abort', done, { once: true });
  });
}
