import type { DatasetFilter, DatasetRecord, DatasetTable } from '../domain/datasets/dataset';
import type { DatasetSource } from '../../datasets/samples/data-selection';
import type { SqlDatabase, Value } from '../../database/sql';

interface Row extends Omit<DatasetRecord, 'source'> {
  source: string;
}

const SELECT = `
  SELECT number, name, version, source, check_job AS "checkJob", create_time AS "createTime" FROM datasets`;

function toRecord(row: Row): DatasetRecord {
  return { ...row, source: JSON.parse(row.source) as DatasetSource };
}

export class SqlDatasetTable implements DatasetTable {
  constructor(
    private readonly database: SqlDatabase,
    private readonly now: () => number = Date.now,
  ) {}

  insert(name: string, source: DatasetSource, requestId: string | null): { record: DatasetRecord; created: boolean } {
    return this.database.transaction(() => {
      const same = requestId === null ? undefined : this.byRequest(requestId);
      if (same) return { record: same, created: false };
      const made = this.database.get<{ number: number }>(
        `INSERT INTO datasets (name, version, request_id, task, source, create_time)
         VALUES (?, (SELECT coalesce(max(version), 0) + 1 FROM datasets WHERE name = ?), ?, ?, ?, ?) RETURNING number`,
        [name, name, requestId, source.task, JSON.stringify(source), this.now()],
      );
      const row = made && this.database.get<Row>(`${SELECT} WHERE number = ?`, [made.number]);
      if (!row) throw new Error('an insertion without its row');
      return { record: toRecord(row), created: true };
    });
  }

  find(name: string, version?: number): DatasetRecord | undefined {
    const [only, values]: [string, Value[]] = version === undefined ? ['', []] : [' AND version = ?', [version]];
    const row = this.database.get<Row>(
      `${SELECT} WHERE name = ? AND forget_time IS NULL${only} ORDER BY version DESC LIMIT 1`,
      [name, ...values],
    );
    return row && toRecord(row);
  }

  list({ name, task }: DatasetFilter, limit: number, before?: number): DatasetRecord[] {
    const wanted: [condition: string, value: Value][] = [];
    if (name !== undefined) wanted.push(['name = ?', name]);
    if (task !== undefined) wanted.push(['task = ?', task]);
    if (before !== undefined) wanted.push(['number < ?', before]);
    const where = ['forget_time IS NULL', ...wanted.map(([condition]) => condition)].join(' AND ');
    return this.database
      .all<Row>(`${SELECT} WHERE ${where} ORDER BY number DESC LIMIT ?`, [...wanted.map(([, value]) => value), limit])
      .map(toRecord);
  }

  setCheck(number: number, job: string): void {
    this.database.all('UPDATE datasets SET check_job = ? WHERE number = ?', [job, number]);
  }

  remove(number: number): void {
    this.database.all('UPDATE datasets SET forget_time = ?, request_id = NULL WHERE number = ?', [this.now(), number]);
  }

  private byRequest(requestId: string): DatasetRecord | undefined {
    const row = this.database.get<Row>(`${SELECT} WHERE request_id = ?`, [requestId]);
    return row && toRecord(row);
  }
}
