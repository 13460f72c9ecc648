import { automedError } from '../../common/errors';

/** Weights that nobody uses at the moment. */
export interface IdleWeights {
  /** Bytes that taking all of them out would free. */
  bytes(): number;
  /** Takes out what was not used for the longest time; false when there is nothing. */
  evictOne(): boolean;
}

/**
 * Bounds the weights in memory: what comes in reserves its bytes first, and idle ones are taken out to make room; none when
 * that would not make enough.
 */
export class WeightsBudget {
  private reserved = 0;
  private evictions = 0;

  constructor(
    /** Bytes; Infinity for no bound. */
    private readonly limitBytes: number,
    private readonly idle: IdleWeights,
  ) {}

  get usedBytes(): number {
    return this.reserved;
  }

  get evictionCount(): number {
    return this.evictions;
  }

  /**
   * @param ahead bytes that the caller reserves next, without which these are of no use
   * @throws ResourceExhaustedError (OUT_OF_MEMORY) when what is in use leaves too little room
   */
  reserve(bytes: number, what: string, ahead = 0): void {
    const inUse = this.reserved - this.idle.bytes();
    if (inUse + bytes + ahead > this.limitBytes) throw this.tooMuch(bytes + ahead, what, inUse);
    while (this.reserved + bytes > this.limitBytes) {
      if (!this.idle.evictOne()) throw this.tooMuch(bytes, what, this.reserved);
      this.evictions += 1;
    }
    this.reserved += bytes;
  }

  release(bytes: number): void {
    this.reserved -= bytes;
  }

  private tooMuch(bytes: number, what: string, inUse: number): Error {
    const room = `the weights in use take ${inUse} of ${this.limitBytes} bytes`;
    return automedError('OUT_OF_MEMORY', `There is no room for ${what} (${bytes} bytes): ${room}.`);
  }
}
