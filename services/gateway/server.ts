import { serviceDefinition } from '../common/grpc/proto';
import type { ServiceRegistration } from '../common/grpc/handlers';
import type { Health } from '../common/grpc/health';
import { RpcServer, type RpcServerConfig } from '../common/grpc/server';
import type { Logger } from '../common/logging';
import type { Telemetry } from '../common/telemetry';
import { relayedService, type RelayDeps } from './handlers/relay';

export interface ServerDeps extends RelayDeps {
  config: RpcServerConfig;
  log: Logger;
  telemetry: Telemetry;
  health: Health;
  /** Full names of the services that are relayed. */
  services: readonly string[];
}

/** Every service of the API behind one address. @param others services beside them */
export function buildServer(deps: ServerDeps, others: readonly ServiceRegistration[] = []): RpcServer {
  const relayed = deps.services.map((name) => relayedService(name, serviceDefinition(name), deps));
  return new RpcServer(deps.config, deps.log, deps.telemetry, [...relayed, ...others], deps.health);
}
