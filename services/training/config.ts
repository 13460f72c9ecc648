import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { integer, path, readConfig, requireLoopback, serverSettings } from '../common/config';

export const trainingSettings = z.object({
  ...serverSettings({ address: '127.0.0.1:50053', metricsAddress: '127.0.0.1:9466' }),
  /** Folder of bases and models, of the queue (training.db) and of the jobs' checkpoints (jobs/). */
  home: path().default(() => join(homedir(), '.automed')),
  /** Workers at once. */
  trainingConcurrency: integer(1, 1024).default(1),
  /** LibTorch threads of each worker. Default: the cores, divided by the workers. */
  trainingThreads: integer(1, 1024).optional(),
  /** Workers of a job that may die in a row, none getting further than the one before, until the job fails. */
  trainingMaxAttempts: integer(1, 1000).default(3),
  /** Between a worker's death and the next one, milliseconds; doubles with each death in a row, up to a minute. */
  trainingRetryDelayMs: integer(0, 60_000).default(1_000),
  /** What a worker that is to stop gets until it is killed, milliseconds. */
  trainingStopGraceMs: integer(0, 3_600_000).default(25_000),
});

/** How the AWS SDK is to address buckets; it reads credentials, region and endpoint from its own variables. */
export function s3Settings(environment = process.env): { forcePathStyle: boolean } {
  const { AWS_ENDPOINT_URL_S3: own, AWS_ENDPOINT_URL: general } = environment;
  return { forcePathStyle: (own ?? general ?? '') !== '' };
}

export type TrainingConfig = Readonly<z.infer<typeof trainingSettings>>;

/** Reads the environment and `--insecure`. */
export function readTrainingConfig(args: readonly string[], environment = process.env): TrainingConfig {
  const insecure = args.includes('--insecure') ? { AUTOMED_INSECURE: 'true' } : {};
  const config = readConfig(trainingSettings, { ...environment, ...insecure });
  requireLoopback(config);
  return config;
}

/** What workers inherit. */
export function workerEnvironment(environment = process.env): NodeJS.ProcessEnv {
  return { ...environment };
}
