import { call, type CallOptions } from './call';

const SERVICE = 'automed.models.v1.PromotionService';

export interface GateResult {
  metric: string;
  minimum?: number;
  maximum?: number;
  measured?: number;
  passed?: boolean;
  imageCount?: number;
  problem?: string;
}

export interface Promotion {
  id: string;
  model: string;
  alias: string;
  kind: 'PROMOTION_KIND_PROMOTION' | 'PROMOTION_KIND_ROLLBACK';
  state: string;
  fromVersion?: number;
  toVersion: number;
  gates?: GateResult[];
  forced?: boolean;
  reason?: string;
  requestedBy?: string;
  createTime?: string;
}

export interface PromoteRequest {
  model: string;
  alias: string;
  gates: { metric: string; minimum?: number; maximum?: number; evaluation?: string }[];
  force: boolean;
  reason: string;
  requestedBy: string;
  requestId: string;
}

/** The newest first; of one model by its name, or of all. */
export async function listPromotions(model: string, options: CallOptions): Promise<Promotion[]> {
  const request = { model, pageSize: 100 };
  const { promotions = [] } = await call<{ promotions?: Promotion[] }>(SERVICE, 'ListPromotions', request, options);
  return promotions;
}

/** @throws CallError that names each gate which held the version back */
export async function promote(request: PromoteRequest): Promise<Promotion> {
  return (await call<{ promotion: Promotion }>(SERVICE, 'PromoteModel', request)).promotion;
}

/** Points the alias where it pointed before the latest promotion. */
export async function rollBack(model: string, alias: string, reason: string, requestedBy: string): Promise<Promotion> {
  const request = { model, alias, reason, requestedBy };
  return (await call<{ promotion: Promotion }>(SERVICE, 'RollbackAlias', request)).promotion;
}
