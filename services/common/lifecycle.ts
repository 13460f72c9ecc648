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
  /** `host:port` of HTTP/JSON, when it is on. */
  httpAddress?: string;
}

/** Set once the process at the other end of the IPC channel is gone. */
let orphaned = false;
let whenOrphaned = (): void => process.exit(1);

/**
 * Ends the program with the process that started it, however that ends: the kernel closes the IPC channel. To be called first,
 * since loading takes seconds in which the other may go; a program without a channel is nobody's child.
 */
export function endWithParent(): void {
  if (!process.connected) return;
  process.once('disconnect', () => {
    orphaned = true;
    whenOrphaned();
  });
}

/**
 * Ends the program on SIGTERM or SIGINT, once: drain, dispose, flush, exit 0. A second signal exits at once with 1. After
 * endWithParent() the end of the parent counts as a first signal.
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
  whenOrphaned = () => stop('disconnect');
  if (orphaned) stop('disconnect');
}

export type Stages = Pick<ShutdownPlan, 'drain' | 'dispose'>;

/**
 * As shutDownOnSignal(), for a program that starts or stands by for long: the first process of a container ignores a signal
 * without a handler.
 * @returns the stages, none yet, to be filled in as there is something to end
 */
export function shutDownOnSignalEarly(settings: Pick<ShutdownPlan, 'timeoutMs' | 'log'>): Partial<Stages> {
  const stages: Partial<Stages> = {};
  shutDownOnSignal({
    ...settings,
    drain: (timeoutMs) => stages.drain?.(timeoutMs) ?? Promise.resolve(),
    dispose: () => stages.dispose?.() ?? Promise.resolve(),
  });
  return stages;
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
