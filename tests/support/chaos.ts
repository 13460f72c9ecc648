// Kills workers and services at moments drawn by a seed, while jobs go on.

import { setTimeout as sleep } from 'node:timers/promises';
import { startProgram, type Program } from './stack';

/** mulberry32: the same seed, the same draws in [0, 1). */
export function draws(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const VICTIMS = ['worker', 'service', 'both'] as const;
export type Victim = (typeof VICTIMS)[number];

export interface Torment {
  kills: number;
  /** Draws in [0, 1). */
  random: () => number;
  /** Between a worker's start and its end. */
  mostEvents: number;
  /** How many events there were. */
  events: () => number;
  isOver: () => boolean;
}

/** A training service that is started again, on the same address, whenever it was killed. */
export class MortalService {
  private constructor(
    private program: Program,
    private readonly environment: Record<string, string>,
  ) {}

  static async start(environment: Record<string, string>): Promise<MortalService> {
    return new MortalService(await startProgram('training', environment), environment);
  }

  get address(): string {
    return this.program.address;
  }

  /** Process ids of the workers that this life of the service has started, the newest last. */
  get workers(): number[] {
    return this.program.lines.flatMap((line) =>
      line['event'] === 'worker-started' ? [Number(line['workerPid'])] : [],
    );
  }

  async kill(victim: Victim): Promise<void> {
    const worker = this.workers.at(-1);
    if (victim !== 'service' && worker !== undefined) killIfAlive(worker);
    if (victim !== 'worker') await this.restart('SIGKILL');
  }

  /** Ends the service and starts it again. */
  async restart(signal: NodeJS.Signals): Promise<void> {
    await this.program.stop(signal);
    this.program = await startProgram('training', { ...this.environment, AUTOMED_ADDRESS: this.address });
  }

  stop(): Promise<number | null> {
    return this.program.stop();
  }

  /** Kills again and again: some events after a worker has started, and then some milliseconds. */
  async torment({ kills, random, mostEvents, events, isOver }: Torment): Promise<Victim[]> {
    const victims: Victim[] = [];
    let killed: number | undefined;
    while (victims.length < kills && !isOver()) {
      const worker = this.workers.at(-1);
      if (worker === undefined || worker === killed) {
        await sleep(5);
        continue;
      }
      const moment = events() + Math.floor(random() * (mostEvents + 1));
      while (events() < moment && !isOver()) await sleep(2);
      await sleep(random() * 100);
      if (isOver()) break;
      const victim = VICTIMS[Math.floor(random() * VICTIMS.length)] ?? 'both';
      victims.push(victim);
      await this.kill(victim);
      killed = victim === 'worker' ? worker : undefined;
    }
    return victims;
  }
}

function killIfAlive(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
