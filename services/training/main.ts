// The training service: keeps jobs, runs them in worker processes, tells what becomes of them. Loads no addon.

import { join } from 'node:path';
import { redacted } from '../common/config';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { Health } from '../common/grpc/health';
import { announce, shutDownOnSignal } from '../common/lifecycle';
import { createLogger } from '../common/logging';
import { Telemetry } from '../common/telemetry';
import { openDatabase } from './adapters/database';
import { readTrainingConfig, trainingSettings } from './config';
import { buildServer } from './server';

async function main(): Promise<void> {
  const config = readTrainingConfig(process.argv.slice(2));
  const log = createLogger('training', config.logLevel);
  const telemetry = new Telemetry('training');
  log.info({ event: 'start', config: redacted(trainingSettings, config) }, 'starting');

  const database = openDatabase(join(config.home, 'training.db'));
  const services: ServiceRegistration[] = [];
  const server = buildServer({ config, log, telemetry, health: new Health(), services });

  const metricsAddress = config.metricsAddress === 'off' ? undefined : await telemetry.listen(config.metricsAddress);
  const address = await server.listen();
  shutDownOnSignal({
    timeoutMs: config.shutdownTimeoutMs,
    log,
    drain: (timeoutMs) => server.drain(timeoutMs),
    dispose: async () => {
      database.close();
      await telemetry.close();
    },
  });
  announce(log, metricsAddress === undefined ? { address } : { address, metricsAddress });
}

main().catch((error: unknown) => {
  process.stderr.write(`automed training: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
