import { AutomedError } from '../../common/errors';
import { sleepMs } from '../../common/timers';

/** Between two tries to reach an object store, milliseconds. */
const RETRY_MS = 2_000;

/**
 * Loads what is to be in memory before the program is ready. An object store that does not answer is waited for: a program
 * that ended instead would come back to the same.
 * @param onAway hears of it once
 */
export async function preload(
  references: readonly string[],
  load: (reference: string) => Promise<unknown>,
  onAway: (error: AutomedError) => void,
): Promise<void> {
  let told = false;
  for (const reference of references) {
    for (;;) {
      try {
        await load(reference);
        break;
      } catch (error) {
        if (!(error instanceof AutomedError) || error.code !== 'SERVICE_UNAVAILABLE') throw error;
        if (!told) onAway(error);
        told = true;
        await sleepMs(RETRY_MS);
      }
    }
  }
}
