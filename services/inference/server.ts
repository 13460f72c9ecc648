import type { Admission } from '../common/admission';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { RpcServer, type RpcServerConfig } from '../common/grpc/server';
import type { Health } from '../common/grpc/health';
import type { Logger } from '../common/logging';
import type { Telemetry } from '../common/telemetry';
import type { Registry } from './domain/registry';
import { modelService } from './handlers/model-service';

export interface ServerDeps {
  config: RpcServerConfig;
  log: Logger;
  telemetry: Telemetry;
  health: Health;
  registry: Registry;
  roles: readonly ServiceRegistration[];
  /** Decides on the calls of the roles. */
  admission: Admission;
}

/** The roles and the model service behind one port. */
export function buildServer(deps: ServerDeps): RpcServer {
  const services = [...deps.roles, modelService(deps.registry, deps.log)];
  const methods = deps.roles.flatMap(({ definition }) => Object.values(definition));
  const pathsOf = (some: typeof methods): ReadonlySet<string> => new Set(some.map(({ path }) => path));
  const admission = {
    admission: deps.admission,
    methods: pathsOf(methods.filter((each) => !each.requestStream && !each.responseStream)),
    streams: pathsOf(methods.filter((each) => each.requestStream)),
  };
  return new RpcServer(deps.config, deps.log, deps.telemetry, services, deps.health, { admission });
}
