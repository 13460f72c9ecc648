import { automedError, DeviceError } from '../../common/errors';
import { AutomedClient } from '../client/automed-client';
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

async function withAddress<T>(
  address: string,
  timeoutSeconds: number,
  work: (client: AutomedClient, address: string) => Promise<T>,
): Promise<T> {
  const client = new AutomedClient(address, timeoutSeconds * 1000);
  try {
    return await work(client, address);
  } catch (error) {
    // What grpc-js says of a refused connection is about its resolver.
    if (!(error instanceof DeviceError) || !/^(No connection established|Name resolution failed)/.test(error.message))
      throw error;
    throw automedError('DEVICE_UNAVAILABLE', `no gateway answers at ${address}`, { cause: error });
  } finally {
    client.close();
  }
}
