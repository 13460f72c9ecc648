// Where a command's calls go. One rule for all: the gateway that is named, else the running server of the store, else services
// that are started for the command and stopped after it.

import { resolve } from 'node:path';
import { automedError, UnavailableError } from '../../common/errors';
import { requireStore } from '../../store';
import { AutomedClient } from '../../client';
import { loadConfig } from './config';
import { CliError } from './errors';
import { ANY_PORT, INFERENCE_ROLES, type Role } from '../../stack/programs';
import { runningServer } from '../../stack/running-server';
import { StackError } from '../../stack/service-process';
import { Stack } from '../../stack/stack';

/** Options of every command that talks to a gateway. */
export interface ConnectOptions {
  /** `host:port` of a running gateway; absent: that of the store's server, else a stack of our own. */
  address?: string | undefined;
  /** The store whose server is looked for, and of our own stack. */
  home?: string | undefined;
  /** Seconds that one call may take. */
  timeout?: number | undefined;
}

interface Need {
  roles: readonly Role[];
  /** A store that is not there is made; else it is an error, as a mistyped folder holds nothing. */
  creates?: boolean;
  /** A training service of our own only answers: what is queued waits for one that stays. */
  idle?: boolean;
}

/** Where a command's calls go. */
export interface Connection {
  address: string;
  /** Whether the services end with the command. */
  own: boolean;
}

const DEFAULT_TIMEOUT_SECONDS = 120;

/** The gateway that is named, else that of the running server of the store. */
async function serverFor({ address, home }: ConnectOptions, roles: readonly Role[]): Promise<string | undefined> {
  const config = loadConfig();
  const named = address ?? (config.gateway === '' ? undefined : config.gateway);
  return named ?? (await runningServer(home ?? config.home, roles))?.address;
}

/** Whether the calls of a command go to a server that outlives it. */
export async function hasServer(options: ConnectOptions, roles: readonly Role[]): Promise<boolean> {
  return (await serverFor(options, roles)) !== undefined;
}

async function connected<T>(
  options: ConnectOptions,
  { roles, idle = false, creates = false }: Need,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const config = loadConfig();
  const home = options.home ?? config.home;
  const address = await serverFor(options, roles);
  if (address !== undefined) return answered({ address, own: false }, work);
  if (!creates) await requireStore(resolve(home));
  const stack = await Stack.start({
    home,
    processes: [roles],
    address: ANY_PORT,
    insecure: false,
    idle,
    startTimeoutMs: config.startTimeoutMs,
    say: (line) => process.stderr.write(`automed: ${line}\n`),
  }).catch((error: unknown) => {
    const held = error instanceof StackError && error.message.includes('another training service');
    throw held
      ? new CliError(`another training service works on the store ${home}; name its gateway with --address HOST:PORT`)
      : error;
  });
  try {
    return await answered({ address: stack.address, own: true }, work);
  } finally {
    await stack.stop();
  }
}

/** Runs `work` with a client of a gateway that leads to these roles. */
export async function withClient<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, address: string) => Promise<T>,
  roles: readonly Role[] = INFERENCE_ROLES,
): Promise<T> {
  return connected(options, { roles }, ({ address }) => closing(address, options, (client) => work(client, address)));
}

/** Whether the services of our own run what is queued. */
export interface QueueUse {
  /** The command waits for what is queued. */
  waits?: boolean;
  /** It may be the first one of its store. */
  creates?: boolean;
}

/** Runs `work` with a client of a gateway that leads to a training service. */
export async function withTraining<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, connection: Connection) => Promise<T>,
  { waits = false, creates = false }: QueueUse = {},
): Promise<T> {
  return connected(options, { roles: ['training'], idle: !waits, creates }, (connection) =>
    closing(connection.address, options, (client) => work(client, connection)),
  );
}

async function closing<T>(
  address: string,
  { timeout = DEFAULT_TIMEOUT_SECONDS }: ConnectOptions,
  work: (client: AutomedClient) => Promise<T>,
): Promise<T> {
  const client = new AutomedClient(address, { timeoutMs: timeout * 1000 });
  try {
    return await work(client);
  } finally {
    client.close();
  }
}

async function answered<T>(connection: Connection, work: (connection: Connection) => Promise<T>): Promise<T> {
  try {
    return await work(connection);
  } catch (error) {
    // What grpc-js says of a refused connection is about its resolver.
    if (
      !(error instanceof UnavailableError) ||
      !/^(No connection established|Name resolution failed)/.test(error.message)
    )
      throw error;
    throw automedError('SERVICE_UNAVAILABLE', `no gateway answers at ${connection.address}`, { cause: error });
  }
}
