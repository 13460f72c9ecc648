// Where a command's calls go. One rule for all: the gateway that is named, else the running server of the store, else services
// that are started for the command and stopped after it.

import { join, resolve } from 'node:path';
import { automedError, InternalError, UnavailableError } from '../../common/errors';
import { tryLock, type FileLock } from '../../common/file-lock';
import { channelCredentials } from '../../common/grpc/tls';
import { sleepMs } from '../../common/timers';
import { requireConfiguredStore } from '../../store';
import { AutomedClient } from '../../client';
import { loadConfig } from './config';
import { CliError } from './errors';
import { ANY_PORT, INFERENCE_ROLES, requireBuilt, type Role, type TrainingUse } from '../../stack/programs';
import { advertise, runningServer } from '../../stack/running-server';
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
  /** How often a call is tried at most; absent: as often as the client does. */
  attempts?: number | undefined;
}

/** What a command needs of the services. */
export interface ServiceUse {
  /**
   * What of the queue services of our own run. `all`, `watched`: the command waits for work, and takes its turn when another
   * command works on the store. Default: nothing, what is queued waits for a server that stays.
   */
  runs?: TrainingUse['runs'] | undefined;
  /** LibTorch threads of a training service of our own. */
  threads?: number | undefined;
  /** A store that is not there is made; else it is an error, as a mistyped folder holds nothing. */
  creates?: boolean | undefined;
  /** Refuses before services of our own are started, which cost seconds, what they would refuse. */
  prepare?: ((home: string) => Promise<void>) | undefined;
  /** A named gateway will not do, as it may be another machine's. */
  local?: boolean | undefined;
  /** A server will do that ends with another command. */
  borrows?: boolean | undefined;
}

/** Where a command's calls go. */
export interface Connection {
  address: string;
  /** Whether the services end with the command, or with another one. */
  ends: boolean;
  /** Root of the store, where it is this machine's. */
  home: string | undefined;
  /** `host:port` of /metrics of its processes, as far as they are known. */
  metrics?: string[] | undefined;
}

const DEFAULT_TIMEOUT_SECONDS = 120;

/** Held in a store by the command whose services work there. */
const TURN_LOCK = '.command.lock';
const WAITING = 'another command works on this store; waiting for it (`automed serve` runs several)\n';
/** Between looks whether that command has ended. */
const TURN_MS = 500;

/** The gateway that is named, else that of the running server of the store. */
async function serverFor(
  { address, home }: ConnectOptions,
  roles: readonly Role[],
  local = false,
): Promise<Connection | undefined> {
  const config = loadConfig();
  const named = address ?? (config.gateway === '' ? undefined : config.gateway);
  if (named !== undefined && !local) return { address: named, ends: false, home: undefined };
  const store = resolve(home ?? config.home);
  const found = await runningServer(store, roles);
  return found && { address: found.address, ends: found.ends, home: store, metrics: found.metrics };
}

/** Runs `work` with a client of a gateway that runs already. @throws CliError when there is none */
export async function withServer<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, server: Connection) => Promise<T>,
): Promise<T> {
  const server = await serverFor(options, []);
  if (!server) throw new CliError('no server runs; `automed serve` starts one, or name a gateway with --address');
  return closing(server, options, (client) => work(client, server));
}

/** Whether the calls of a command go to a server that outlives it. */
export async function hasServer(options: ConnectOptions, roles: readonly Role[]): Promise<boolean> {
  const server = await serverFor(options, roles);
  return server?.ends === false;
}

/** A server to call, or the turn to start services of our own: one command at a time runs a training service on a store. */
async function serverOrTurn(
  options: ConnectOptions,
  home: string,
  roles: readonly Role[],
  { runs = 'nothing', borrows = runs === 'nothing', creates = false, prepare, local }: ServiceUse,
): Promise<{ server: Connection } | { turn: FileLock | undefined }> {
  for (let told = false; ;) {
    const server = await serverFor(options, roles, local);
    if (server && (borrows || !server.ends)) return { server };
    if (!creates) await requireConfiguredStore(home);
    if (!told) await prepare?.(home);
    if (!roles.includes('training')) return { turn: undefined };
    requireBuilt(roles);
    const turn = tryLock(join(home, TURN_LOCK));
    if (turn) return { turn };
    if (!told && !borrows) process.stderr.write(WAITING);
    told = true;
    await sleepMs(TURN_MS);
  }
}

