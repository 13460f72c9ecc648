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
const DEFAULT_PATIENCE_MS = 10 * 60_000;
/** Breaks without a step forward in which the server may be at fault itself. */
const MOST_FAULTS = 3;

/** How a stream that breaks is gone on with. */
export interface ResumeOptions {
  /** How long to go on trying while nobody answers, milliseconds; default 10 minutes. */
  patienceMs?: number | undefined;
  /** Called at each break of the connection. */
  onBroken?: (() => void) | undefined;
  signal?: AbortSignal | undefined;
}

export interface Resumable {
  resumeToken: string;
}

/**
 * Reads a stream to its end, each message once: one that breaks is opened again behind the last message.
 * @param open opens it; the token is empty until the stream has named a place
 * @param always whether also one that has named no place is opened again
 */
export async function* resumed<Message extends Resumable>(
  open: (token: string) => AsyncGenerator<Message>,
  { patienceMs = DEFAULT_PATIENCE_MS, onBroken, signal }: ResumeOptions,
  always = false,
): AsyncGenerator<Message> {
  let token = '';
  let lastHeard = performance.now();
  let faults = 0;
  for (let retryMs = FIRST_RETRY_MS; ; retryMs = Math.min(LAST_RETRY_MS, retryMs * 2)) {
    try {
      for await (const message of open(token)) {
        if (message.resumeToken !== token) faults = 0;
        token = message.resumeToken;
        [lastHeard, retryMs] = [performance.now(), FIRST_RETRY_MS];
        yield message;
      }
      return;
    } catch (error) {
      const mayResume = (always || token !== '') && performance.now() - lastHeard <= patienceMs;
      if (!(error instanceof UnavailableError)) faults += 1;
      if (signal?.aborted || !mayResume || !isBroken(error) || faults > MOST_FAULTS) throw error;
      if (error instanceof NotFoundError) token = '';
      onBroken?.();
      await sleepMs(retryMs, { signal }).catch(cancelledBy);
    }
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
