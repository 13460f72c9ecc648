import { afterMs, type Alarm } from '../../common/timers';

/** Runs work some time after it was last asked for, and once for all who asked meanwhile. */
export class Soon {
  private alarm: Alarm | undefined;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly delayMs: number,
  ) {}

  ask(): void {
    this.alarm?.cancel();
    const work = (): void => {
      this.alarm = undefined;
      void this.work();
    };
    this.alarm = afterMs(this.delayMs, work, { unref: true });
  }

  /** What was asked for and not yet begun does not happen. */
  cancel(): void {
    this.alarm?.cancel();
    this.alarm = undefined;
  }
}

/** Repeats work, a pause after each end, until it is stopped. Never keeps the process alive. */
export function every(pauseMs: number, work: () => Promise<void>): { stop(): void } {
  let stopped = false;
  let alarm: Alarm | undefined;
  const again = (): void => {
    if (stopped) return;
    alarm = afterMs(pauseMs, () => void work().finally(again), { unref: true });
  };
  again();
  return {
    stop: () => {
      stopped = true;
      alarm?.cancel();
    },
  };
}
