// What a manifest says of where and for whom a run took place.

import { cpus, totalmem, userInfo } from 'node:os';
import type { Hardware } from '../../../store';
import type { TrainSpec } from '../../protocol/protocol';

/** The machine as the run sees it; a container's memory limit counts. */
export function describeHardware({ threads, device }: Pick<TrainSpec, 'threads' | 'device'>): Hardware {
  const limit = process.constrainedMemory();
  const memoryBytes = limit > 0 ? Math.min(limit, totalmem()) : totalmem();
  return { cpu: cpus()[0]?.model.trim() ?? 'unknown', threads, device, memoryBytes };
}

/** The user of this process, by name or by number where the system knows no name. */
export function currentUser(): string {
  try {
    return userInfo().username;
  } catch {
    return `uid ${process.getuid?.() ?? 'unknown'}`;
  }
}
