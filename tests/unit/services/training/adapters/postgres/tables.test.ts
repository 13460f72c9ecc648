// The tests of the queue, of watches and of promotions once more, on PostgreSQL, and what the other tables ask of it.

import type { DatasetSource } from '../../../../../../services/datasets/samples/data-selection';
import { SqlDatasetTable } from '../../../../../../services/training/adapters/dataset-table';
import { SqlPromotionLog } from '../../../../../../services/training/adapters/promotion-log';
import type { Promotion } from '../../../../../../services/training/domain/promotions/promotion';
import { openJobDatabase } from '../../../../../support/job-database';
import { installed } from '../../../../../support/use-postgres';

const SUITES = ['jobs/queue', 'jobs/watch', 'promotions/promotions'];

function otherTables(): void {
  const database = openJobDatabase('/tables');

  test('keeps versions of data sets apart, and forgets one without giving its number again', () => {
    const table = new SqlDatasetTable(database);
    const source = { task: 'segmentation' } as DatasetSource;
    expect(table.insert('polyps', source, 'asked').record).toMatchObject({ name: 'polyps', version: 1 });
    expect(table.insert('polyps', source, 'asked').created).toBe(false);
    const { record } = table.insert('polyps', source, null);
    expect(table.find('polyps')).toEqual(record);
    table.setCheck(record.number, 'job');
    table.remove(record.number);
    expect(table.find('polyps', 2)).toBeUndefined();
    expect(table.list({ task: 'segmentation' }, 10).map(({ version }) => version)).toEqual([1]);
    expect(table.insert('polyps', source, null).record.version).toBe(3);
  });

  test('keeps promotions, and refuses a second one of the same request', () => {
    const log = new SqlPromotionLog(database);
    const draft = {
      ...{ id: 'p1', requestId: 'r1', kind: 'PROMOTION' as Promotion['kind'], model: 'polyp', alias: 'production' },
      ...{ fromVersion: null, toVersion: 2, gates: [], forced: true, reason: 'first', requestedBy: 'ann' },
    };
    log.insert(draft, 'PENDING');
    expect(() => log.insert({ ...draft, id: 'p2' }, 'PENDING')).toThrow(
      expect.objectContaining({ field: 'request_id' }),
    );
    expect(log.settle('p1', 'DONE')).toMatchObject({ state: 'DONE', forced: true, fromVersion: null });
    expect(log.moved()).toEqual([{ model: 'polyp', alias: 'production' }]);
    expect(log.list({ model: 'polyp', alias: '' }, 10).map(({ id }) => id)).toEqual(['p1']);
  });
}

if (installed) describe('other tables', otherTables);
if (installed) for (const suite of SUITES) describe(suite, () => void jest.requireActual(`../../domain/${suite}.test`));
else test.skip('PostgreSQL is not installed (/usr/lib/postgresql)', () => undefined);
