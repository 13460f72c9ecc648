import {
  type AutomedError,
  CancelledError,
  DeviceError,
  InternalError,
  NotFoundError,
  UnavailableError,
} from '../../common/errors';
import { sleepMs } from '../../common/timers';
import { cancelledBy } from './cancelled';

const FIRST_RETRY_MS = 250;
const LAST_RETRY_MS = 5_000;
/** Breaks without a step forward in which the server may be at fault itself. */
const MOST_FAULTS = 3;

/** How a stream that breaks is gone on with. */
export interface ResumeOptions {
  /** How long to go on trying while nobody answers, milliseconds; default 10 minutes, for a stream of images 30 seconds. */
  patienceMs?: number | undefined;
  /**
   * Called at each break of the connection.
   * @param breaks since the server was last heard of, from 1: the first is often a connection that has reached its age
   */
  onBroken?: ((breaks: number) => void) | undefined;
  signal?: AbortSignal | undefined;
}

/** The breaks of one stream since it was last heard of. */
export class Breaks {
  private silentSince: number | undefined;
  private faults = 0;
  private unheard = 0;
  private retryMs = FIRST_RETRY_MS;

  constructor(
    private readonly patienceMs: number,
    private readonly options: ResumeOptions,
  ) {}

  /** The server has said something. @param further whether it is a step forward */
  heard(further: boolean): void {
    if (further) this.faults = 0;
    [this.silentSince, this.unheard, this.retryMs] = [undefined, 0, FIRST_RETRY_MS];
  }

  /**
   * Waits until the next try.
   * @param mayResume whether the server has what it takes to go on
   * @throws the error where there is none
   */
  async after(error: unknown, mayResume: boolean): Promise<void> {
    const { signal, onBroken } = this.options;
    this.silentSince ??= performance.now();
    if (!(error instanceof UnavailableError)) this.faults += 1;
    const patient = performance.now() - this.silentSince <= this.patienceMs && this.patienceMs > 0;
    if (signal?.aborted || !mayResume || !patient || !isBroken(error) || this.faults > MOST_FAULTS) throw error;
    onBroken?.((this.unheard += 1));
    await sleepMs(this.retryMs, { signal }).catch(cancelledBy);
    this.retryMs = Math.min(LAST_RETRY_MS, this.retryMs * 2);
  }
}

/**
 * A stream that broke, not a request that was refused: connections end by age, services restart, and hold then no place in what
 * they did before.
 */
function isBroken(error: unknown): error is AutomedError {
  if (error instanceof NotFoundError) return error.field === 'resume_token';
  const kinds = [DeviceError, UnavailableError, CancelledError, InternalError];
  return kinds.some((kind) => error instanceof kind);
}
