// The training service: keeps jobs, runs them in worker processes, tells what becomes of them. Loads no addon.

import { join } from 'node:path';
import { redacted } from '../common/config';
import { availableCores } from '../common/cores';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { Health } from '../common/grpc/health';
import { announce, shutDownOnSignal } from '../common/lifecycle';
import { createLogger } from '../common/logging';
import { Telemetry } from '../common/telemetry';
import { ModelStore } from '../store';
import { openDatabase } from './adapters/database';
import { openPromotions } from './adapters/promotions';
import { readTrainingConfig, trainingSettings, workerEnvironment } from './config';
import { promotionService } from './handlers/promotion-service';
import { buildServer } from './server';

async function main(): Promise<void> {
  const config = readTrainingConfig(process.argv.slice(2));
  const log = createLogger('training', config.logLevel);
  const telemetry = new Telemetry('training');
  log.info({ event: 'start', config: redacted(trainingSettings, config) }, 'starting');

  const database = openDatabase(join(config.home, 'training.db'));
  const store = await ModelStore.open(config.home, {
    onProblem: (err) => log.warn({ err }, 'a version in the store cannot be read'),
  });
  const threads = config.trainingThreads ?? Math.max(1, Math.floor(availableCores() / config.trainingConcurrency));
  const promotions = await openPromotions({ database, store, threads, env: workerEnvironment(), log });
  const services: ServiceRegistration[] = [promotionService(promotions, log)];
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
