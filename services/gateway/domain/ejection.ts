/** Failures in a row that put a backend aside. */
const FAILURES = 5;
const FIRST_MS = 5_000;
const LONGEST_MS = 60_000;

interface Record {
  failures: number;
  /** In a row. */
  ejections: number;
  untilMs: number;
}

/**
 * Backends that fail though they say that they are well: after five failures in a row one is passed over for 5 s, twice as
 * long each time until it answers. Where all are put aside they are asked as before.
 */
export class Ejection {
  private readonly records = new Map<string, Record>();
  private ejections = 0;

  constructor(private readonly clock: () => number = () => performance.now()) {}

  get count(): number {
    return this.ejections;
  }

  note(address: string, failed: boolean): void {
    if (!failed) {
      this.records.delete(address);
      return;
    }
    // Of calls that were under way when it was put aside, or that had no other backend.
    if (this.isAside(address)) return;
    const record = this.records.get(address) ?? { failures: 0, ejections: 0, untilMs: -Infinity };
    this.records.set(address, record);
    record.failures += 1;
    if (record.failures < FAILURES) return;
    record.failures = 0;
    record.untilMs = this.clock() + Math.min(LONGEST_MS, FIRST_MS * 2 ** record.ejections);
    record.ejections += 1;
    this.ejections += 1;
  }

  isAside(address: string): boolean {
    return (this.records.get(address)?.untilMs ?? -Infinity) > this.clock();
  }
}
