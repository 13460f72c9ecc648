import { automedError } from '../../common/errors';
import { isUniqueViolation, type SqlDatabase } from '../../database/sql';
import type {
  GateResult,
  Promotion,
  PromotionDraft,
  PromotionFilter,
  PromotionLog,
} from '../domain/promotions/promotion';

interface Row {
  id: string;
  request_id: string | null;
  kind: Promotion['kind'];
  model: string;
  alias: string;
  from_version: number | null;
  to_version: number;
  state: Promotion['state'];
  gates: string;
  forced: number;
  reason: string;
  requested_by: string;
  create_time: number;
  end_time: number | null;
}

function fromRow(row: Row): Promotion {
  return {
    id: row.id,
    kind: row.kind,
    model: row.model,
    alias: row.alias,
    fromVersion: row.from_version,
    toVersion: row.to_version,
    state: row.state,
    gates: JSON.parse(row.gates) as GateResult[],
    forced: row.forced === 1,
    reason: row.reason,
    requestedBy: row.requested_by,
    requestId: row.request_id,
    createTime: row.create_time,
    endTime: row.end_time,
  };
}

/** Promotions beside the jobs. */
export class SqlPromotionLog implements PromotionLog {
  constructor(private readonly database: SqlDatabase) {}

  insert(draft: PromotionDraft, state: 'PENDING' | 'REFUSED'): Promotion {
    const now = Date.now();
    const end = state === 'REFUSED' ? now : null;
    const { id, requestId, kind, model, alias, fromVersion, toVersion, gates, forced, reason, requestedBy } = draft;
    try {
      this.database.all(
        `INSERT INTO promotions (id, request_id, kind, model, alias, from_version, to_version, state, gates, forced, reason,
           requested_by, create_time, end_time)
         VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
        [
          ...[id, requestId, kind, model, alias, fromVersion, toVersion, state, JSON.stringify(gates), forced ? 1 : 0],
          ...[reason, requestedBy, now, end],
        ],
      );
    } catch (error) {
      if (!isUniqueViolation(error)) throw error;
      const text = `The request id ${draft.requestId} belongs to another request that runs now.`;
      throw automedError('ILLEGAL_STATE', text, { field: 'request_id', cause: error });
    }
    return { ...draft, state, createTime: now, endTime: end };
  }

  settle(id: string, state: 'DONE' | 'ABANDONED'): Promotion {
    const sql = 'UPDATE promotions SET state = ?, end_time = ? WHERE id = ? RETURNING *';
    const row = this.database.get<Row>(sql, [state, Date.now(), id]);
    if (row === undefined) throw automedError('NOT_FOUND', `There is no promotion ${id}.`, { field: 'id' });
    return fromRow(row);
  }

  findByRequest(requestId: string): Promotion | undefined {
    return this.rows("request_id = ? AND state <> 'ABANDONED'", [requestId])[0];
  }

  pending(): Promotion[] {
    return this.rows("state = 'PENDING' ORDER BY number", []);
  }

  done(model: string, alias: string): Promotion[] {
    return this.rows("state = 'DONE' AND model = ? AND alias = ? ORDER BY number", [model, alias]);
  }

  moved(): { model: string; alias: string }[] {
    return this.database.all("SELECT DISTINCT model, alias FROM promotions WHERE state = 'DONE'");
  }

  list({ model, alias }: PromotionFilter, limit: number, before?: string): Promotion[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    for (const [column, value] of [['model', model] as const, ['alias', alias] as const]) {
      if (value === '') continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    if (before !== undefined) {
      const found = this.database.get<{ number: number }>('SELECT number FROM promotions WHERE id = ?', [before]);
      if (found === undefined) {
        throw automedError('INVALID_ARGUMENT', 'The page token is not one of this list.', { field: 'page_token' });
      }
      conditions.push('number < ?');
      values.push(found.number);
    }
    const where = conditions.length === 0 ? '1 = 1' : conditions.join(' AND ');
    return this.rows(`${where} ORDER BY number DESC LIMIT ?`, [...values, limit]);
  }

  private rows(where: string, values: (string | number)[]): Promotion[] {
    return this.database.all<Row>(`SELECT * FROM promotions WHERE ${where}`, values).map(fromRow);
  }
}
