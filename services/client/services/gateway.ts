import type { Channel } from '@grpc/grpc-js';
import type { GatewayServiceDefinition } from '../../../proto/gen/automed/gateway/v1/GatewayService';
import type { GetTrafficResponse__Output } from '../../../proto/gen/automed/gateway/v1/GetTrafficResponse';
import { Caller } from '../core/caller';
import type { CallOptions, ClientOptions } from '../core/options';

/** What the gateway itself knows. Every method rejects with an AutomedError. */
export class GatewayClient {
  private readonly calls: Caller<GatewayServiceDefinition>;

  constructor(channel: Channel, options: ClientOptions) {
    this.calls = new Caller('automed.gateway.v1.GatewayService', channel, options);
  }

  /** Replicas, times of calls, canaries and shadows since the gateway's start. */
  traffic(options?: CallOptions): Promise<GetTrafficResponse__Output> {
    return this.calls.unary('GetTraffic', {}, options);
  }
}
