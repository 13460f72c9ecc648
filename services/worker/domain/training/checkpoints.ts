// When a run writes checkpoints within an epoch, and how: first the checkpoint, complete on the disk, then the state that names
// it, then the one before it goes.

import { performance } from 'node:perf_hooks';
import { checkpointPath, saveJob, type EpochProgress, type JobState } from '../../job-folder/job-state';
import type { TrainerPort } from '../ports/trainer';

/** Writing checkpoints takes at most this share of the time. */
const WRITING_SHARE = 0.1;

export interface CheckpointPolicy {
  /** Between two checkpoints within an epoch; 0: none because of the time. */
  seconds: number;
  /** Batches between two. */
  steps: number | undefined;
  /** Finished epochs whose checkpoints stay, beside the last and the best. */
  keep: number;
  /** Whether this process keeps the state; of a process group rank 0 does. */
  leads: boolean;
}

export class Checkpoints {
  private lastMs = performance.now();
  private writingMs = 0;
  private batches = 0;

  constructor(
    private readonly trainer: TrainerPort,
    private readonly jobFolder: string,
    private readonly policy: CheckpointPolicy,
  ) {}

  /** Counts a batch. */
  learned(): void {
    this.batches += 1;
  }

  /** Whether there is something to lose. */
  get behind(): boolean {
    return this.batches > 0;
  }

  /** Whether it is time for one within the epoch. */
  get due(): boolean {
    const { seconds, steps } = this.policy;
    if (steps !== undefined && this.batches >= steps) return true;
    const waited = performance.now() - this.lastMs;
    return seconds > 0 && waited >= Math.max(1000 * seconds, this.writingMs / WRITING_SHARE);
  }

  /** What the trainer holds now; `partial` tells how much of the running epoch is in it. Returns the state that names it. */
  async write(state: JobState, partial?: EpochProgress): Promise<JobState> {
    const started = performance.now();
    const { partial: _before, ...rest } = state;
    const next: JobState = partial ? { ...rest, partial } : rest;
    const path = partial
      ? checkpointPath(this.jobFolder, state.epochs + 1, partial.steps)
      : checkpointPath(this.jobFolder, state.epochs);
    await this.trainer.saveCheckpoint(path);
    if (this.policy.leads) await saveJob(this.jobFolder, next, this.policy.keep);
    this.lastMs = performance.now();
    this.writingMs = this.lastMs - started;
    this.batches = 0;
    return next;
  }
}
