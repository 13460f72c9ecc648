// Deletes finished studies: those older than the site keeps them, and the oldest ones where they take more room than there is.

import type { Logger } from '../../common/logging';
import type { RoomGauge } from '../domain/reception';
import type { Site } from '../../pacs-site/schema';
import type { Finished, Retention } from './journal/retention';
import type { Spool } from './spool';

const DAY_MS = 86_400_000;
/** Between two looks when nothing was found, milliseconds. */
const LOOK_MS = 30_000;

export interface PurgeDeps {
  site: () => Site;
  retention: Retention;
  room: RoomGauge;
  spool: Spool;
  outbox: Spool;
  log: Logger;
  /** Tells the audit trail before a study is deleted; `failure`: it stays after all, since something of it came meanwhile. */
  tell?: (study: Finished, outcome: 'success' | 'failure') => Promise<void>;
  onPurge?: () => void;
}

/** Keeps the use of the disk within what the site says. */
export class Purge {
  private nextLook = -Infinity;

  constructor(private readonly deps: PurgeDeps) {}

  /** Deletes at most one study; resolves to whether it did. */
  async step(): Promise<boolean> {
    if (performance.now() < this.nextLook) return false;
    const { retention, spool, outbox, log, tell, onPurge } = this.deps;
    const due = this.due();
    if (!due) {
      this.nextLook = performance.now() + LOOK_MS;
      return false;
    }
    await tell?.(due.found, 'success');
    const purged = retention.purge(due.found.study, due.before);
    if (!purged) {
      await tell?.(due.found, 'failure');
      return true;
    }
    for (const file of purged.received) await spool.remove(file);
    for (const file of purged.results) await outbox.remove(file);
    const { study, bytes, received } = purged;
    log.info({ event: 'study-purged', study, objects: received.length, bytes }, 'a study was deleted');
    onPurge?.();
    return true;
  }

  private due(): { found: Finished; before: number } | undefined {
    const { site, retention, room } = this.deps;
    const { keep_days, most } = site().storage;
    const finished = (before: number, isEarly = false): { found: Finished; before: number } | undefined => {
      const found = retention.finished(before, isEarly);
      return found && { found, before };
    };
    const expired = finished(Date.now() - keep_days * DAY_MS);
    if (expired) return expired;
    const isFull = !room.hasRoom() || (most !== undefined && retention.usedBytes() > most);
    return isFull ? finished(Date.now(), true) : undefined;
  }
}
