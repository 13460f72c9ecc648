import type { Promotion as PromotionMessage } from '../../../proto/gen/automed/models/v1/Promotion';
import type { PromoteModelRequest__Output } from '../../../proto/gen/automed/models/v1/PromoteModelRequest';
import type { PromotionState } from '../../../proto/gen/automed/models/v1/PromotionState';
import type { Promotion } from '../domain/promotions/promotion';
import type { PromoteCommand } from '../domain/promotions/promotions';

const STATES = {
  PENDING: 'PROMOTION_STATE_PENDING',
  DONE: 'PROMOTION_STATE_DONE',
  REFUSED: 'PROMOTION_STATE_REFUSED',
  ABANDONED: 'PROMOTION_STATE_ABANDONED',
} as const satisfies Record<Promotion['state'], PromotionState>;

function toTimestamp(ms: number): { seconds: string; nanos: number } {
  return { seconds: String(Math.floor(ms / 1000)), nanos: (ms % 1000) * 1e6 };
}

/** Who asked: whom the gateway knows, and whom they ask for where they say so. */
export function requester(principal: string, stated: string): string {
  if (principal === '' || principal === stated) return stated;
  return stated === '' ? principal : `${principal} for ${stated}`;
}

export function toPromoteCommand(request: PromoteModelRequest__Output, principal: string): PromoteCommand {
  const { model, alias, gates, agreement, minimumImages, force, reason, requestId } = request;
  const requestedBy = requester(principal, request.requestedBy);
  return {
    model,
    alias,
    gates: gates.map(({ metric, minimum, maximum, evaluation }) => ({ metric, minimum, maximum, evaluation })),
    minimumImages,
    agreement: agreement === null ? undefined : { minimum: agreement.minimum, evaluation: agreement.evaluation },
    force,
    reason,
    requestedBy,
    requestId,
  };
}

export function toPromotion(promotion: Promotion): PromotionMessage {
  const { id, model, alias, kind, state, fromVersion, toVersion, gates, forced, reason, requestedBy } = promotion;
  const message: PromotionMessage = {
    id,
    model,
    alias,
    kind: kind === 'promotion' ? 'PROMOTION_KIND_PROMOTION' : 'PROMOTION_KIND_ROLLBACK',
    state: STATES[state],
    toVersion,
    gates: gates.map(({ metric, minimum, maximum, measured, evaluation, passed, images, problem = '' }) => ({
      metric,
      minimum,
      ...(maximum === undefined ? {} : { maximum }),
      ...(measured === null ? {} : { measured }),
      evaluation,
      passed,
      imageCount: images,
      problem,
    })),
    forced,
    reason,
    requestedBy,
    createTime: toTimestamp(promotion.createTime),
  };
  if (fromVersion !== null) message.fromVersion = fromVersion;
  if (promotion.endTime !== null) message.endTime = toTimestamp(promotion.endTime);
  return message;
}
