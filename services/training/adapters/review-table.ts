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
import type { Database } from './database';

interface Row {
  number: number;
  draft: string;
  state: ReviewState;
  createTime: number;
}

const SELECT = 'SELECT number, draft, state, create_time AS createTime FROM reviews';

/** Reviews in training.db. */
export class SqliteReviewTable implements ReviewTable {
  constructor(
    private readonly database: Database,
    private readonly now: () => number = Date.now,
  ) {}

  insert(draft: ReviewDraft): Review {
    const { id, queue, name, uncertainty } = draft;
    const { name: modelName } = draft.prediction.model;
    this.database
      .prepare(
        `INSERT INTO reviews (id, queue, name, model, model_name, draft, uncertainty, state, create_time)
         VALUES (@id, @queue, @name, @model, @modelName, @draft, @uncertainty, 'PENDING', @time)`,
      )
      .run({
        ...{ id, queue, name, uncertainty, modelName },
        model: modelOf(draft),
        draft: JSON.stringify(draft),
        time: this.now(),
      });
    return this.find(id) as Review;
  }

  find(id: string): Review | undefined {
    return this.rows('id = ?', [id])[0];
  }

  findSame(queue: string, name: string, model: string): Review | undefined {
    return this.rows('queue = ? AND name = ? AND model = ?', [queue, name, model])[0];
  }

  count(queue: string): number {
    return this.database.prepare('SELECT count(*) FROM reviews WHERE queue = ?').pluck().get(queue) as number;
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
    const where = conditions.length === 0 ? '1' : conditions.join(' AND ');
    const sorted = byUncertainty ? '-uncertainty, number' : 'number DESC';
    return this.rows(`${where} ORDER BY ${sorted} LIMIT ?`, [...values, limit]);
  }

  decide(id: string, decision: Decision, before: number): Review | undefined {
    const { state, agreement } = decision;
    return this.database
      .transaction(() => {
        const review = this.find(id);
        if (review?.decisions.length !== before) return undefined;
        const { number } = review;
        this.database
          .prepare('INSERT INTO review_decisions (review, sequence, decision) VALUES (?, ?, ?)')
          .run(number, before, JSON.stringify(decision));
        this.database
          .prepare('UPDATE reviews SET state = ?, agreement = ? WHERE number = ?')
          .run(state, agreement, number);
        return this.find(id);
      })
      .immediate();
  }

  queues(): QueueCounts[] {
    const rows = this.database
      .prepare<unknown[], { queue: string; state: ReviewState; model: string; count: number; addTime: number }>(
        `SELECT queue, state, model, count(*) AS count, max(create_time) AS addTime FROM reviews
         GROUP BY queue, state, model ORDER BY queue, model`,
      )
      .all();
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
    return this.database.prepare('DELETE FROM reviews WHERE queue = ? RETURNING id').pluck().all(queue) as string[];
  }

  agreed({ model, queue }: { model?: string | undefined; queue?: string | undefined }): Agreed[] {
    return this.database
      .prepare<unknown[], Agreed>(
        `SELECT model, uncertainty, agreement, create_time AS time FROM reviews
         WHERE agreement IS NOT NULL AND (@model IS NULL OR model_name = @model) AND (@queue IS NULL OR queue = @queue)
         ORDER BY number`,
      )
      .all({ model: model ?? null, queue: queue ?? null });
  }

  private rows(where: string, values: readonly (string | number)[]): Review[] {
    const rows = this.database.prepare<unknown[], Row>(`${SELECT} WHERE ${where}`).all(...values);
    const decisions = this.database
      .prepare('SELECT decision FROM review_decisions WHERE review = ? ORDER BY sequence')
      .pluck();
    return rows.map(({ draft, ...row }) => ({
      ...(JSON.parse(draft) as ReviewDraft),
      ...row,
      decisions: (decisions.all(row.number) as string[]).map((text) => JSON.parse(text) as Decision),
    }));
  }
}
