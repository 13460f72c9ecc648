// The review service behind the gateway.

import type { AddReviewRequest } from '../../proto/gen/automed/reviews/v1/AddReviewRequest';
import type { ReviewServiceDefinition } from '../../proto/gen/automed/reviews/v1/ReviewService';
import type { GatewayAccess } from './gateway-models';
import { ApiClient } from '../common/grpc/client';

export class GatewayReviews {
  private readonly client: ApiClient<ReviewServiceDefinition>;

  /** @param timeoutMs what one call may take */
  constructor(
    address: string,
    private readonly timeoutMs: number,
    private readonly access: GatewayAccess = {},
  ) {
    this.client = new ApiClient('automed.reviews.v1.ReviewService', address, { credentials: access.credentials });
  }

  /** @throws AutomedError */
  async add(request: AddReviewRequest, signal: AbortSignal): Promise<void> {
    const { token } = this.access;
    const metadata = token === undefined ? undefined : { authorization: `Bearer ${token}` };
    await this.client.unary('AddReview', request, { timeoutMs: this.timeoutMs, signal, metadata });
  }

  close(): void {
    this.client.close();
  }
}
