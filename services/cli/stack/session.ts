import { automedError, DeviceError } from '../../common/errors';
import { AutomedClient } from '../client/automed-client';
import { Datasets } from '../client/datasets';
import { TrainingJobs } from '../client/training-jobs';
import { loadConfig } from '../config';
import { ANY_PORT, INFERENCE_ROLES, type Role } from './programs';
import { Stack } from './stack';

/** Options of every command that talks to a gateway. */
export interface ConnectOptions {
  /** `host:port` of a running gateway; absent: a stack of our own. */
  address?: string | undefined;
  /** Store of our own stack. */
  home?: string | undefined;
  /** Seconds that one call may take. */
  timeout: number;
}

/** Runs `work` with a client of the given gateway, or of a stack that is started for it and stopped after it. */
export async function withClient<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, address: string) => Promise<T>,
  roles: readonly Role[] = INFERENCE_ROLES,
): Promise<T> {
  const config = loadConfig();
  const address = options.address ?? (config.gateway === '' ? undefined : config.gateway);
  if (address !== undefined) return withAddress(address, options.timeout, work);
  const stack = await Stack.start({
    home: options.home ?? config.home,
    processes: [roles],
    address: ANY_PORT,
    insecure: false,
    startTimeoutMs: config.startTimeoutMs,
    say: (line) => process.stderr.write(`automed: ${line}\n`),
  });
  try {
    return await withAddress(stack.address, options.timeout, work);
  } finally {
    await stack.stop();
  }
}

/** Options of every command that talks to a service which stays. */
export interface ServiceOptions {
  /** `host:port` of a running gateway; default: that of `automed serve`. */
  address?: string | undefined;
  /** Seconds that one call may take. */
  timeout?: number;
}

const SERVE_ADDRESS = '127.0.0.1:50051';
const DEFAULT_TIMEOUT_SECONDS = 120;

export function serviceAddress({ address }: ServiceOptions): string {
  const { gateway } = loadConfig();
  return address ?? (gateway === '' ? SERVE_ADDRESS : gateway);
}

/** Runs `work` with a client of a training service that runs already. */
export async function withTrainingJobs<T>(
  options: ServiceOptions,
  work: (jobs: TrainingJobs) => Promise<T>,
): Promise<T> {
  const address = serviceAddress(options);
  const jobs = new TrainingJobs(address, (options.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000);
  return answered(address, jobs, work);
}

/** Runs `work` with a client for the data sets of a training service that runs already. */
export async function withDatasets<T>(options: ServiceOptions, work: (datasets: Datasets) => Promise<T>): Promise<T> {
  const address = serviceAddress(options);
  const datasets = new Datasets(address, (options.timeout ?? DEFAULT_TIMEOUT_SECONDS) * 1000);
  return answered(address, datasets, work);
}

/** Runs `work` with the address of a gateway that leads to a training service, a stack of our own unless one is given. */
export async function withTrainingAddress<T>(
  options: ConnectOptions,
  work: (address: string) => Promise<T>,
): Promise<T> {
  return withClient(options, (_, address) => work(address), ['training']);
}

/** Runs `work` with the address of a service that runs already. */
export async function withServiceAddress<T>(
  options: ServiceOptions,
  work: (address: string) => Promise<T>,
): Promise<T> {
  const address = serviceAddress(options);
  return answered(address, { close: () => undefined }, () => work(address));
}

async function withAddress<T>(
  address: string,
  timeoutSeconds: number,
  work: (client: AutomedClient, address: string) => Promise<T>,
): Promise<T> {
  return answered(address, new AutomedClient(address, timeoutSeconds * 1000), (client) => work(client, address));
}

async function answered<C extends { close(): void }, T>(
  address: string,
  client: C,
  work: (client: C) => Promise<T>,
): Promise<T> {
  try {
    return await work(client);
  } catch (error) {
    // What grpc-js says of a refused connection is about its resolver.
    if (!(error instanceof DeviceError) || !/^(No connection established|Name resolution failed)/.test(error.message))
      throw error;
    throw automedError('DEVICE_UNAVAILABLE', `no gateway answers at ${address}`, { cause: error });
  } finally {
    client.close();
  }
}
