import { statfsSync } from 'node:fs';
import type { RoomGauge } from '../domain/reception';

export interface Watermark {
  /** Of the disk, `(0, 100]`: above it nothing new is accepted. */
  most_percent: number;
  /** Bytes that stay free. */
  reserve: number;
}

/** How long one look at the disk holds, milliseconds. */
const LOOK_MS = 1_000;

/** The free space of the disk that a folder lies on. */
export class DiskSpace implements RoomGauge {
  private room = true;
  private lookedAt = -Infinity;

  constructor(
    private readonly folder: string,
    private readonly watermark: () => Watermark,
  ) {}

  hasRoom(): boolean {
    const now = performance.now();
    if (now - this.lookedAt >= LOOK_MS) {
      this.lookedAt = now;
      this.room = this.look();
    }
    return this.room;
  }

  private look(): boolean {
    const { blocks, bavail, bsize } = statfsSync(this.folder);
    const usedPercent = blocks === 0 ? 0 : 100 * (1 - bavail / blocks);
    const { most_percent, reserve } = this.watermark();
    return usedPercent <= most_percent && bavail * bsize >= reserve;
  }
}
