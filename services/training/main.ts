// The training service: keeps jobs, runs them in worker processes, tells what becomes of them. Loads no addon.

import { redacted } from '../common/config';
import type { ServiceRegistration } from '../common/grpc/handlers';
import { Health } from '../common/grpc/health';
import { announce, endWithParent, shutDownOnSignalEarly, type Stages } from '../common/lifecycle';
import { createLogger } from '../common/logging';
import { Telemetry } from '../common/telemetry';
import { openStore, type ModelStore } from '../store';
import { SqlDatasetTable } from './adapters/dataset-table';
import { SqlJobTable } from './adapters/job-table';
import { SqlReviewTable } from './adapters/review-table';
import { jobLauncher } from './adapters/job-launcher';
import { lead } from './adapters/lead';
import { observeQueue } from './adapters/metrics';
import { openPromotions } from './adapters/promotions';
import {
  capacityOf,
  processGroupSettings,
  readTrainingConfig,
  trainingSettings,
  workerEnvironment,
  type TrainingConfig,
} from './config';
import { BaseWork } from './domain/bases';
import { datasetCheckKind } from './domain/datasets/check-kind';
import { DatasetRegistry } from './domain/datasets/registry';
import { DatasetSamples } from './domain/datasets/samples';
import { evaluationKind } from './domain/evaluations/evaluation-kind';
import { Evaluations, type EvaluationsDeps } from './domain/evaluations/evaluations';
import { FinishedEvaluations } from '../worker/protocol/evaluation-results';
import type { Capacity } from './domain/jobs/capacity';
import type { Job } from './domain/jobs/job';
import { JobKinds } from './domain/jobs/kinds';
import { JobQueue } from './domain/jobs/queue';
import { Scheduler, type SchedulerSettings } from './domain/jobs/scheduler';
import { trainingKind } from './domain/jobs/training-kind';
import { Reports } from './domain/reports';
import { ImageFiles } from '../reviews/image-files';
import { ReviewDatasets } from './domain/review-datasets';
import { Reviews } from '../reviews/reviews';
import { baseService } from './handlers/base-service';
import { datasetService } from './handlers/dataset-service';
import { evaluationService } from './handlers/evaluation-service';
import { promotionService } from './handlers/promotion-service';
import { reportService } from './handlers/report-service';
import { reviewService } from './handlers/review-service';
import { trainingJobService } from './handlers/training-job-service';
import { buildServer } from './server';

async function main(): Promise<void> {
  endWithParent();
  const config = readTrainingConfig(process.argv.slice(2));
  const log = createLogger('training', config.logLevel);
  const telemetry = await Telemetry.open('training', config);
  log.info({ event: 'start', config: redacted(trainingSettings, config) }, 'starting');

  const store = await openStore(config.home, {
    onProblem: (err) => log.warn({ err }, 'a version in the store cannot be read'),
  });
  const stages = shutDownOnSignalEarly({ timeoutMs: config.shutdownTimeoutMs, log });
  const { database, release } = await lead(config, log);
  const table = new SqlJobTable(database);
  const capacity = capacityOf(config);
  const kinds = new JobKinds([trainingKind(capacity, store), evaluationKind, datasetCheckKind]);
  const queue = new JobQueue(table, kinds);
  const env = workerEnvironment();
  const launch = await jobLauncher(env, processGroupSettings(config));
  const settings = schedulerSettings(config, capacity, store.root);
  const scheduler = new Scheduler({ queue, table, kinds, launch, log }, settings);
  observeQueue(telemetry, table, scheduler);
  const stopping = new AbortController();
  const jobs = callsOf(scheduler);
  const datasets = new DatasetRegistry(new SqlDatasetTable(database), queue, store.root, jobs.waitsFor);
  const evaluations = evaluationsOf({ ...jobs, queue, store, datasets });
  const promotions = await openPromotions({
    database,
    store,
    evaluations: new FinishedEvaluations(store.root),
    threads: capacity.threadsPerJob,
    env,
    log,
  });
  const reviews = new Reviews(new SqlReviewTable(database), new ImageFiles(store.root));
  const bases = new BaseWork({ store: store.root, threads: capacity.threadsPerJob, launch });
  const samples = new DatasetSamples(datasets, store.root);
  const services: ServiceRegistration[] = [
    trainingJobService({ ...jobs, queue, datasets, store: store.root, stopping: stopping.signal, log }),
    baseService(bases, stopping.signal, log),
    datasetService({ datasets, samples, bases, stopping: stopping.signal, log }),
    evaluationService(evaluations, store.root, log),
    promotionService(promotions, log),
    reportService(new Reports({ store, queue }), log),
    reviewService({ reviews, datasets: new ReviewDatasets(reviews, datasets, store.root), log }),
  ];
  const server = buildServer({ config, log, telemetry, health: new Health(), services });

  const metricsAddress = config.metricsAddress === 'off' ? undefined : await telemetry.listen(config.metricsAddress);
  const address = await server.listen();
  Object.assign(stages, {
    drain: async (timeoutMs) => {
      // Watches would last as long as their jobs.
      stopping.abort();
      await Promise.all([scheduler.stop(), server.drain(timeoutMs)]);
    },
    dispose: async () => {
      release();
      await telemetry.close();
    },
  } satisfies Stages);
  if (config.trainingRuns !== 'nothing') scheduler.start(config.trainingRuns);
  announce(log, metricsAddress === undefined ? { address } : { address, metricsAddress });
}

/** What the services ask of the scheduler. */
const callsOf = (scheduler: Scheduler) => ({
  remove: (kind: string, id: string): Promise<void> => scheduler.remove(kind, id),
  waitsFor: (job: Job): string => scheduler.waitsFor(job),
  watched: (id: string): void => scheduler.watch(id),
});

interface EvaluationParts extends Pick<EvaluationsDeps, 'queue' | 'remove' | 'waitsFor'> {
  store: ModelStore;
  datasets: DatasetRegistry;
}

function evaluationsOf({ queue, store, datasets, remove, waitsFor }: EvaluationParts): Evaluations {
  return new Evaluations({
    queue,
    home: store.root,
    resolveModel: (reference) => store.resolveModel(reference),
    dataOf: (...named) => datasets.forTraining(...named),
    remove,
    waitsFor,
  });
}

function schedulerSettings(config: TrainingConfig, capacity: Capacity, home: string): SchedulerSettings {
  return {
    home,
    capacity,
    maxAttempts: config.trainingMaxAttempts,
    stopGraceMs: Math.min(config.trainingStopGraceMs, config.shutdownTimeoutMs),
    retryDelayMs: config.trainingRetryDelayMs,
  };
}

main().catch((error: unknown) => {
  process.stderr.write(`automed training: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exit(1);
});
