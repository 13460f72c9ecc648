/** Between an answer and the next question. */
export const PAUSE_MS = 1_000;
/** A process that is stopped, or behind a broken network, is told from one whose event loop is busy by this time alone. */
export const SILENCE_MS = 3_500;

/**
 * Whether a backend answers at all. A frozen or partitioned process keeps its connection and its streams, so that nothing
 * ends: only a question without an answer tells. Found within PAUSE_MS + SILENCE_MS, 4.5 s.
 */
export class Liveness {
  private lost = new AbortController();
  private timer: NodeJS.Timeout | undefined;
  private closed = false;

  /**
   * @param ask resolves to whether any answer came within the time, good or bad
   * @param onChange called when a backend falls silent and when it answers again
   */
  constructor(
    private readonly ask: (timeoutMs: number) => Promise<boolean>,
    private readonly onChange: () => void,
  ) {
    void this.question();
  }

  get isAlive(): boolean {
    return !this.lost.signal.aborted;
  }

  /** Aborts when the backend falls silent, for calls that began before. */
  get signal(): AbortSignal {
    return this.lost.signal;
  }

  close(): void {
    this.closed = true;
    clearTimeout(this.timer);
  }

  /** Counts as an answer: something came from the backend just now. */
  heard(): void {
    if (this.isAlive || this.closed) return;
    this.lost = new AbortController();
    this.onChange();
  }

  private async question(): Promise<void> {
    const answered = await this.ask(SILENCE_MS);
    if (this.closed) return;
    if (answered) this.heard();
    else if (this.isAlive) {
      this.lost.abort();
      this.onChange();
    }
    this.timer = setTimeout(() => void this.question(), PAUSE_MS);
  }
}
