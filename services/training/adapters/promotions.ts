import type { Logger } from '../../common/logging';
import type { ModelStore } from '../../store';
import type { LaunchOptions } from '../../worker/launch/launch-worker';
import type { EvaluationData, Evaluations } from '../domain/promotions/promotion';
import { Promotions } from '../domain/promotions/promotions';
import { agreementByWorker } from './agreement';
import { SqlPromotionLog } from './promotion-log';
import type { SqlDatabase } from '../../database/sql';

type EvaluationSource = Evaluations & { evaluationData(id: string): Promise<EvaluationData> };

export interface PromotionSettings {
  database: SqlDatabase;
  store: ModelStore;
  evaluations: EvaluationSource;
  /** LibTorch threads of a comparison. */
  threads: number;
  env: LaunchOptions['env'];
  log: Logger;
}

/** Promotions on the service's database and store; what a killed service left is settled before they are there. */
export async function openPromotions(settings: PromotionSettings): Promise<Promotions> {
  const { database, store, evaluations, threads, env, log } = settings;
  const promotions = new Promotions({
    log: new SqlPromotionLog(database),
    aliases: store,
    evaluations,
    measureAgreement: agreementByWorker((id) => evaluations.evaluationData(id), { store: store.root, threads, env }),
  });
  for (const { id, model, alias, toVersion, state } of await promotions.reconcile()) {
    log.warn({ event: 'promotion-settled', promotion: id, state }, `${model}@${alias} -> ${toVersion}: ${state}`);
  }
  return promotions;
}
