import { loadConfig } from '../program/config';
import { consoleUrl } from '../../terminal/browser';
import { onStopSignal } from '../program/signals';
import { sleepMs } from '../../common/timers';
import { freePorts } from '../../stack/free-ports';
import { ANY_PORT } from '../../stack/programs';
import { advertise } from '../../stack/running-server';
import { Stack } from '../../stack/stack';
import { printProblem } from '../../terminal/print';

/** The first port that is tried. */
export const CONSOLE_PORT = 8080;

/** Serves a store with its console for some time, or until Ctrl-C. @param say hears the console's address */
export async function keepOpen(home: string, seconds: number, say: (url: string) => void): Promise<void> {
  const over = new AbortController();
  const signals = onStopSignal(() => over.abort());
  const port = (await freePorts('127.0.0.1', CONSOLE_PORT, 1)) ?? 0;
  const stack = await Stack.start({
    home,
    processes: [['segmentation', 'classification'], ['training']],
    address: ANY_PORT,
    httpAddress: `127.0.0.1:${port}`,
    insecure: false,
    startTimeoutMs: loadConfig().startTimeoutMs,
    say: printProblem,
  });
  const found = await advertise(home, {
    address: stack.address,
    roles: ['segmentation', 'classification', 'training'],
    ends: true,
  });
  try {
    say(consoleUrl(stack.httpAddress ?? ''));
    await sleepMs(seconds * 1000, { signal: over.signal }).catch(() => undefined);
  } finally {
    signals.dispose();
    found.withdraw();
    await stack.stop();
  }
}
