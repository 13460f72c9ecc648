/** Bytes that may be held at once, given out in the order in which they were asked for. */
export class ByteBudget {
  /** The most that was held at once. */
  peak = 0;
  private held = 0;
  private readonly waiting: { bytes: number; go: () => void }[] = [];

  /** @param limit bytes; what is larger than that alone gets through when nothing else is held */
  constructor(readonly limit: number) {}

  /** Resolves when the bytes are there to be used. */
  take(bytes: number): Promise<void> {
    return new Promise((go) => {
      this.waiting.push({ bytes, go });
      this.serve();
    });
  }

  release(bytes: number): void {
    this.held -= bytes;
    this.serve();
  }

  private serve(): void {
    for (let first = this.waiting[0]; first; first = this.waiting[0]) {
      if (this.held > 0 && this.held + first.bytes > this.limit) return;
      this.waiting.shift();
      this.held += first.bytes;
      this.peak = Math.max(this.peak, this.held);
      first.go();
    }
  }
}
