const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** What a shell expects of a command that Ctrl-C ended. */
export const INTERRUPTED = 130;

/** Calls `stop` at the first SIGINT or SIGTERM; the second one ends the program, and with it its children. */
export function onStopSignal(stop: (signal: NodeJS.Signals) => void): { dispose: () => void } {
  let asked = false;
  const heard = (signal: NodeJS.Signals): void => {
    if (asked) process.exit(INTERRUPTED);
    asked = true;
    stop(signal);
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}

/** Ends the program at Ctrl-C where nothing else listens for it; services that it started end with it. */
export function exitOnInterrupt(): void {
  process.on('SIGINT', () => {
    if (process.listenerCount('SIGINT') === 1) process.exit(INTERRUPTED);
  });
}
