// What callers do with jobs, whatever their kind. The scheduler runs what is queued here.

import { createHash, randomBytes } from 'node:crypto';
import { EventEmitter } from 'node:events';
import { checked } from '../../../common/checked';
import { automedError } from '../../../common/errors';
import type { Change, Job, JobFilter, JobTable, StoredEvent } from './job';
import type { JobKinds } from './kinds';
import { isFinal, next, type Action } from './state';

export interface CreateJob {
  kind: string;
  /** Empty: the request is not repeatable. */
  requestId: string;
  /** Checked by the kind's schema. */
  spec: unknown;
  name: string;
  task: string;
  priority: number;
  /** Who asks; default: nobody that is known. */
  creator?: string;
}

export interface Page {
  jobs: Job[];
  nextPageToken: string;
}

const MAX_PAGE = 1000;
const DEFAULT_PAGE = 100;

/** `request_id`s and specifications are compared by content, not by the order of their keys. */
function canonical(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(canonical);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(
    entries.sort(([left], [right]) => (left < right ? -1 : 1)).map(([key, each]) => [key, canonical(each)]),
  );
}

function digestOf(value: unknown): string {
  return createHash('sha256')
    .update(JSON.stringify(canonical(value)))
    .digest('hex');
}

/** Whether one reference is the other with the version that this meant then: `tiny@1` of `tiny`, `polyp@3` of `polyp@production`. */
function isPinOf(kept: unknown, asked: unknown): boolean {
  if (typeof kept !== 'string' || typeof asked !== 'string' || /@\d+$/.test(asked)) return false;
  const [, name, version] = /^(.*)@(\d+)$/.exec(kept) ?? [];
  return version !== undefined && name === asked.split('@')[0];
}

/** A kept specification with its references as they were asked for, as far as they are those of `asked`. */
function asAskedFor(kept: unknown, asked: unknown): unknown {
  const wanted = asked as Record<string, unknown>;
  const entries = Object.entries(kept as Record<string, unknown>);
  return Object.fromEntries(
    entries.map(([key, value]) => [key, isPinOf(value, wanted[key]) ? wanted[key] : value] as const),
  );
}

/** A change of state with its event. */
export function moved(job: Job, action: Action, message: string, patch: Change['patch'] = {}): Change {
  const state = next(job.state, action);
  if (state === 'GONE') throw new Error(`${action} is not a change of state`);
  const ended = isFinal(state) ? { endTime: Date.now() } : { endTime: null };
  return {
    patch: { state, stateMessage: message, ...ended, ...patch },
    events: [{ type: 'state', state, message }],
  };
}

export class JobQueue {
  /** `change` with the id of a job whose events or state changed; `work` when a worker may have something to do. */
  readonly notices = new EventEmitter<{ change: [id: string]; work: [] }>().setMaxListeners(0);

  constructor(
    private readonly table: JobTable,
    private readonly kinds: JobKinds,
  ) {}

  /**
   * Queues a job; with a request id that was used before it is the job of then.
   * @throws InvalidInputError when the specification is malformed, or was another one under the same request id
   */
  create({ kind, requestId, spec, name, task, priority, creator = '' }: CreateJob): Job {
    const valid = this.checked(kind, spec);
    const id = randomBytes(8).toString('hex');
    const request = requestId === '' ? null : requestId;
    const draft = { id, kind, requestId: request, spec: valid, name, task, priority, creator };
    const { job, created } = this.table.insert(draft);
    if (!created && digestOf([asAskedFor(job.spec, valid), job.priority]) !== digestOf([valid, priority])) {
      const text = `The request id ${JSON.stringify(requestId)} was used for job ${job.id}, which was asked for differently.`;
      throw automedError('INVALID_ARGUMENT', text, { field: 'request_id' });
    }
    if (created) this.notices.emit('work');
    return job;
  }

  /**
   * As `create`, once everything that the specification names is found, which the job is then about, whatever the names mean
   * later; what a repeated request names may be gone since.
   * @throws NotFoundError with the field
   */
  async submit(wanted: CreateJob): Promise<Job> {
    const { kind, requestId } = wanted;
    const spec = this.checked(kind, wanted.spec);
    if (requestId !== '' && this.table.hasRequest(kind, requestId)) return this.create(wanted);
    const rules = this.kinds.get(kind);
    await rules.ready?.(spec);
    return this.create({ ...wanted, spec: (await rules.pinned?.(spec)) ?? spec });
  }

  /** @throws NotFoundError also for a job of another kind */
  get(kind: string, id: string): Job {
    const job = this.table.find(id);
    if (job?.kind === kind) return job;
    throw automedError('NOT_FOUND', `There is no ${this.kinds.get(kind).noun} ${JSON.stringify(id)}.`, { field: 'id' });
  }

  /** Newest first. */
  list(filter: JobFilter, { pageSize, pageToken }: { pageSize: number; pageToken: string }): Page {
    if (pageSize < 0 || pageSize > MAX_PAGE) {
      throw automedError('INVALID_ARGUMENT', `A page size of ${pageSize} is outside [0, ${MAX_PAGE}].`, {
        field: 'page_size',
      });
    }
    if (pageToken !== '' && !/^[0-9a-f]{16}$/.test(pageToken)) {
      throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
    }
    const size = pageSize === 0 ? DEFAULT_PAGE : pageSize;
    const jobs = this.table.list(filter, size + 1, pageToken === '' ? undefined : pageToken);
    const page = jobs.slice(0, size);
    return { jobs: page, nextPageToken: jobs.length > size ? (page.at(-1)?.id ?? '') : '' };
  }

  cancel(kind: string, id: string): Job {
    return this.ask(kind, id, 'cancel');
  }

  pause(kind: string, id: string): Job {
    return this.ask(kind, id, 'pause');
  }

  resume(kind: string, id: string): Job {
    return this.ask(kind, id, 'resume');
  }

  /** Forgets a job and its events; its watchers are told. */
  delete(kind: string, id: string): void {
    this.get(kind, id);
    this.table.remove(id, ({ state }) => void next(state, 'delete'));
    this.notices.emit('change', id);
  }

  /** Events of a job from a sequence number on, at most `limit`. */
  events(id: string, fromSequence: number, limit: number): StoredEvent[] {
    return this.table.events(id, fromSequence, limit);
  }

  /** One transaction on a job; watchers hear of it. */
  change(id: string, decide: (job: Job) => Change | undefined): Job {
    const job = this.table.change(id, decide);
    this.notices.emit('change', id);
    return job;
  }

  private checked(kind: string, spec: unknown): unknown {
    const rules = this.kinds.get(kind);
    const parsed = checked(rules.spec, spec, 'spec.');
    rules.check?.(parsed);
    return parsed;
  }

  private ask(kind: string, id: string, action: 'cancel' | 'pause' | 'resume'): Job {
    this.get(kind, id);
    const job = this.change(id, (now) => {
      // Asked twice: nothing changes, and nothing is told twice.
      if (next(now.state, action) === now.state) return undefined;
      return moved(now, action, '', action === 'resume' ? { error: null, failures: 0 } : {});
    });
    this.notices.emit('work');
    return job;
  }
}