/** Services of our own for one command. */
async function startOwn(home: string, roles: readonly Role[], use: ServiceUse): Promise<Stack> {
  let running = false;
  const { runs = 'nothing', threads } = use;
  const stack = await Stack.start({
    home,
    processes: [roles],
    address: ANY_PORT,
    own: true,
    insecure: false,
    training: { runs, threads },
    startTimeoutMs: loadConfig().startTimeoutMs,
    say: (line) => process.stderr.write(`automed: ${line}\n`),
    // Log lines are nobody's business here, but what a worker says to people is.
    log: (line) => {
      if (running && roles.includes('training') && !line.startsWith('{')) process.stderr.write(`${line}\n`);
    },
  }).catch((error: unknown) => {
    const held = error instanceof StackError && error.message.includes('another training service');
    throw held
      ? new CliError(`another training service works on the store ${home}; name its gateway with --address HOST:PORT`)
      : error;
  });
  running = true;
  return stack;
}

async function connected<T>(
  options: ConnectOptions,
  roles: readonly Role[],
  use: ServiceUse,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const home = resolve(options.home ?? loadConfig().home);
  const place = await serverOrTurn(options, home, roles, use);
  if ('server' in place) return answered(place.server, work);
  try {
    return await withOwn(home, roles, use, work);
  } finally {
    place.turn?.release();
  }
}

/** Runs `work` with services of our own, which other commands on the store may call meanwhile. */
async function withOwn<T>(
  home: string,
  roles: readonly Role[],
  use: ServiceUse,
  work: (connection: Connection) => Promise<T>,
): Promise<T> {
  const stack = await startOwn(home, roles, use);
  const { address } = stack;
  const found = roles.includes('training')
    ? await advertise(home, { address, roles: [...roles], ends: true })
    : undefined;
  try {
    return await answered({ address, ends: true, home }, work);
  } catch (error) {
    // It happened on this machine: its text is for the user, not for a server's log.
    throw error instanceof InternalError ? new CliError(error.message) : error;
  } finally {
    found?.withdraw();
    await stack.stop();
  }
}

/** Runs `work` with a client of a gateway that leads to these roles. */
export async function withClient<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, address: string) => Promise<T>,
  roles: readonly Role[] = INFERENCE_ROLES,
): Promise<T> {
  return connected(options, roles, {}, (connection) =>
    closing(connection, options, (client) => work(client, connection.address)),
  );
}

/** Runs `work` with a client of a gateway that leads to a training service. */
export async function withTraining<T>(
  options: ConnectOptions,
  work: (client: AutomedClient, connection: Connection) => Promise<T>,
  use: ServiceUse = {},
): Promise<T> {
  return connected(options, ['training'], use, (connection) =>
    closing(connection, options, (client) => work(client, connection)),
  );
}

async function closing<T>(
  { address, ends }: Connection,
  { timeout = DEFAULT_TIMEOUT_SECONDS, attempts }: ConnectOptions,
  work: (client: AutomedClient) => Promise<T>,
): Promise<T> {
  const { token, gatewayCaFile: caFile, gatewayCertFile: certFile, gatewayKeyFile: keyFile } = loadConfig();
  const client = new AutomedClient(address, {
    timeoutMs: timeout * 1000,
    attempts,
    // The gateway of a command, which ends with it, speaks in the clear.
    credentials: channelCredentials(ends ? {} : { caFile, certFile, keyFile }),
    ...(token === undefined ? {} : { metadata: { authorization: `Bearer ${token}` } }),
  });
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
