import { LIVENESS_NAME, type ServingStatus } from '../common/grpc/health';
import { sleepMs } from '../common/timers';

/** Silent answers in a row that make a program hung: a long call of native code is silent, too, but not for a minute. */
const MOST_SILENT = 6;

/** What is watched. */
export interface Watched {
  /** Of the present life. */
  readonly pid: number | undefined;
  /** Ends the present life at once. @returns false when it has ended already */
  kill(): boolean;
}

export interface SilenceDeps {
  check: (service: string) => Promise<ServingStatus>;
  /** Between two questions, milliseconds. */
  intervalMs: number;
  say: (line: string) => void;
  signal: AbortSignal;
}

/**
 * Kills a program that runs but no longer answers for its liveness, so that it is started again: probes ask who keeps it, and
 * would never learn of it. Resolves when `signal` aborts.
 */
export async function killWhenSilent(program: Watched, { check, intervalMs, say, signal }: SilenceDeps): Promise<void> {
  let silent = 0;
  while (!signal.aborted) {
    const life = program.pid;
    await sleepMs(intervalMs, { signal }).catch(() => undefined);
    const answers = (await check(LIVENESS_NAME)) === 'SERVING';
    // What belongs to an earlier life says nothing of this one.
    silent = answers || program.pid !== life ? 0 : silent + 1;
    if (silent < MOST_SILENT || signal.aborted) continue;
    silent = 0;
    if (program.kill()) say(`process ${life ?? '?'} gave no sign of life for ${MOST_SILENT} times ${intervalMs} ms`);
  }
}
