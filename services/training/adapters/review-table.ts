import {
  modelOf,
  type Agreed,
  type Decision,
  type QueueCounts,
  type Review,
  type ReviewDraft,
  type ReviewFilter,
  type ReviewOrder,
  type ReviewPlace,
  type ReviewState,
  type ReviewTable,
} from '../../reviews/review';
import type { SqlDatabase, Value } from '../../database/sql';

interface Row {
  number: number;
  draft: string;
  state: ReviewState;
  createTime: number;
}

const SELECT = 'SELECT number, draft, state, create_time AS "createTime" FROM reviews';

/** Reviews beside the jobs. */
export class SqlReviewTable implements ReviewTable {
  constructor(
    private readonly database: SqlDatabase,
    private readonly now: () => number = Date.now,
  ) {}

  insert(draft: ReviewDraft): Review {
    const { id, queue, name, uncertainty } = draft;
    const { name: modelName } = draft.prediction.model;
    this.database.all(
      `INSERT INTO reviews (id, queue, name, model, model_name, draft, uncertainty, state, create_time)
       VALUES (?, ?, ?, ?, ?, ?, ?, 'PENDING', ?)`,
      [id, queue, name, modelOf(draft), modelName, JSON.stringify(draft), uncertainty, this.now()],
    );
    return this.find(id) as Review;
  }

  find(id: string): Review | undefined {
    return this.rows('id = ?', [id])[0];
  }

  findSame(queue: string, name: string, model: string): Review | undefined {
    return this.rows('queue = ? AND name = ? AND model = ?', [queue, name, model])[0];
  }

  count(queue: string): number {
    const sql = 'SELECT count(*) AS count FROM reviews WHERE queue = ?';
    return this.database.get<{ count: number }>(sql, [queue])?.count ?? 0;
  }

  list({ queue, state }: ReviewFilter, order: ReviewOrder, limit: number, after?: ReviewPlace): Review[] {
    const conditions: string[] = [];
    const values: (string | number)[] = [];
    for (const [column, value] of [['queue', queue] as const, ['state', state] as const]) {
      if (value === undefined) continue;
      conditions.push(`${column} = ?`);
      values.push(value);
    }
    const byUncertainty = order === 'uncertain-first';
    if (after) {
      conditions.push(byUncertainty ? '(-uncertainty, number) > (?, ?)' : 'number < ?');
      values.push(...(byUncertainty ? [-after.uncertainty] : []), after.number);
    }
    const where = conditions.length === 0 ? '1 = 1' : conditions.join(' AND ');
    const sorted = byUncertainty ? '-uncertainty, number' : 'number DESC';
    return this.rows(`${where} ORDER BY ${sorted} LIMIT ?`, [...values, limit]);
  }

  decide(id: string, decision: Decision, before: number): Review | undefined {
    const { state, agreement } = decision;
    return this.database.transaction(() => {
      const review = this.find(id);
      if (review?.decisions.length !== before) return undefined;
      const { number } = review;
      this.database.all('INSERT INTO review_decisions (review, sequence, decision) VALUES (?, ?, ?)', [
        ...[number, before],
        JSON.stringify(decision),
      ]);
      this.database.all('UPDATE reviews SET state = ?, agreement = ? WHERE number = ?', [state, agreement, number]);
      return this.find(id);
    });
  }

  queues(): QueueCounts[] {
    const rows = this.database.all<{
      queue: string;
      state: ReviewState;
      model: string;
      count: number;
      addTime: number;
    }>(
      `SELECT queue, state, model, count(*) AS count, max(create_time) AS "addTime" FROM reviews
       GROUP BY queue, state, model ORDER BY queue, model`,
    );
    const queues = new Map<string, QueueCounts>();
    for (const { queue, state, model, count, addTime } of rows) {
      const counts = { PENDING: 0, ACCEPTED: 0, REJECTED: 0, AMENDED: 0 };
      const known = queues.get(queue) ?? { name: queue, counts, models: [], addTime: 0 };
      known.counts[state] += count;
      if (!known.models.includes(model)) known.models.push(model);
      known.addTime = Math.max(known.addTime, addTime);
      queues.set(queue, known);
    }
    return [...queues.values()];
  }

  removeQueue(queue: string): string[] {
    const gone = this.database.all<{ id: string }>('DELETE FROM reviews WHERE queue = ? RETURNING id', [queue]);
    return gone.map(({ id }) => id);
  }

  agreed({ model, queue }: { model?: string | undefined; queue?: string | undefined }): Agreed[] {
    const wanted: [condition: string, value: Value][] = [];
    if (model !== undefined) wanted.push(['model_name = ?', model]);
    if (queue !== undefined) wanted.push(['queue = ?', queue]);
    const where = ['agreement IS NOT NULL', ...wanted.map(([condition]) => condition)].join(' AND ');
    return this.database.all<Agreed>(
      `SELECT model, uncertainty, agreement, create_time AS time FROM reviews WHERE ${where} ORDER BY number`,
      wanted.map(([, value]) => value),
    );
  }

  private rows(where: string, values: readonly Value[]): Review[] {
    const decisions = 'SELECT decision FROM review_decisions WHERE review = ? ORDER BY sequence';
    return this.database.all<Row>(`${SELECT} WHERE ${where}`, values).map(({ draft, ...row }) => ({
      ...(JSON.parse(draft) as ReviewDraft),
      ...row,
      decisions: this.database
        .all<{ decision: string }>(decisions, [row.number])
        .map(({ decision }) => JSON.parse(decision) as Decision),
    }));
  }
}
