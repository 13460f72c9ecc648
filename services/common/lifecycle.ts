import type { Logger } from './logging';

export interface ShutdownPlan {
  /** What calls in flight get to finish, milliseconds. */
  timeoutMs: number;
  log: Logger;
  /** Health to NOT_SERVING, stop accepting, wait for calls in flight until the deadline, then cut them. */
  drain(timeoutMs: number): Promise<void>;
  /** Frees models, closes stores and clients. */
  dispose(): Promise<void>;
}

/** Told to the parent over IPC, and logged, when a program answers. */
export interface Listening {
  type: 'listening';
  /** `host:port` of gRPC. */
  address: string;
  /** `host:port` of /metrics, when it is on. */
  metricsAddress?: string;
}

/**
 * Ends the program on SIGTERM or SIGINT, once: drain, dispose, flush, exit 0. A second signal exits at once with 1. A
 * program with an IPC channel ends with the process at its other end, so that no embedded stack outlives its command.
 */
export function shutDownOnSignal(plan: ShutdownPlan): void {
  let stopping = false;
  const stop = (reason: string): void => {
    if (stopping) {
      if (reason === 'disconnect') return;
      plan.log.warn({ event: 'shutdown-forced', reason }, 'second signal: exiting at once');
      process.exit(1);
    }
    stopping = true;
    void shutDown(plan, reason).then((code) => process.exit(code));
  };
  process.on('SIGTERM', () => stop('SIGTERM'));
  process.on('SIGINT', () => stop('SIGINT'));
  if (process.connected) process.on('disconnect', () => stop('disconnect'));
}

/** Runs the plan; resolves to the exit code. */
export async function shutDown(plan: ShutdownPlan, reason: string): Promise<number> {
  const { log } = plan;
  log.info({ event: 'shutdown', reason }, 'shutting down');
  let code = 0;
  for (const stage of [() => plan.drain(plan.timeoutMs), () => plan.dispose()]) {
    await stage().catch((error: unknown) => {
      code = 1;
      log.error({ err: error }, 'a stage of the shutdown failed');
    });
  }
  log.info({ event: 'stopped' }, 'stopped');
  log.flush();
  return code;
}

/** Logs the ready line and tells the parent, when there is one. */
export function announce(log: Logger, listening: Omit<Listening, 'type'>): void {
  log.info({ event: 'listening', ...listening }, 'ready');
  process.send?.({ type: 'listening', ...listening } satisfies Listening);
}
