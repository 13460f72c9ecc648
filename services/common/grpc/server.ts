import type { Http2Server, ServerHttp2Session } from 'node:http2';
import { Server, ServerCredentials, type ServerOptions } from '@grpc/grpc-js';
import type { Logger } from '../logging';
import type { Telemetry } from '../telemetry';
import { afterMs, MAX_TIMER_MS, type Alarm } from '../timers';
import { removeStaleSocket } from '../unix-socket';
import { parseAddress, withPort } from '../address';
import { EnumFields } from './enum-fields';
import { heartbeats, streamsWithHeartbeat } from './heartbeats';
import { boundHeaders } from './incoming-headers';
import { tolerant, type ServiceRegistration } from './handlers';
import { Health, LIVENESS_NAME } from './health';
import { admitCalls, type CallAdmission } from './admit';
import { serverCredentials, type TlsFiles } from './tls';
import { observeCalls } from './observe';
import { protoRoot } from './proto';
import { compiledDescriptors, Descriptors, reflection } from './reflection';

/** The part of a program's configuration that concerns its gRPC server. */
export interface RpcServerConfig {
  address: string;
  /** Where health alone is answered too, in the clear; `off` or absent: nowhere. */
  healthAddress?: string;
  /** Certificate and key of the server, and authorities of clients' certificates (`caFile`), which it then asks for. */
  tls?: TlsFiles;
  maxMessageBytes: number;
  flowControlWindowBytes: number;
  maxConcurrentStreams: number;
  maxConnectionAgeMs: number;
  maxConnectionAgeGraceMs: number;
  /** Between two signs of life of a stream, milliseconds. */
  streamHeartbeatMs: number;
}

/** What a server has besides its services. */
export interface ServerExtras {
  /** Refuses calls that could not be answered in time; absent: none. */
  admission?: CallAdmission | undefined;
}

/** A gRPC server with health and reflection, whose every call is logged and counted. */
export class RpcServer {
  private readonly server: Server;
  private probed: Server | undefined;

  constructor(
    private readonly config: RpcServerConfig,
    private readonly log: Logger,
    telemetry: Telemetry,
    services: readonly ServiceRegistration[],
    readonly health = new Health(),
    { admission }: ServerExtras = {},
  ) {
    const options: ServerOptions = {
      'grpc.max_receive_message_length': config.maxMessageBytes,
      'grpc.max_send_message_length': config.maxMessageBytes,
      'grpc.max_concurrent_streams': config.maxConcurrentStreams,
      'grpc.max_connection_age_ms': ageLimit(config.maxConnectionAgeMs),
      'grpc.max_connection_age_grace_ms': ageLimit(config.maxConnectionAgeGraceMs),
      // The first is the outermost: what others refuse is logged and counted, too.
      interceptors: [
        observeCalls(log, telemetry),
        ...(admission ? [admitCalls(admission, log)] : []),
        heartbeats(config.streamHeartbeatMs, streamsWithHeartbeat(services.map(({ definition }) => definition))),
      ],
    };
    this.server = new Server(options);
    prepareConnections(this.server, config.flowControlWindowBytes);
    const names = services.map(({ name }) => name);
    const compiled = compiledDescriptors(protoRoot());
    const all = [...services, health.registration(), ...reflection(new Descriptors(compiled), names, log)];
    const enums = new EnumFields(compiled);
    for (const { definition, implementation } of all) {
      this.server.addService(tolerant(definition, enums), implementation);
    }
    // A program that knows better, as the gateway does of its backends, has said so before.
    for (const name of ['', ...names]) {
      if (health.get(name) === 'SERVICE_UNKNOWN') health.set(name, 'SERVING');
    }
  }

  /** Binds and accepts; resolves to the bound address. */
  async listen(): Promise<string> {
    const { address, healthAddress = 'off' } = this.config;
    if (healthAddress !== 'off') {
      this.probed = await answerProbes(healthAddress, this.health);
    }
    const onProblem = (err: Error): void =>
      this.log.error({ event: 'tls-files', err }, 'certificates changed and do not hold; the ones before are used');
    return bind(this.server, address, serverCredentials(this.config.tls ?? {}, { onProblem }));
  }

  /** Health to NOT_SERVING, no new calls; calls in flight finish, or are cut after the timeout. */
  async drain(timeoutMs: number): Promise<void> {
    this.health.close();
    let alarm: Alarm | undefined;
    const late = new Promise<'late'>((resolve) => {
      alarm = afterMs(timeoutMs, () => resolve('late'));
    });
    const done = new Promise<'done'>((resolve, reject) =>
      this.server.tryShutdown((error) => (error ? reject(error) : resolve('done'))),
    );
    if ((await Promise.race([done, late])) === 'late') this.server.forceShutdown();
    alarm?.cancel();
    this.probed?.forceShutdown();
  }
}

/** Serves health alone, in the clear, where probes ask: alive from now on, ready when `health` says so. */
export async function answerProbes(address: string, health: Health): Promise<Server> {
  health.set(LIVENESS_NAME, 'SERVING');
  const server = new Server();
  const { definition, implementation } = health.registration();
  server.addService(tolerant(definition), implementation);
  await bind(server, address);
  return server;
}

async function bind(server: Server, address: string, how = ServerCredentials.createInsecure()): Promise<string> {
  const { socketPath } = parseAddress(address);
  const target = socketPath === undefined ? address : `unix:${socketPath}`;
  try {
    if (socketPath !== undefined) await removeStaleSocket(socketPath);
    const port = await new Promise<number>((resolve, reject) =>
      server.bindAsync(target, how, (error, bound) => (error ? reject(error) : resolve(bound))),
    );
    return withPort(address, port);
  } catch (error) {
    throw new Error(`Cannot listen on ${address}: ${(error as Error).message}`, { cause: error });
  }
}

/** grpc-js adds up to a tenth at random, and takes this number, not a larger one, for no limit. */
function ageLimit(ms: number): number {
  return ms * 1.1 > MAX_TIMER_MS ? MAX_TIMER_MS : ms;
}

interface ServerInternals {
  commonServerOptions?: { settings?: Record<string, number> };
  createHttp2Server?: (credentials: ServerCredentials) => Http2Server;
}

/**
 * grpc-js honours `grpc-node.flow_control_window` in clients only; its server grants 64 KB, which caps an upload at 64 KB
 * per round trip. This reaches into private members, so a test reads the SETTINGS that a peer receives, and a grpc-js
 * without those members fails here instead of becoming slow. Headers are bounded before grpc-js reads them.
 */
export function prepareConnections(server: Server, bytes: number): void {
  const internals = server as unknown as ServerInternals;
  const create = internals.createHttp2Server?.bind(server);
  if (!create || !internals.commonServerOptions) throw new Error('this grpc-js has no known way to set the window');
  internals.commonServerOptions.settings = { ...internals.commonServerOptions.settings, initialWindowSize: bytes };
  internals.createHttp2Server = (credentials) => {
    const http2 = create(credentials);
    http2.prependListener('stream', (_stream, headers) => boundHeaders(headers));
    http2.on('session', (session: ServerHttp2Session) => session.setLocalWindowSize(bytes * 4));
    return http2;
  };
}
