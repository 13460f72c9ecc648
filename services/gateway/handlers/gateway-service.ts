// The one service that the gateway answers itself.

import type { GetTrafficRequest__Output } from '../../../proto/gen/automed/gateway/v1/GetTrafficRequest';
import type { ServiceRegistration } from '../../common/grpc/handlers';
import { serviceDefinition } from '../../common/grpc/proto';
import type { Telemetry } from '../../common/telemetry';
import { guarded, type GuardDeps } from './guarded';
import { trafficOf } from './traffic';

export const GATEWAY_SERVICE = 'automed.gateway.v1.GatewayService';

export interface GatewayServiceDeps extends GuardDeps {
  telemetry: Telemetry;
}

export function gatewayService({ telemetry, ...guards }: GatewayServiceDeps): ServiceRegistration {
  const { GetTraffic } = serviceDefinition(GATEWAY_SERVICE);
  if (!GetTraffic) throw new Error(`no method GetTraffic in ${GATEWAY_SERVICE}`);
  const decode = GetTraffic.requestDeserialize as (bytes: Buffer) => GetTrafficRequest__Output;
  const handle = () => trafficOf(telemetry.registry);
  return {
    name: GATEWAY_SERVICE,
    definition: { GetTraffic: { ...GetTraffic, requestDeserialize: (bytes: Buffer) => bytes } },
    implementation: {
      GetTraffic: guarded({ method: `${GATEWAY_SERVICE}/GetTraffic`, authorizes: true, decode, handle }, guards),
    },
  };
}
