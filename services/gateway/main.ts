// The one public address: routes each call by service and model to a healthy backend and relays its bytes.

import { redacted } from '../common/config';
import { dropEndedStreams } from '../common/grpc/ended-streams';
import { Health } from '../common/grpc/health';
import { serviceNames } from '../common/grpc/proto';
import { announce, endWithParent, shutDownOnSignal } from '../common/lifecycle';
import { createLogger } from '../common/logging';
import { Telemetry } from '../common/telemetry';
import { letHeapGrow } from '../common/young-buffers';
import { Access } from '../access/access';
import { AuditLog } from '../access/audit';
import { Backends } from './adapters/backends';
import { gatewaySettings, readGatewayConfig } from './config';
import { leadsTo } from './domain/routes';
import { GATEWAY_SERVICE, gatewayService } from './handlers/gateway-service';
import { listenHttp } from './http/listen';
import { openInner } from './inner';
import { openInferenceService } from './open-inference/service';
import { makeRouting } from './routing';
import { buildServer } from './server';

/** A backend that does not even refuse within this time counts as not healthy. */
const KNOWN_TIMEOUT_MS = 3_000;

async function main(): Promise<void> {
  endWithParent();
  keepHeapYoung();
  const config = readGatewayConfig(process.argv.slice(2));
  const log = createLogger('gateway', config.logLevel);
  const telemetry = await Telemetry.open('gateway', config);
  const { table, access: accessSettings } = config;
  log.info({ event: 'start', config: redacted(gatewaySettings, config), routes: table.rules }, 'starting');

  // Services that no route leads to are not offered.
  const services = serviceNames().filter(
    (service) => service !== GATEWAY_SERVICE && table.rules.some((rule) => leadsTo(rule, service)),
  );
  const health = new Health((name) => backends.check(name));
  const backends = new Backends(table, services, config, (service, status) => health.set(service, status));
  const access =
    accessSettings &&
    (await Access.open({
      ...accessSettings,
      onProblem: (err, what) => log.error({ event: 'access', err, what }, 'what says who may call does not hold'),
    }));
  const { auditFile: file, auditCalls: calls } = config;
  const audit = file === undefined ? undefined : new AuditLog({ file, calls });
  const deps = {
    config,
    access,
    audit,
    log,
    telemetry,
    health,
    services,
    ...makeRouting(table, backends, telemetry, log),
  };
  const own = gatewayService(deps);
  const inner = await openInner(deps, [own]);
  const server = buildServer(deps, [own, openInferenceService({ ...deps, channel: inner.channel })]);

  await backends.known(KNOWN_TIMEOUT_MS);
  const metricsAddress = config.metricsAddress === 'off' ? undefined : await telemetry.listen(config.metricsAddress);
  const address = await server.listen();
  const http =
    config.httpAddress === 'off'
      ? undefined
      : await listenHttp({ ...deps, services: [...services, GATEWAY_SERVICE] }, inner.channel);
  shutDownOnSignal({
    timeoutMs: config.shutdownTimeoutMs,
    log,
    drain: async (timeoutMs) => {
      await Promise.all([server.drain(timeoutMs), http?.close()]);
      await inner.close(timeoutMs);
    },
    dispose: async () => {
      access?.close();
      backends.close();
      await telemetry.close();
    },
  });
  announce(log, {
    address,
    ...(metricsAddress === undefined ? {} : { metricsAddress }),
    ...(http === undefined ? {} : { httpAddress: http.address }),
  });
}

/** What a relayed call leaves behind is freed by a scavenge, before V8 would mark its heap. */
function keepHeapYoung(): void {
  letHeapGrow();
  dropEndedStreams();
}

main().catch((error: unknown) => {
  process.stderr.write(`automed gateway: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
