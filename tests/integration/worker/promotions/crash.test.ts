// SIGKILL at every step of a promotion: record and alias must agree once the service has started again.

import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import pino from 'pino';
import { ModelStore } from '../../../../services/store';
import { openDatabase } from '../../../../services/training/adapters/database';
import { SqliteDatabase } from '../../../../services/database/sql';
import { openPromotions } from '../../../../services/training/adapters/promotions';
import { FinishedEvaluations } from '../../../../services/worker/protocol/evaluation-results';
import { modelDraft, temporaryFolder, writeWeights } from '../../../support/data';

jest.setTimeout(60_000);

const folder = temporaryFolder();
const repository = join(__dirname, '../../../..');
let count = 0;

async function promoteAndDie(moment: string) {
  const root = join(folder, String((count += 1)));
  const store = await ModelStore.open(root);
  const draft = { ...modelDraft('polyp'), metrics: { test: { mdsc: 0.8, images: 20 } } };
  for (const text of ['one', 'two']) await store.registerModel(draft, writeWeights(text));
  await store.setAlias('polyp', 'production', 1);
  const register = join(repository, 'tests/support/stack-register.cjs');
  const child = spawnSync(process.execPath, ['-r', register, join(__dirname, 'crash-child.ts'), root, moment], {
    encoding: 'utf8',
  });
  expect([child.stderr, child.signal]).toEqual(['', moment === 'never' ? null : 'SIGKILL']);
  const database = new SqliteDatabase(openDatabase(join(root, 'training.db')));
  const promotions = await openPromotions({
    database,
    store,
    evaluations: new FinishedEvaluations(root),
    threads: 1,
    env: process.env,
    log: pino({ level: 'silent' }),
  });
  const { items } = promotions.list({ model: 'polyp', alias: 'production' }, { size: 0, token: '' });
  const again = (): Promise<unknown> =>
    promotions.promote(
      {
        model: 'polyp@2',
        alias: 'production',
        gates: [{ metric: 'mdsc', minimum: 0.5, evaluation: '' }],
        agreement: undefined,
        force: false,
        reason: '',
        requestedBy: '',
        requestId: 'release',
      },
      new AbortController().signal,
    );
  return { database, current: async () => (await store.aliases('polyp'))['production'], items, again };
}

test.each([
  ['before it is written down', 1, []],
  ['before the alias moves', 1, ['ABANDONED']],
  ['after the alias moved', 2, ['DONE']],
  ['after it is done', 2, ['DONE']],
  ['never', 2, ['DONE']],
])('killed %s: the alias names version %s, and the record says so', async (moment, version, states) => {
  const { database, current, items, again } = await promoteAndDie(moment);
  expect(await current()).toBe(version);
  expect(items.map(({ state }) => state)).toEqual(states);
  // Whoever asked asks again, as after every broken call, and gets what was asked for exactly once.
  expect(await again()).toMatchObject({ state: 'DONE', toVersion: 2 });
  expect(await current()).toBe(2);
  expect(database.get("SELECT count(*) AS done FROM promotions WHERE state = 'DONE'")).toEqual({ done: 1 });
  database.close();
});
