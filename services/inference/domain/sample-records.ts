// Records of what versions have seen, kept in memory: a caller with many images asks for them one request after another.

import { LRUCache } from 'lru-cache';
import { readSampleRecord, SAMPLES_FILE, type SampleRecord, type StoredModel } from '../../store';

/** Digests that are kept at most, of all records together: 200 MB at about 100 bytes each. */
const MOST_DIGESTS = 2_000_000;

/** Keeps the records that were asked for last. A record is named by its own checksum: it cannot be another one tomorrow. */
export class SampleRecords {
  private readonly kept: LRUCache<string, SampleRecord>;

  /** @param mostDigests kept at most; a record that holds more alone is read each time */
  constructor(mostDigests = MOST_DIGESTS) {
    this.kept = new LRUCache({ maxSize: mostDigests, sizeCalculation: sizeOf });
  }

  /**
   * Undefined for a version that recorded nothing.
   * @throws CheckpointError as readSampleRecord()
   */
  async of(model: StoredModel): Promise<SampleRecord | undefined> {
    const sha256 = model.manifest.files?.[SAMPLES_FILE];
    if (sha256 === undefined) return undefined;
    const known = this.kept.get(sha256);
    if (known) return known;
    const record = await readSampleRecord(model);
    if (record) this.kept.set(sha256, record);
    return record;
  }

  /** Digests that are kept. */
  get size(): number {
    return this.kept.calculatedSize;
  }
}

/** An empty record takes a place, too. */
const sizeOf = ({ own, inherited }: SampleRecord): number => Math.max(1, own.size + inherited.size);
