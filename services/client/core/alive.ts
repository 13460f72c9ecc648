import { automedError } from '../../common/errors';
import { afterMs } from '../../common/timers';

/** Servers send a sign of life every 15 s, or 30 s at most: longer silence is a connection that is gone without a word. */
const LONGEST_SILENCE_MS = 60_000;

export interface AliveOptions {
  signal?: AbortSignal | undefined;
  /** Called at each heartbeat. */
  heard?: (() => void) | undefined;
  /** Longest silence while somebody waits, milliseconds; default 60 000. */
  silenceMs?: number | undefined;
}

/**
 * The messages of a stream without its heartbeats.
 * @param open opens it, until the signal fires
 * @throws UnavailableError when the server is silent for too long
 */
export async function* alive<Message>(
  open: (signal: AbortSignal) => AsyncGenerator<Message>,
  { signal, heard, silenceMs = LONGEST_SILENCE_MS }: AliveOptions = {},
): AsyncGenerator<Message> {
  const silent = new AbortController();
  const messages = open(signal ? AbortSignal.any([signal, silent.signal]) : silent.signal);
  try {
    for (;;) {
      const alarm = afterMs(silenceMs, () => silent.abort());
      const next = await messages.next().finally(() => alarm.cancel());
      if (next.done) return;
      if (isHeartbeat(next.value)) heard?.();
      else yield next.value;
    }
  } catch (error) {
    if (!silent.signal.aborted || signal?.aborted) throw error;
    throw automedError('SERVICE_UNAVAILABLE', 'The stream fell silent.', { cause: error });
  } finally {
    await messages.return(undefined);
  }
}

/** Whether a message only says that its stream lives. */
const isHeartbeat = (message: unknown): boolean => (message as { heartbeat?: boolean }).heartbeat === true;
