// Whether a request can still be answered in time is decided when it arrives, before anything is spent on it.

import { LRUCache } from 'lru-cache';

/** Answers that teach what a kind of request costs. */
const SAMPLES = 32;
/** Estimates are of the past: what is admitted may take so much longer. */
const MARGIN = 1.25;
/** Between two requests that are let through although their kind seems to take longer than they have, milliseconds. */
const PROBE_MS = 1_000;
/** Kinds whose cost is remembered: callers choose the names of models. */
const MAX_KINDS = 256;

/** What is asked of an Admission. */
export interface Arrival {
  /** Requests of one kind cost about the same, e.g. a method with a model. */
  kind: string;
  /** Higher runs first. */
  priority: number;
  /** Milliseconds until the deadline; Infinity without one. */
  remainingMs: number;
}

/** A request that was let in. */
export interface Ticket {
  /** To be called when it has its status. @param answered whether it was worked for to its end */
  end(answered: boolean): void;
}

/** A request that is not let in. */
export interface Refusal {
  /** What follows "The server is busy: ". */
  why: string;
  /** What it would have to wait, milliseconds. */
  waitMs: number;
  /** When it would be answered, milliseconds from now: too late. */
  answerMs?: number;
  /** No request can be let in for about so long, milliseconds. */
  fullMs?: number;
}

interface Admitted {
  kind: string;
  priority: number;
  arrivedMs: number;
}

export interface AdmissionOptions {
  /** Requests that are worked on at a time. */
  slots: number;
  /** Requests that may wait beside them. */
  capacity: number;
  /** Milliseconds until a slot is free, as the queue itself sees it, which streams use too. */
  backlogMs?: () => number;
}

/**
 * Predicts what a request would wait, from what those before it cost, and refuses those that could not be answered before their
 * deadline. An idle server always tries, at most once a second where the estimate says no, so that an estimate that no
 * longer holds is corrected.
 */
export class Admission {
  private readonly admitted = new Set<Admitted>();
  /** The kind that was answered most recently is the last to be forgotten. */
  private readonly costs = new LRUCache<string, Cost>({ max: MAX_KINDS });
  /** When the latest answers went out, one for each slot, the oldest first. */
  private readonly answeredMs: number[] = [];
  private probedMs = -Infinity;
  private refused = 0;

  constructor(
    private readonly options: AdmissionOptions,
    private readonly clock: () => number = () => performance.now(),
  ) {}

  get refusedCount(): number {
    return this.refused;
  }

  get admittedCount(): number {
    return this.admitted.size;
  }

  /** What a request of this priority would wait now, milliseconds. */
  waitMs(priority = 0): number {
    const { slots, backlogMs = () => 0 } = this.options;
    // What is under way ends first, whatever its priority; the set is in the order of arrival.
    const ahead = [...this.admitted].filter((each, at) => at < slots || each.priority >= priority);
    // Streams wait in the same queue; what of it would run later is not known.
    const backlog = ahead.length === this.admitted.size ? backlogMs() : 0;
    if (ahead.length < slots) return backlog;
    const sum = ahead.reduce((total, each, at) => total + (at < slots ? this.leftMs(each) : this.costMs(each.kind)), 0);
    return Math.max(sum / slots, backlog);
  }

  /** Lets a request in, or says why not. */
  enter({ kind, priority, remainingMs }: Arrival): Ticket | Refusal {
    const { slots, capacity } = this.options;
    const waitMs = this.waitMs(priority);
    if (this.admitted.size >= slots + capacity) {
      const why = `${this.admitted.size} requests are under way or wait`;
      return this.refuse({ why, waitMs, fullMs: this.soonestMs() });
    }
    const answerMs = (waitMs + this.costMs(kind)) * MARGIN;
    if (answerMs > remainingMs && !(waitMs === 0 && this.mayProbe())) {
      const why = `the answer would take ${Math.ceil(answerMs)} ms, and the deadline leaves ${Math.floor(remainingMs)} ms`;
      return this.refuse({ why, waitMs, answerMs });
    }
    const entry: Admitted = { kind, priority, arrivedMs: this.clock() };
    this.admitted.add(entry);
    return { end: (answered) => this.end(entry, answered) };
  }

  private mayProbe(): boolean {
    const now = this.clock();
    if (this.admitted.size > 0 || now - this.probedMs < PROBE_MS) return false;
    this.probedMs = now;
    return true;
  }

  private end(entry: Admitted, answered: boolean): void {
    if (!this.admitted.delete(entry) || !answered) return;
    const now = this.clock();
    const { slots } = this.options;
    // While all slots are taken a slot works from one answer to the next; else from the arrival.
    const before = this.answeredMs.length < slots ? -Infinity : (this.answeredMs[0] ?? -Infinity);
    this.cost(entry.kind).add(now - Math.max(before, entry.arrivedMs));
    this.answeredMs.push(now);
    if (this.answeredMs.length > slots) this.answeredMs.shift();
  }

  /** Of one that is under way, since it arrived or a slot became free for it. */
  private leftMs({ kind, arrivedMs }: Admitted): number {
    const cost = this.costMs(kind);
    const begunMs = Math.max(arrivedMs, this.answeredMs.at(-1) ?? 0);
    return Math.max(cost / 4, cost - (this.clock() - begunMs));
  }

  private costMs(kind: string): number {
    return this.costs.peek(kind)?.ms ?? 0;
  }

  private cost(kind: string): Cost {
    const cost = this.costs.get(kind) ?? new Cost();
    this.costs.set(kind, cost);
    return cost;
  }

  /** Until the first answer, and with it the next place. */
  private soonestMs(): number {
    const { slots } = this.options;
    return Math.min(...[...this.admitted].slice(0, slots).map((each) => this.leftMs(each)));
  }

  private refuse(refusal: Refusal): Refusal {
    this.refused += 1;
    return refusal;
  }
}

/** Mean of the latest samples without the longest: the first request of a model also loads it. */
class Cost {
  private readonly samples: number[] = [];
  ms = 0;

  add(sample: number): void {
    this.samples.push(sample);
    if (this.samples.length > SAMPLES) this.samples.shift();
    const sum = this.samples.reduce((total, each) => total + each, 0);
    const count = this.samples.length;
    this.ms = count < 3 ? Math.min(...this.samples) : (sum - Math.max(...this.samples)) / (count - 1);
  }
}
