import { homedir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import {
  ConfigError,
  flag,
  integer,
  list,
  path,
  readConfig,
  requireLoopback,
  serverSettings,
  serverTls,
} from '../common/config';
import type { TlsFiles } from '../common/grpc/tls';
import { availableCores } from '../common/cores';
import type { KubernetesProcessGroupSettings } from './adapters/kubernetes/kubernetes-manifest';
import { modelStoreSettings, objectStoreVariables } from '../store/config';
import type { Capacity } from './domain/jobs/capacity';

/** Kubernetes' notation of an amount, e.g. `500m`, `4`, `16Gi`. */
const quantity = () =>
  z.string().regex(/^\d+(\.\d+)?(m|k|M|G|T|Ki|Mi|Gi|Ti)?$/, 'must be a quantity such as 4 or 16Gi');

/** Pairs as `name=value,name=value`. */
const pairs = () =>
  list().transform((words, context) =>
    words.map((word) => {
      const at = word.indexOf('=');
      if (at < 1 || at === word.length - 1) context.addIssue({ code: 'custom', message: `${word} is no NAME=VALUE` });
      return [word.slice(0, at), word.slice(at + 1)] as const;
    }),
  );

/** What the ranks of a training get in a cluster; see KubernetesProcessGroupSettings. */
const kubernetesSettings = {
  /** Namespace of the Jobs. */
  trainingKubernetesNamespace: z.string().default('default'),
  /** Image of this build; needed with the launcher `kubernetes`. */
  trainingKubernetesImage: z.string().optional(),
  trainingKubernetesImagePullPolicy: z.enum(['Always', 'IfNotPresent', 'Never']).default('IfNotPresent'),
  trainingKubernetesServiceAccount: z.string().optional(),
  /** Of each rank, as a Kubernetes quantity; its whole cores are the rank's LibTorch threads. */
  trainingKubernetesCpu: quantity().default('2'),
  trainingKubernetesMemory: quantity().default('8Gi'),
  /** NVIDIA GPUs of each rank. */
  trainingKubernetesGpus: integer(0, 64).default(0),
  /** CLAIM=PATH,...: the volumes with the store and the data, at the same paths as here. */
  trainingKubernetesVolumes: pairs().default([]),
  /** LABEL=VALUE,... of the nodes. */
  trainingKubernetesNodeSelector: pairs().default([]),
  /** User and group of the ranks: who may write to the store. */
  trainingKubernetesUserId: integer(1, 2 ** 31 - 1).default(10_001),
  /** Secret with AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, where bases and models are in an object store. */
  trainingKubernetesStoreSecret: z.string().optional(),
  /** Size of /dev/shm, as a Kubernetes quantity. */
  trainingKubernetesSharedMemory: quantity().default('1Gi'),
};

export const trainingSettings = z.object({
  ...serverSettings({ address: '127.0.0.1:50053', metricsAddress: '127.0.0.1:9466' }),
  /** Folder of bases and models, of the queue (training.db) and of the jobs' checkpoints (jobs/). */
  home: path().default(() => join(homedir(), '.automed')),
  ...modelStoreSettings,
  /**
   * Whether to wait while another training service works on the store, and to take over within seconds when that is gone;
   * else it does not start. One host, or a file system that keeps locks across hosts (NFS 4, CephFS).
   */
  trainingStandby: flag().default(false),
  /**
   * PostgreSQL 14 or later, `postgres://USER:PASSWORD@HOST/DATABASE`, where jobs, promotions, data sets and reviews are kept, and
   * which decides who leads. Absent: SQLite in `home`.
   */
  trainingDatabaseUrl: z
    .string()
    .regex(/^postgres(ql)?:\/\//, 'must be postgres://USER:PASSWORD@HOST/DATABASE')
    .meta({ secret: true })
    .optional(),
  /**
   * Which queued jobs it starts workers for. `watched`: of trainings those that somebody watches, as a service needs that ends
   * with one command. `nothing`: it only answers, and what is queued waits for another life of the service.
   */
  trainingRuns: z.enum(['all', 'watched', 'nothing']).default('all'),
  /** Workers at once; each rank of a training of several is one. A training of more ranks gets the threads of all workers. */
  trainingConcurrency: integer(1, 1024).default(1),
  /** Where the ranks of a training of several run: as processes of this machine, or as pods of a Kubernetes Indexed Job. */
  trainingLauncher: z.enum(['local', 'kubernetes']).default('local'),
  ...kubernetesSettings,
  /** LibTorch threads of each worker. Default: the cores, divided by the workers. */
  trainingThreads: integer(1, 1024).optional(),
  /** Workers of a job that may die in a row, none getting further than the one before, until the job fails. */
  trainingMaxAttempts: integer(1, 1000).default(3),
  /** Between a worker's death and the next one, milliseconds; doubles with each death in a row, up to a minute. */
  trainingRetryDelayMs: integer(0, 60_000).default(1_000),
  /** What a worker that is to stop gets until it is killed, milliseconds. */
  trainingStopGraceMs: integer(0, 3_600_000).default(25_000),
});

export type TrainingConfig = Readonly<z.infer<typeof trainingSettings>> & { readonly tls: TlsFiles };

/** Reads the environment and `--insecure`. */
export function readTrainingConfig(args: readonly string[], environment = process.env): TrainingConfig {
  const insecure = args.includes('--insecure') ? { AUTOMED_INSECURE: 'true' } : {};
  const config = readConfig(trainingSettings, { ...environment, ...insecure });
  requireLoopback(config);
  if (config.trainingLauncher === 'kubernetes' && config.trainingKubernetesImage === undefined) {
    throw new ConfigError(['AUTOMED_TRAINING_KUBERNETES_IMAGE: the launcher kubernetes needs the image of the ranks']);
  }
  return Object.freeze({ ...config, tls: serverTls(config) });
}

/** The settings of ranks in a cluster; undefined where they are processes of this machine. */
export function processGroupSettings(
  config: TrainingConfig,
  environment = process.env,
): KubernetesProcessGroupSettings | undefined {
  const { trainingLauncher, trainingKubernetesImage: image, trainingKubernetesServiceAccount: serviceAccount } = config;
  if (trainingLauncher === 'local' || image === undefined) return undefined;
  return {
    namespace: config.trainingKubernetesNamespace,
    image,
    imagePullPolicy: config.trainingKubernetesImagePullPolicy,
    ...(serviceAccount === undefined ? {} : { serviceAccount }),
    cpu: config.trainingKubernetesCpu,
    memory: config.trainingKubernetesMemory,
    gpus: config.trainingKubernetesGpus,
    volumes: config.trainingKubernetesVolumes.map(([claim, path]) => ({ claim, path })),
    nodeSelector: Object.fromEntries(config.trainingKubernetesNodeSelector),
    userId: config.trainingKubernetesUserId,
    sharedMemory: config.trainingKubernetesSharedMemory,
    objectStore: {
      env: objectStoreVariables(environment),
      ...(config.trainingKubernetesStoreSecret === undefined ? {} : { secret: config.trainingKubernetesStoreSecret }),
    },
  };
}

/** What jobs may use of this machine. */
export function capacityOf(config: TrainingConfig): Capacity {
  const concurrency = config.trainingConcurrency;
  const processGroups = processGroupSettings(config);
  return {
    concurrency,
    threadsPerJob: config.trainingThreads ?? Math.max(1, Math.floor(availableCores() / concurrency)),
    ...(processGroups ? { remoteThreads: wholeCores(processGroups.cpu) } : {}),
  };
}

/** Of a quantity of `cpu`; one at least. */
function wholeCores(cpu: string): number {
  return Math.max(1, Math.floor(cpu.endsWith('m') ? parseFloat(cpu) / 1000 : parseFloat(cpu)));
}

/** What workers inherit. */
export function workerEnvironment(environment = process.env): NodeJS.ProcessEnv {
  // Secrets stay with who needs them.
  const { AUTOMED_TRAINING_DATABASE_URL: _, ...inherited } = environment;
  return inherited;
}
