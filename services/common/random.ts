const { floor, imul } = Math;

/** A small seeded generator (mulberry32): same seed, same numbers on every machine. Not for secrets. */
export class Random {
  private state: number;

  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** The generator of one part of a larger job, independent of how the other parts are drawn. */
  static of(seed: number, ...path: number[]): Random {
    let mixed = seed >>> 0;
    for (const part of path) mixed = imul(mixed ^ (part + 0x9e3779b9 + (mixed << 6)), 0x85ebca6b) >>> 0;
    const random = new Random(mixed);
    for (let warm = 0; warm < 4; warm += 1) random.next();
    return random;
  }

  /** Uniform in [0, 1). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = this.state;
    mixed = imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  }

  /** Uniform in [low, high). */
  range(low: number, high: number): number {
    return low + (high - low) * this.next();
  }

  /** Uniform among low, ..., high. */
  integer(low: number, high: number): number {
    return low + floor(this.next() * (high - low + 1));
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  /** Fisher-Yates, on a copy. */
  shuffled<T>(items: readonly T[]): T[] {
    const order = [...items];
    for (let last = order.length - 1; last > 0; last -= 1) {
      const other = this.integer(0, last);
      const kept = order[last] as T;
      order[last] = order[other] as T;
      order[other] = kept;
    }
    return order;
  }
}
