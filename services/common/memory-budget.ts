// Memory is admitted before it is spent: whoever is about to decode an image or to draw masks reserves their bytes first,
// of one budget for the whole process.

import { automedError } from './errors';
import { afterMs } from './timers';

/** When a request that was refused for want of memory should come back, milliseconds. */
const RETRY_MS = 1_000;
/** The share of its remaining time that a request waits for memory; the rest is for the work itself. */
const WAIT_SHARE = 0.8;
/** What the messages of waiting requests may take besides, as a share of the budget. */
const WAITING_BYTES_SHARE = 0.25;

export interface Wait {
  /** Milliseconds until the deadline; absent: waits until there is room. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** What the request takes already while it waits: its message. */
  messageBytes?: number | undefined;
}

/** Bytes that are held until they are released. */
export interface Reservation {
  /** What is held now. */
  readonly bytes: number;
  /** Gives back what is beyond `bytes`. */
  shrink(bytes: number): void;
  /** Gives back what is left; further calls do nothing. */
  release(): void;
}

interface Waiting {
  bytes: number;
  messageBytes: number;
  admit: () => void;
}

/** Bytes that requests may hold at once, given out in the order in which they were asked for. */
export class MemoryBudget {
  private held = 0;
  private most = 0;
  private refused = 0;
  private readonly waiting: Waiting[] = [];

  /**
   * @param limitBytes what may be held at once
   * @param mayWait requests that wait at a time; those beyond it are refused
   */
  constructor(
    readonly limitBytes: number,
    private readonly mayWait = 64,
  ) {}

  get heldBytes(): number {
    return this.held;
  }

  /** The most that was held at once. */
  get peakBytes(): number {
    return this.most;
  }

  get waitingCount(): number {
    return this.waiting.length;
  }

  /** What the messages of those that wait take, beside the budget: at most a quarter of it, or one message. */
  get waitingBytes(): number {
    return this.waiting.reduce((sum, { messageBytes }) => sum + messageBytes, 0);
  }

  get refusedCount(): number {
    return this.refused;
  }

  /**
   * Refuses what could never be reserved.
   * @param what as of reserve()
   * @throws InvalidInputError (INVALID_ARGUMENT, field `image`)
   */
  check(bytes: number, what: string): void {
    if (bytes > this.limitBytes) throw this.tooLarge(bytes, what);
  }

  /**
   * Resolves when the bytes may be used.
   * @param what needs them, as the subject of an error's text, e.g. `An image of 8 x 8 pixels`
   * @throws InvalidInputError (INVALID_ARGUMENT, field `image`) for more than the whole budget; ResourceExhaustedError
   *   (OUT_OF_MEMORY) with a time to come back when too many wait, or too large ones, or the wait would take most of the
   *   time that is left;
   *   CancelledError
   */
  async reserve(bytes: number, what: string, wait: Wait = {}): Promise<Reservation> {
    const { signal, messageBytes = 0 } = wait;
    this.check(bytes, what);
    if (signal?.aborted) throw cancelled();
    if (this.waiting.length > 0 || this.held + bytes > this.limitBytes) {
      if (!this.mayAlsoWait(messageBytes)) throw this.refuse(bytes, what);
      await this.wait(bytes, what, wait);
    } else {
      this.hold(bytes);
    }
    return this.reservation(bytes);
  }

  private mayAlsoWait(messageBytes: number): boolean {
    if (this.waiting.length === 0) return this.mayWait > 0;
    const room = WAITING_BYTES_SHARE * this.limitBytes - this.waitingBytes;
    return this.waiting.length < this.mayWait && messageBytes <= room;
  }

  private wait(bytes: number, what: string, { timeoutMs, signal, messageBytes = 0 }: Wait): Promise<void> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clock?.cancel();
        signal?.removeEventListener('abort', cancel);
      };
      const waiting: Waiting = {
        bytes,
        messageBytes,
        admit: () => {
          settle();
          resolve();
        },
      };
      const leave = (error: Error): void => {
        settle();
        this.waiting.splice(this.waiting.indexOf(waiting), 1);
        reject(error);
        this.serve(); // those behind may need less
      };
      const cancel = (): void => leave(cancelled());
      const clock =
        timeoutMs === undefined ? undefined : afterMs(timeoutMs * WAIT_SHARE, () => leave(this.refuse(bytes, what)));
      signal?.addEventListener('abort', cancel, { once: true });
      this.waiting.push(waiting);
    });
  }

  private reservation(bytes: number): Reservation {
    let left = bytes;
    const shrink = (to: number): void => {
      const back = left - Math.max(0, to);
      if (back <= 0) return;
      left -= back;
      this.held -= back;
      this.serve();
    };
    return {
      get bytes() {
        return left;
      },
      shrink,
      release: () => shrink(0),
    };
  }

  private hold(bytes: number): void {
    this.held += bytes;
    this.most = Math.max(this.most, this.held);
  }

  private serve(): void {
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      if (this.held + first.bytes > this.limitBytes) return;
      this.waiting.shift();
      this.hold(first.bytes);
      first.admit();
    }
  }

  private refuse(bytes: number, what: string): Error {
    this.refused += 1;
    const room = `${this.held} of ${this.limitBytes} bytes for requests are taken and ${this.waiting.length} request(s) wait`;
    return automedError('OUT_OF_MEMORY', `${what} needs ${bytes} bytes of memory: ${room}.`, {
      retryAfterMs: RETRY_MS,
    });
  }

  private tooLarge(bytes: number, what: string): Error {
    const text = `${what} needs ${bytes} bytes of memory; at most ${this.limitBytes} are given to a request.`;
    return automedError('INVALID_ARGUMENT', text, { field: 'image' });
  }
}

function cancelled(): Error {
  return automedError('CANCELLED', 'The call was cancelled while it waited for memory.');
}
