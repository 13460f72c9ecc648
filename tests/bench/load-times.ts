import { execFileSync } from 'node:child_process';
import { Engine } from '../../native/lib';
import type { StoredBase } from '../../services/store';
import { availableCores } from '../../services/common/cores';

/** From a file to a base that answers, milliseconds. */
export interface LoadTimes {
  /** The file was not in the page cache. */
  coldMs: number;
  /** The file was in the page cache. */
  warmMs: number;
}

/** Takes a file out of the page cache, once it is on the disk. */
function forget(path: string): void {
  execFileSync('sync', [path]);
  execFileSync('dd', [`if=${path}`, 'of=/dev/null', 'iflag=nocache', 'count=0', 'status=none']);
}

/** The same base into two engines, one after another. */
export async function loadTimes({ weightsPath, manifest }: StoredBase): Promise<LoadTimes> {
  const load = async (): Promise<number> => {
    const engine = new Engine({
      ...{ device: 'cpu', workers: 1, threadsPerWorker: availableCores(), queueCapacity: 1, maxBatch: 1 },
      ...{ maxBatchWaitMs: 0, embeddingCacheBytes: 0, embeddingTtlMs: 1_000 },
    });
    try {
      const begun = performance.now();
      await engine.loadBase(weightsPath, JSON.stringify(manifest.architecture));
      return performance.now() - begun;
    } finally {
      await engine.close();
    }
  };
  await load(); // what the process loads once
  forget(weightsPath);
  const coldMs = await load();
  return { coldMs, warmMs: await load() };
}
