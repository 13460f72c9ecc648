import type { Lease } from '../../common/inference';

/** Something in memory that requests use. */
export interface Used {
  uses: number;
  /** When the last use ended, on the clock of its Uses. */
  lastUse: number;
}

/** Something that nobody uses at the moment. */
export interface Idle {
  lastUse: number;
  evict(): void;
}

/** Counts uses, and tells which of several things was used last. */
export class Uses {
  private clock = 0;

  /** Ends a use that was not counted by hold(). */
  touch(used: Used): void {
    used.lastUse = this.clock += 1;
  }

  /** Holds something until the lease is released, and while it loads; `ended` runs after each use. */
  async hold<T>(used: Used, loading: Promise<T>, ended: () => void): Promise<Lease<T>> {
    used.uses += 1;
    let held = true;
    const release = (): void => {
      if (!held) return;
      held = false;
      used.uses -= 1;
      this.touch(used);
      ended();
    };
    try {
      return { model: await loading, release };
    } catch (error) {
      release();
      throw error;
    }
  }
}
