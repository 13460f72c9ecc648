import type { ServiceRegistration } from '../common/grpc/handlers';
import type { Health } from '../common/grpc/health';
import { RpcServer, type RpcServerConfig } from '../common/grpc/server';
import type { Logger } from '../common/logging';
import type { Telemetry } from '../common/telemetry';

export interface ServerDeps {
  config: RpcServerConfig;
  log: Logger;
  telemetry: Telemetry;
  health: Health;
  /** One line for each service of the API, made by main.ts. */
  services: readonly ServiceRegistration[];
}

/** The services of the bridge behind one port. */
export function buildServer(deps: ServerDeps): RpcServer {
  return new RpcServer(deps.config, deps.log, deps.telemetry, deps.services, deps.health);
}
