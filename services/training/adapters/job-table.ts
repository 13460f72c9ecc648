import { automedError } from '../../common/errors';
import type { Change, Job, JobDraft, JobEvent, JobFilter, JobPatch, JobTable, StoredEvent } from '../domain/jobs/job';
import type { State } from '../domain/jobs/state';
import { places, type SqlDatabase, type Value } from '../../database/sql';

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
  SELECT number, id, kind, request_id AS "requestId", spec, name, task, priority, creator, state, state_message AS "stateMessage", attempts,
    failures, progress, result, error, create_time AS "createTime", start_time AS "startTime", end_time AS "endTime",
    update_time AS "updateTime"
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
function toColumn(value: unknown): Value {
  return typeof value === 'object' && value !== null ? JSON.stringify(value) : (value as Value);
}

const noSuchJob = (id: string): Error =>
  automedError('NOT_FOUND', `There is no job ${JSON.stringify(id)}.`, { field: 'id' });

export class SqlJobTable implements JobTable {
  constructor(
    private readonly database: SqlDatabase,
    private readonly now: () => number = Date.now,
  ) {}

  insert(draft: JobDraft): { job: Job; created: boolean } {
    return this.database.transaction(() => {
      if (draft.requestId !== null) {
        const asked = [draft.kind, draft.requestId];
        const same = this.database.get<Row>(`${SELECT} WHERE kind = ? AND request_id = ?`, asked);
        if (same) return { job: toJob(same), created: false };
      }
      const time = this.now();
      const { id, kind, requestId, spec, name, task, priority, creator } = draft;
      const made = this.database.get<{ number: number }>(
        `INSERT INTO jobs (id, kind, request_id, spec, name, task, priority, creator, state, state_message, attempts, failures,
           create_time, update_time)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, 'PENDING', '', 0, 0, ?, ?) RETURNING number`,
        [id, kind, requestId, JSON.stringify(spec), name, task, priority, creator, time, time],
      );
      if (!made) throw new Error('an insertion without its row');
      this.append(made.number, [{ type: 'state', state: 'PENDING', message: '' }], time);
      return { job: toJob(this.row(id)), created: true };
    });
  }

  hasRequest(kind: string, requestId: string): boolean {
    const sql = 'SELECT 1 AS found FROM jobs WHERE kind = ? AND request_id = ?';
    return this.database.get(sql, [kind, requestId]) !== undefined;
  }

  find(id: string): Job | undefined {
    const row = this.database.get<Row>(`${SELECT} WHERE id = ?`, [id]);
    return row && toJob(row);
  }

  list({ kind, states, name, task }: JobFilter, limit: number, before?: string): Job[] {
    const wanted: [condition: string, ...values: Value[]][] = [['kind = ?', kind]];
    if (name !== undefined) wanted.push(['name = ?', name]);
    if (task !== undefined) wanted.push(['task = ?', task]);
    if (states) wanted.push([states.length > 0 ? `state IN (${places(states)})` : '1 = 0', ...states]);
    if (before !== undefined) wanted.push(['number < (SELECT number FROM jobs WHERE id = ?)', before]);
    const where = wanted.map(([condition]) => condition).join(' AND ');
    const values = wanted.flatMap(([, ...each]) => each);
    return this.database
      .all<Row>(`${SELECT} WHERE ${where} ORDER BY number DESC LIMIT ?`, [...values, limit])
      .map(toJob);
  }

  inStates(states: readonly State[]): Job[] {
    return this.database
      .all<Row>(`${SELECT} WHERE state IN (${places(states)}) ORDER BY priority DESC, number`, states)
      .map(toJob);
  }

  change(id: string, decide: (job: Job) => Change | undefined): Job {
    return this.database.transaction(() => {
      const row = this.row(id);
      const job = toJob(row);
      const change = decide(job);
      if (!change) return job;
      const time = this.now();
      const keys = Object.keys(change.patch) as (keyof JobPatch)[];
      const assignments = [...keys.map((key) => `${COLUMNS[key]} = ?`), 'update_time = ?'].join(', ');
      const values = keys.map((key) => toColumn(change.patch[key]));
      this.database.all(`UPDATE jobs SET ${assignments} WHERE number = ?`, [...values, time, row.number]);
      this.append(row.number, change.events, time);
      return toJob(this.row(id));
    });
  }

  events(id: string, fromSequence: number, limit: number): StoredEvent[] {
    return this.database
      .all<{ sequence: number; time: number; event: string }>(
        `SELECT sequence, time, event FROM job_events
         WHERE job = (SELECT number FROM jobs WHERE id = ?) AND sequence >= ? ORDER BY sequence LIMIT ?`,
        [id, fromSequence, limit],
      )
      .map(({ event, ...rest }) => ({ ...rest, event: JSON.parse(event) as JobEvent }));
  }

  remove(id: string, check: (job: Job) => void): void {
    this.database.transaction(() => {
      const row = this.row(id);
      check(toJob(row));
      this.database.all('DELETE FROM jobs WHERE number = ?', [row.number]);
    });
  }

  private row(id: string): Row {
    const row = this.database.get<Row>(`${SELECT} WHERE id = ?`, [id]);
    if (!row) throw noSuchJob(id);
    return row;
  }

  private append(job: number, events: readonly JobEvent[], time: number): void {
    for (const event of events) {
      this.database.all(
        `INSERT INTO job_events (job, sequence, time, event)
         VALUES (?, (SELECT coalesce(max(sequence), 0) + 1 FROM job_events WHERE job = ?), ?, ?)`,
        [job, job, time, JSON.stringify(event)],
      );
    }
  }
}
