import type { Promotion__Output } from '../../proto/gen/automed/models/v1/Promotion';
import type { PromoteModelRequest } from '../../proto/gen/automed/models/v1/PromoteModelRequest';
import type { PromotionServiceDefinition } from '../../proto/gen/automed/models/v1/PromotionService';
import type { RollbackAliasRequest } from '../../proto/gen/automed/models/v1/RollbackAliasRequest';
import { automedError } from '../common/errors';
import { ApiClient } from '../common/grpc/client';

const PAGE_SIZE = 200;

/** Promotions as the command line asks for them. Every method rejects with a typed error. */
export class PromotionClient {
  private readonly client: ApiClient<PromotionServiceDefinition>;

  /**
   * @param address `host:port` of a gateway or of the training service
   * @param timeoutMs what one call may take
   */
  constructor(
    address: string,
    private readonly timeoutMs: number,
  ) {
    this.client = new ApiClient('automed.models.v1.PromotionService', address);
  }

  async promote(request: PromoteModelRequest): Promise<Promotion__Output> {
    return present((await this.client.unary('PromoteModel', request, { timeoutMs: this.timeoutMs })).promotion);
  }

  async rollback(request: RollbackAliasRequest): Promise<Promotion__Output> {
    return present((await this.client.unary('RollbackAlias', request, { timeoutMs: this.timeoutMs })).promotion);
  }

  /** All of a model, the newest first. */
  async list(model: string, alias: string): Promise<Promotion__Output[]> {
    const all: Promotion__Output[] = [];
    for (let pageToken = ''; ;) {
      const request = { model, alias, pageSize: PAGE_SIZE, pageToken };
      const answer = await this.client.unary('ListPromotions', request, { timeoutMs: this.timeoutMs });
      all.push(...answer.promotions);
      if (answer.nextPageToken === '') return all;
      pageToken = answer.nextPageToken;
    }
  }

  close(): void {
    this.client.close();
  }
}

function present(promotion: Promotion__Output | null): Promotion__Output {
  if (promotion === null) throw automedError('INTERNAL', 'the answer lacks its promotion');
  return promotion;
}
