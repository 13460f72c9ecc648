import { randomUUID } from 'node:crypto';
import type { Channel } from '@grpc/grpc-js';
import type { PromoteModelRequest } from '../../../proto/gen/automed/models/v1/PromoteModelRequest';
import type { Promotion__Output } from '../../../proto/gen/automed/models/v1/Promotion';
import type { PromotionServiceDefinition } from '../../../proto/gen/automed/models/v1/PromotionService';
import type { RollbackAliasRequest } from '../../../proto/gen/automed/models/v1/RollbackAliasRequest';
import { paged, present } from '../core/answers';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** Aliases that move under gates and on the record. Every method rejects with an AutomedError. */
export class PromotionsClient {
  private readonly calls: Caller<PromotionServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.models.v1.PromotionService', channel, options);
  }

  /** Points an alias at a version that passes its gates. */
  async promote(request: PromoteModelRequest, options?: CallOptions): Promise<Promotion__Output> {
    const repeatable = { requestId: randomUUID(), ...request };
    return present((await this.calls.unary('PromoteModel', repeatable, options, true)).promotion, 'promotion');
  }

  /** Points an alias back at what it named before its latest promotion. */
  async rollback(request: RollbackAliasRequest, options?: CallOptions): Promise<Promotion__Output> {
    const repeatable = { requestId: randomUUID(), ...request };
    return present((await this.calls.unary('RollbackAlias', repeatable, options, true)).promotion, 'promotion');
  }

  /** The newest first. @param model its name without version; default: all, as for `alias` */
  list({
    model = '',
    alias = '',
    ...options
  }: CallOptions & { model?: string; alias?: string } = {}): AsyncGenerator<Promotion__Output> {
    return paged(async (page) => {
      const request = { ...page, model, alias };
      const { promotions, nextPageToken } = await this.calls.unary('ListPromotions', request, options);
      return { items: promotions, nextPageToken };
    });
  }
}
