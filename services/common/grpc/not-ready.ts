import { Health } from './health';
import { answerProbes } from './server';

/**
 * Waits for something without which a program cannot serve; meanwhile probes find it alive, and not ready.
 * @param healthAddress `host:port`, or `off`
 */
export async function whileNotReady<T>(healthAddress: string, work: () => Promise<T>): Promise<T> {
  const health = new Health();
  health.set('', 'NOT_SERVING');
  const probes = healthAddress === 'off' ? undefined : await answerProbes(healthAddress, health);
  try {
    return await work();
  } finally {
    probes?.forceShutdown();
  }
}
