// Records of what versions have seen, kept in memory: a caller with many images asks for them one request after another.

import { readSampleRecord, SAMPLES_FILE, type SampleRecord, type StoredModel } from '../../store';

/** Digests that are kept at most, of all records together: 200 MB at about 100 bytes each. */
const MOST_DIGESTS = 2_000_000;

/** Keeps the records that were asked for last. A record is named by its own checksum: it cannot be another one tomorrow. */
export class SampleRecords {
  private readonly kept = new Map<string, SampleRecord>();

  /** @param mostDigests kept at most; a record that holds more alone is read each time */
  constructor(private readonly mostDigests = MOST_DIGESTS) {}

  /**
   * Undefined for a version that recorded nothing.
   * @throws CheckpointError as readSampleRecord()
   */
  async of(model: StoredModel): Promise<SampleRecord | undefined> {
    const sha256 = model.manifest.files?.[SAMPLES_FILE];
    if (sha256 === undefined) return undefined;
    const record = this.kept.get(sha256) ?? (await readSampleRecord(model));
    if (record && sizeOf(record) <= this.mostDigests) this.keep(sha256, record);
    return record;
  }

  /** Digests that are kept. */
  get size(): number {
    return [...this.kept.values()].reduce((sum, record) => sum + sizeOf(record), 0);
  }

  /** As the newest; the oldest go until there is room. */
  private keep(sha256: string, record: SampleRecord): void {
    this.kept.delete(sha256);
    this.kept.set(sha256, record);
    for (const oldest of this.kept.keys()) {
      if (this.size <= this.mostDigests) return;
      this.kept.delete(oldest);
    }
  }
}

const sizeOf = ({ own, inherited }: SampleRecord): number => own.size + inherited.size;
