/** The requests of a series, in order, each kept until it is answered: a stream that breaks loses what it had in flight. */
export class Unanswered<Request> {
  private readonly source: AsyncIterator<Request> | Iterator<Request>;
  private readonly waiting: Request[] = [];
  /** Position of the first one that waits. */
  private first = 0;
  private pulling: Promise<void> | undefined;
  private ended = false;
  private failure: { reason: unknown } | undefined;

  constructor(requests: Iterable<Request> | AsyncIterable<Request>) {
    this.source = Symbol.asyncIterator in requests ? requests[Symbol.asyncIterator]() : requests[Symbol.iterator]();
  }

  /** Whether the series itself has failed, with what it threw. */
  get failed(): { reason: unknown } | undefined {
    return this.failure;
  }

  /** Waits for the next one. @returns whether there is one */
  hasNext(): Promise<boolean> {
    return this.has(this.first);
  }

  /** Those that wait, and those that come. @param begin changes the first of them */
  async *all(begin: (request: Request) => Request): AsyncGenerator<Request> {
    const start = this.first;
    for (let at = start; await this.has(at); at += 1) {
      const request = this.waiting[at - this.first] as Request;
      yield at === start ? begin(request) : request;
    }
  }

  /** @returns those up to a position, which wait no longer */
  answered(position: number): Request[] {
    const done = this.waiting.splice(0, position + 1 - this.first);
    this.first += done.length;
    return done;
  }

  /** No more will be asked for. */
  close(): void {
    this.ended = true;
    // Not awaited: one that waits for its next request ends after that.
    void Promise.resolve(this.source.return?.()).catch(() => undefined);
  }

  /** @throws what the series throws */
  private async has(position: number): Promise<boolean> {
    while (position - this.first >= this.waiting.length && !this.ended) await (this.pulling ??= this.pull());
    if (this.failure) throw this.failure.reason;
    return position - this.first < this.waiting.length;
  }

  /** One at a time: a stream that broke may still wait for the next request, which is then the next stream's. */
  private async pull(): Promise<void> {
    try {
      const next = await this.source.next();
      if (next.done) this.ended = true;
      else this.waiting.push(next.value);
    } catch (reason) {
      this.ended = true;
      this.failure = { reason };
    } finally {
      this.pulling = undefined;
    }
  }
}
