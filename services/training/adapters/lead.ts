import { join } from 'node:path';
import { tryLock, type FileLock } from '../../common/file-lock';
import { whileNotReady } from '../../common/grpc/not-ready';
import type { Logger } from '../../common/logging';
import { sleepMs } from '../../common/timers';

/** Between two looks whether the leader is gone, milliseconds. */
const LOOK_MS = 1_000;

export interface LeadConfig {
  home: string;
  trainingStandby: boolean;
  healthAddress: string;
}

/**
 * Makes this process the one that runs the jobs of a store. With `trainingStandby` it waits for as long as another one does:
 * alive, and not ready. The lock is the kernel's and falls with its holder, however that ends.
 * @throws Error when another one leads, and this one is not to wait
 */
export async function lead({ home, trainingStandby, healthAddress }: LeadConfig, log: Logger): Promise<FileLock> {
  const path = join(home, '.training.lock');
  const lock = tryLock(path);
  if (lock) return lock;
  if (!trainingStandby)
    throw new Error(
      'another training service works on this store; one store has one of them, and others that wait (AUTOMED_TRAINING_STANDBY=true)',
    );
  log.info({ event: 'standby' }, 'another training service leads; waiting');
  return whileNotReady(healthAddress, async () => {
    for (;;) {
      await sleepMs(LOOK_MS);
      const taken = tryLock(path);
      if (!taken) continue;
      log.warn({ event: 'leads' }, 'the leader is gone; taking over');
      return taken;
    }
  });
}
