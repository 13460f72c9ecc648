const SIGNALS = ['SIGINT', 'SIGTERM'] as const;

/** Calls `stop` at the first SIGINT or SIGTERM; the second one ends the program, and with it its children. */
export function onStopSignal(stop: () => void): { dispose: () => void } {
  let asked = false;
  const heard = (): void => {
    if (asked) process.exit(130);
    asked = true;
    stop();
  };
  for (const signal of SIGNALS) process.on(signal, heard);
  return {
    dispose: () => {
      for (const signal of SIGNALS) process.off(signal, heard);
    },
  };
}
