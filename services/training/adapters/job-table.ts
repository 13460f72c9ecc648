import { automedError } from '../../common/errors';
import type { Change, Job, JobDraft, JobEvent, JobFilter, JobPatch, JobTable, StoredEvent } from '../domain/jobs/job';
import type { State } from '../domain/jobs/state';
import type { Database } from './database';

interface Row extends Omit<Job, 'spec' | 'progress' | 'result' | 'error'> {
  number: number;
  spec: string;
  progress: string | null;
  result: string | null;
  error: string | null;
}

/** Column of each property that a change may touch. */
const COLUMNS: Readonly<Record<keyof JobPatch, string>> = {
  state: 'state',
  stateMessage: 'state_message',
  attempts: 'attempts',
  failures: 'failures',
  progress: 'progress',
  result: 'result',
  error: 'error',
  startTime: 'start_time',
  endTime: 'end_time',
};

const SELECT = `
  SELECT number, id, kind, request_id AS requestId, spec, name, task, priority, creator, state, state_message AS stateMessage, attempts,
    failures, progress, result, error, create_time AS createTime, start_time AS startTime, end_time AS endTime,
    update_time AS updateTime
  FROM jobs`;

function parsed<T>(text: string | null): T | null {
  return text === null ? null : (JSON.parse(text) as T);
}

function toJob(row: Row): Job {
  const { number: _, ...rest } = row;
  return {
    ...rest,
    spec: JSON.parse(row.spec) as unknown,
    progress: parsed(row.progress),
    result: parsed(row.result),
    error: parsed(row.error),
  };
}

/** Objects are kept as JSON. */
function toColumn(value: unknown): unknown {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : value;
}

const noSuchJob = (id: string): Error =>
  automedError('NOT_FOUND', `There is no job ${JSON.stringify(id)}.`, { field: 'id' });

/** Lists of values go in as one JSON parameter, so that a statement's text never depends on them. */
const IN_STATES = 'state IN (SELECT value FROM json_each(?))';

export class SqliteJobTable implements JobTable {
  constructor(
    private readonly database: Database,
    private readonly now: () => number = Date.now,
  ) {}

  insert(draft: JobDraft): { job: Job; created: boolean } {
    return this.immediate(() => {
      if (draft.requestId !== null) {
        const same = this.database
          .prepare<unknown[], Row>(`${SELECT} WHERE kind = ? AND request_id = ?`)
          .get(draft.kind, draft.requestId);
        if (same) return { job: toJob(same), created: false };
      }
      const time = this.now();
      const { lastInsertRowid } = this.database
        .prepare(
          `INSERT INTO jobs (id, kind, request_id, spec, name, task, priority, creator, state, state_message, attempts, failures,
             create_time, update_time)
           VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', '', 0, 0, ?, ?)`,
        )
        .run(
          draft.id,
          draft.kind,
          draft.requestId,
          JSON.stringify(draft.spec),
          draft.name,
          draft.task,
          draft.priority,
          draft.creator,
          time,
          time,
        );
      this.append(Number(lastInsertRowid), [{ type: 'state', state: 'PENDING', message: '' }], time);
      return { job: toJob(this.row(draft.id)), created: true };
    });
  }

  hasRequest(kind: string, requestId: string): boolean {
    const same = this.database.prepare('SELECT 1 FROM jobs WHERE kind = ? AND request_id = ?').get(kind, requestId);
    return same !== undefined;
  }

  find(id: string): Job | undefined {
    const row = this.database.prepare<unknown[], Row>(`${SELECT} WHERE id = ?`).get(id);
    return row && toJob(row);
  }

  list({ kind, states, name, task }: JobFilter, limit: number, before?: string): Job[] {
    return this.database
      .prepare<unknown[], Row>(
        `${SELECT}
         WHERE kind = @kind AND (@name IS NULL OR name = @name) AND (@task IS NULL OR task = @task)
           AND (@states IS NULL OR state IN (SELECT value FROM json_each(@states)))
           AND (@before IS NULL OR number < (SELECT number FROM jobs WHERE id = @before))
         ORDER BY number DESC LIMIT @limit`,
      )
      .all({
        kind,
        name: name ?? null,
        task: task ?? null,
        states: states ? JSON.stringify(states) : null,
        before: before ?? null,
        limit,
      })
      .map(toJob);
  }

  inStates(states: readonly State[]): Job[] {
    return this.database
      .prepare<unknown[], Row>(`${SELECT} WHERE ${IN_STATES} ORDER BY priority DESC, number`)
      .all(JSON.stringify(states))
      .map(toJob);
  }

  change(id: string, decide: (job: Job) => Change | undefined): Job {
    return this.immediate(() => {
      const row = this.row(id);
      const job = toJob(row);
      const change = decide(job);
      if (!change) return job;
      const time = this.now();
      const keys = Object.keys(change.patch) as (keyof JobPatch)[];
      const assignments = [...keys.map((key) => `${COLUMNS[key]} = ?`), 'update_time = ?'].join(', ');
      this.database
        .prepare(`UPDATE jobs SET ${assignments} WHERE number = ?`)
        .run(...keys.map((key) => toColumn(change.patch[key])), time, row.number);
      this.append(row.number, change.events, time);
      return toJob(this.row(id));
    });
  }

  events(id: string, fromSequence: number, limit: number): StoredEvent[] {
    return this.database
      .prepare<unknown[], { sequence: number; time: number; event: string }>(
        `SELECT sequence, time, event FROM job_events
         WHERE job = (SELECT number FROM jobs WHERE id = ?) AND sequence >= ? ORDER BY sequence LIMIT ?`,
      )
      .all(id, fromSequence, limit)
      .map(({ event, ...rest }) => ({ ...rest, event: JSON.parse(event) as JobEvent }));
  }

  remove(id: string, check: (job: Job) => void): void {
    this.immediate(() => {
      const row = this.row(id);
      check(toJob(row));
      this.database.prepare('DELETE FROM jobs WHERE number = ?').run(row.number);
    });
  }

  private row(id: string): Row {
    const row = this.database.prepare<unknown[], Row>(`${SELECT} WHERE id = ?`).get(id);
    if (!row) throw noSuchJob(id);
    return row;
  }

  private append(job: number, events: readonly JobEvent[], time: number): void {
    const insert = this.database.prepare(
      `INSERT INTO job_events (job, sequence, time, event)
       VALUES (@job, (SELECT coalesce(max(sequence), 0) + 1 FROM job_events WHERE job = @job), @time, @event)`,
    );
    for (const event of events) insert.run({ job, time, event: JSON.stringify(event) });
  }

  /** Takes the write lock first, so that what is read does not change before it is written. */
  private immediate<T>(work: () => T): T {
    return this.database.transaction(work).immediate();
  }
}
