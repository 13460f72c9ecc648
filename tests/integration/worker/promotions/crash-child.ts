// A promotion in a process that kills itself at a chosen moment: run by crash.test.ts with the store's root and the moment.

import { join } from 'node:path';
import { openDatabase } from '../../../../services/training/adapters/database';
import { SqlPromotionLog } from '../../../../services/training/adapters/promotion-log';
import { SqliteDatabase } from '../../../../services/database/sql';
import type { Aliases, PromotionLog } from '../../../../services/training/domain/promotions/promotion';
import { Promotions } from '../../../../services/training/domain/promotions/promotions';
import { ModelStore } from '../../../../services/store';

const [root = '', moment = ''] = process.argv.slice(2);

function die(now: string): void {
  if (now === moment) process.kill(process.pid, 'SIGKILL');
}

async function promote(): Promise<void> {
  const store = await ModelStore.open(root);
  const kept = new SqlPromotionLog(new SqliteDatabase(openDatabase(join(root, 'training.db'))));
  const log: PromotionLog = {
    insert: (draft, state) => {
      die('before it is written down');
      return kept.insert(draft, state);
    },
    settle: (id, state) => {
      die('after the alias moved');
      const settled = kept.settle(id, state);
      die('after it is done');
      return settled;
    },
    findByRequest: (id) => kept.findByRequest(id),
    pending: () => kept.pending(),
    done: (model, alias) => kept.done(model, alias),
    moved: () => kept.moved(),
    list: (filter, limit, before) => kept.list(filter, limit, before),
  };
  const aliases: Aliases = {
    resolveModel: (reference) => store.resolveModel(reference),
    verify: (stored) => store.verify(stored),
    aliases: (name) => store.aliases(name),
    reserveAlias: (name, alias) => store.reserveAlias(name, alias),
    setAlias: async (name, alias, version) => {
      die('before the alias moves');
      await store.setAlias(name, alias, version);
    },
  };
  const promotions = new Promotions({
    log,
    aliases,
    evaluations: { evaluatedModel: () => Promise.reject(new Error('not asked for')) },
    measureAgreement: () => Promise.reject(new Error('not asked for')),
  });
  await promotions.promote(
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
}

void promote();
