/** Runs work some time after it was last asked for, and once for all who asked meanwhile. */
export class Soon {
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly work: () => Promise<void>,
    private readonly delayMs: number,
  ) {}

  ask(): void {
    this.timer?.refresh();
    this.timer ??= setTimeout(() => {
      this.timer = undefined;
      void this.work();
    }, this.delayMs).unref();
  }

  /** What was asked for and not yet begun does not happen. */
  cancel(): void {
    clearTimeout(this.timer);
    this.timer = undefined;
  }
}

/** Repeats work, a pause after each end, until it is stopped. Never keeps the process alive. */
export function every(pauseMs: number, work: () => Promise<void>): { stop(): void } {
  let stopped = false;
  let timer: NodeJS.Timeout | undefined;
  const again = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void work().finally(again), pauseMs).unref();
  };
  again();
  return {
    stop: () => {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
