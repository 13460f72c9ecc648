import { automedError } from '../../common/errors';

/** Bounds the weights in memory: what comes in reserves its bytes first, and idle ones are taken out to make room. */
export class WeightsBudget {
  private reserved = 0;
  private evictions = 0;

  constructor(
    /** Bytes; Infinity for no bound. */
    private readonly limitBytes: number,
    /** Takes out what was not used for the longest time and is not in use; false when there is nothing of that kind. */
    private readonly evictOne: () => boolean,
  ) {}

  get usedBytes(): number {
    return this.reserved;
  }

  get evictionCount(): number {
    return this.evictions;
  }

  /** @throws ResourceExhaustedError (OUT_OF_MEMORY) when what is in use leaves too little room */
  reserve(bytes: number, what: string): void {
    while (this.reserved + bytes > this.limitBytes) {
      if (!this.evictOne()) throw this.tooMuch(bytes, what);
      this.evictions += 1;
    }
    this.reserved += bytes;
  }

  release(bytes: number): void {
    this.reserved -= bytes;
  }

  private tooMuch(bytes: number, what: string): Error {
    const room = `the weights in use take ${this.reserved} of ${this.limitBytes} bytes`;
    return automedError('OUT_OF_MEMORY', `There is no room for ${what} (${bytes} bytes): ${room}.`);
  }
}
