import type { z } from 'zod';
import { automedError } from '../../../common/errors';
import type { WorkerCommand } from '../../../worker/protocol/protocol';

/** What the service gives a worker besides the job's own specification. */
export interface JobContext {
  jobId: string;
  /** Folder of checkpoints and caches; it exists, and goes when the job is deleted. */
  jobFolder: string;
  /** Root of the model store. */
  store: string;
  /** LibTorch threads, of each rank where there are several. */
  threads: number;
}

/** A kind of long work: how its specification becomes a worker's command. Each area registers its own. */
export interface JobKind<Spec = unknown> {
  /** Kept with each job, e.g. `training`. */
  readonly name: string;
  /** What people call it in messages, e.g. `training job`. */
  readonly noun: string;
  /** What a create stores, and what is read back after a restart. */
  readonly spec: z.ZodType<Spec>;
  /** Refuses what the schema cannot, with a typed error; called at create. */
  check?(spec: Spec): void;
  /** Refuses what names something that is not there, with a typed error; called at create, of a repeated request not again. */
  ready?(spec: Spec): Promise<void>;
  /** The specification with the versions that its references mean now; called at create, after `ready`. */
  pinned?(spec: Spec): Promise<Spec>;
  /** Processes that work on it together; default: one. */
  ranks?(spec: Spec): number;
  /** Told to every worker of the job, the first as well as those that continue. */
  command(spec: Spec, context: JobContext): WorkerCommand;
}

export class JobKinds {
  private readonly kinds: ReadonlyMap<string, JobKind>;

  constructor(kinds: readonly JobKind[]) {
    this.kinds = new Map(kinds.map((kind) => [kind.name, kind]));
  }

  get(name: string): JobKind {
    const kind = this.kinds.get(name);
    if (!kind) throw automedError('INTERNAL', `no kind of job is called ${name}`);
    return kind;
  }
}
