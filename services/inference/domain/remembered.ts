/** Remembers for a while what references mean. */
export class Remembered<Stored> {
  private readonly known = new Map<string, { stored: Promise<Stored>; until: number }>();

  constructor(
    private readonly ttlMs: number,
    private readonly now: () => number,
  ) {}

  get(reference: string, find: () => Promise<Stored>): Promise<Stored> {
    const known = this.known.get(reference);
    if (known && known.until > this.now()) return known.stored;
    const stored = find();
    this.known.set(reference, { stored, until: this.now() + this.ttlMs });
    // A failure is not remembered, and neither is what nobody asks for any more.
    stored.catch(() => this.known.delete(reference));
    if (this.known.size > 1000) this.known.clear();
    return stored;
  }

  clear(): void {
    this.known.clear();
  }
}
