import type { DatasetFilter, DatasetRecord, DatasetTable } from '../domain/datasets/dataset';
import type { DatasetSource } from '../../datasets/samples/data-selection';
import type { Database } from './database';

interface Row extends Omit<DatasetRecord, 'source'> {
  source: string;
}

const SELECT = `
  SELECT number, name, version, source, check_job AS checkJob, create_time AS createTime FROM datasets`;

function toRecord(row: Row): DatasetRecord {
  return { ...row, source: JSON.parse(row.source) as DatasetSource };
}

export class SqliteDatasetTable implements DatasetTable {
  constructor(
    private readonly database: Database,
    private readonly now: () => number = Date.now,
  ) {}

  insert(name: string, source: DatasetSource, requestId: string | null): { record: DatasetRecord; created: boolean } {
    return this.database
      .transaction(() => {
        const same = requestId === null ? undefined : this.byRequest(requestId);
        if (same) return { record: same, created: false };
        const { lastInsertRowid } = this.database
          .prepare(
            `INSERT INTO datasets (name, version, request_id, task, source, create_time)
             VALUES (@name, (SELECT coalesce(max(version), 0) + 1 FROM datasets WHERE name = @name), @requestId, @task,
               @source, @time)`,
          )
          .run({ name, requestId, task: source.task, source: JSON.stringify(source), time: this.now() });
        const row = this.database.prepare<unknown[], Row>(`${SELECT} WHERE number = ?`).get(lastInsertRowid) as Row;
        return { record: toRecord(row), created: true };
      })
      .immediate();
  }

  find(name: string, version?: number): DatasetRecord | undefined {
    const row = this.database
      .prepare<unknown[], Row>(
        `${SELECT} WHERE name = @name AND (@version IS NULL OR version = @version) AND forget_time IS NULL
         ORDER BY version DESC LIMIT 1`,
      )
      .get({ name, version: version ?? null });
    return row && toRecord(row);
  }

  list({ name, task }: DatasetFilter, limit: number, before?: number): DatasetRecord[] {
    return this.database
      .prepare<unknown[], Row>(
        `${SELECT} WHERE forget_time IS NULL AND (@name IS NULL OR name = @name) AND (@task IS NULL OR task = @task)
           AND (@before IS NULL OR number < @before) ORDER BY number DESC LIMIT @limit`,
      )
      .all({ name: name ?? null, task: task ?? null, before: before ?? null, limit })
      .map(toRecord);
  }

  setCheck(number: number, job: string): void {
    this.database.prepare('UPDATE datasets SET check_job = ? WHERE number = ?').run(job, number);
  }

  remove(number: number): void {
    this.database
      .prepare('UPDATE datasets SET forget_time = ?, request_id = NULL WHERE number = ?')
      .run(this.now(), number);
  }

  private byRequest(requestId: string): DatasetRecord | undefined {
    const row = this.database.prepare<unknown[], Row>(`${SELECT} WHERE request_id = ?`).get(requestId);
    return row && toRecord(row);
  }
}
