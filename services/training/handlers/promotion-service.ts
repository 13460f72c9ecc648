import type { UntypedServiceImplementation } from '@grpc/grpc-js';
import type { ListPromotionsRequest__Output } from '../../../proto/gen/automed/models/v1/ListPromotionsRequest';
import type { PromoteModelRequest__Output } from '../../../proto/gen/automed/models/v1/PromoteModelRequest';
import type { RollbackAliasRequest__Output } from '../../../proto/gen/automed/models/v1/RollbackAliasRequest';
import { unary, type ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Logger } from '../../common/logging';
import type { Promotions } from '../domain/promotions/promotions';
import { requester, toPromoteCommand, toPromotion } from './promotion-messages';

const NAME = 'automed.models.v1.PromotionService';

export function promotionService(promotions: Promotions, log: Logger): ServiceRegistration {
  const implementation: UntypedServiceImplementation = {
    PromoteModel: unary(log, async (request: PromoteModelRequest__Output, context) => {
      context.setModel(request.model);
      const promotion = await promotions.promote(toPromoteCommand(request, context.principal), context.signal);
      context.setModel(`${promotion.model}@${promotion.toVersion}`);
      return { promotion: toPromotion(promotion) };
    }),
    RollbackAlias: unary(log, async (request: RollbackAliasRequest__Output, context) => {
      context.setModel(request.model);
      return {
        promotion: toPromotion(
          await promotions.rollback({ ...request, requestedBy: requester(context.principal, request.requestedBy) }),
        ),
      };
    }),
    ListPromotions: unary(log, (request: ListPromotionsRequest__Output) => {
      const { model, alias, pageSize: size, pageToken: token } = request;
      const { items, nextPageToken } = promotions.list({ model, alias }, { size, token });
      return Promise.resolve({ promotions: items.map(toPromotion), nextPageToken });
    }),
  };
  return { name: NAME, definition: serviceDefinition(NAME), implementation };
}
