// Messages, packets and pixels lie in buffers outside V8's heap, and die with their call. V8 counts them, and every 64 MiB marks its
// whole heap to find what holds them, on the thread that serves calls: tens of milliseconds for what a scavenge of the young
// generation frees in one. Node has no setting for that bound, so the scavenge is asked for in time.

import { getHeapStatistics, setFlagsFromString } from 'node:v8';
import { garbageCollector } from './garbage';

/** Bytes of new buffers between two scavenges; several of them before V8 would begin to mark. */
const STEP_BYTES = 16 * 1024 * 1024;

/**
 * By which the heap of a program that takes images may grow before the next marking, percent. A gateway's 25 MiB then end at 50, after
 * some 1,500 calls; an inference service takes 20 MiB more and 7 % less processor time for each call of a small model.
 */
const GROWTH_PERCENT = 100;

/**
 * Lets the heap of this process double before V8 marks it. V8 counts buffers as growth, too, and marks as soon as that
 * has grown by its own measure, which may be a half: less than a dozen images where the heap takes 24 MiB. For a program that takes
 * them with every call; others would only take more memory.
 */
export function letHeapGrow(): void {
  setFlagsFromString(`--heap-growing-percent=${GROWTH_PERCENT}`);
}

/** What this needs of V8. */
export interface YoungGeneration {
  /** Bytes of buffers and other memory outside the heap; what was freed may show late. */
  externalBytes(): number;
  scavenge(): void;
}

/** Frees the buffers of calls that ended, or of packets that were written, before V8 takes them for pressure. */
export class YoungBuffers {
  /** Least since the last scavenge. */
  private floor = Infinity;
  private asked = false;

  constructor(private readonly generation: YoungGeneration = thisProcess()) {}

  /** Looks how much has come since the last scavenge, which takes a microsecond; where that is enough, the next one runs soon. */
  look(): void {
    const external = this.generation.externalBytes();
    this.floor = Math.min(this.floor, external);
    if (this.asked || external - this.floor < STEP_BYTES) return;
    this.asked = true;
    // Once the answer is on its way.
    setImmediate(() => {
      this.generation.scavenge();
      this.floor = Infinity;
      this.asked = false;
    });
  }
}

function thisProcess(): YoungGeneration {
  const collector = garbageCollector();
  return {
    externalBytes: () => getHeapStatistics().external_memory,
    scavenge: () => collector.minor(),
  };
}
