import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Metadata, status as Code, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { channelOptions, type ClientConfig } from '../../common/grpc/client';
import { healthDefinition, type ServingStatus } from '../../common/grpc/health';
import { channelCredentials, type TlsFiles } from '../../common/grpc/tls';
import { Liveness, PAUSE_MS, SILENCE_MS } from './liveness';
import { afterMs, type Alarm } from '../../common/timers';

export interface BackendConfig extends ClientConfig {
  /** TLS with the backends; absent: plain text. */
  backendTls?: TlsFiles;
  /** Host that their certificates name; absent: that of the address. */
  certificateName?: string;
}

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;
/** Between two pings of a connection. */
const PING_MS = 1_000;
/** Later than Liveness finds any silence: while the backend counts as alive, its connection must not end under its calls. */
const PING_TIMEOUT_MS = PAUSE_MS + SILENCE_MS + 500;

/**
 * One address: its channel, and what grpc.health.v1 Watch says of each service there. grpc-js' own balancing ignores
 * health, so the gateway watches for itself. An address that has no health service counts as healthy while it answers.
 * A watch stays open when its process freezes: what it said counts only while the backend answers questions (Liveness).
 */
export class BackendChannel {
  readonly client: Client;
  private readonly statuses = new Map<string, ServingStatus>();
  private readonly watches = new Map<string, ClientReadableStream<unknown>>();
  private readonly alarms = new Set<Alarm>();
  private readonly liveness: Liveness;
  private closed = false;

  constructor(
    readonly address: string,
    services: readonly string[],
    config: BackendConfig,
    private readonly onChange: () => void,
  ) {
    const serviceConfig = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
    const { backendTls = {}, certificateName } = config;
    this.client = new Client(address, channelCredentials(backendTls), {
      ...channelOptions(config),
      'grpc.service_config': serviceConfig,
      ...(certificateName === undefined ? {} : { 'grpc.ssl_target_name_override': certificateName }),
      'grpc.initial_reconnect_backoff_ms': FIRST_RETRY_MS,
      'grpc.max_reconnect_backoff_ms': LAST_RETRY_MS,
      // Ends a connection that nothing comes through any more, so that a new one can be made. A server that takes frequent
      // pings for abuse, as gRPC's C core does, forgives them while it answers calls: Liveness asks as often.
      'grpc.keepalive_time_ms': PING_MS,
      'grpc.keepalive_timeout_ms': PING_TIMEOUT_MS,
      // A channel of its own: shared subchannels would share another program's back-off.
      'grpc.use_local_subchannel_pool': 1,
    });
    this.liveness = new Liveness((timeoutMs) => this.answers(Date.now() + timeoutMs), onChange);
    for (const service of services) this.watch(service, FIRST_RETRY_MS);
  }

  /** Whether every service here has been heard of, for good or ill. */
  get isKnown(): boolean {
    return [...this.watches.keys()].every((service) => this.statuses.has(service));
  }

  isHealthy(service: string): boolean {
    return this.liveness.isAlive && this.statuses.get(service) === 'SERVING';
  }

  /** Whether it is well and does not have the service. */
  lacks(service: string): boolean {
    return this.liveness.isAlive && this.statuses.get(service) === 'SERVICE_UNKNOWN';
  }

  /** Aborts when the backend stops answering: calls that it was given end then. */
  get lost(): AbortSignal {
    return this.liveness.signal;
  }

  /** Asks once, for names that are not watched. */
  async check(name: string): Promise<ServingStatus> {
    if (!this.liveness.isAlive) return 'SERVICE_UNKNOWN';
    const answer = await this.ask(name, Date.now() + CHECK_TIMEOUT_MS);
    return 'status' in answer ? answer.status : 'SERVICE_UNKNOWN';
  }

  close(): void {
    this.closed = true;
    this.liveness.close();
    for (const alarm of this.alarms) alarm.cancel();
    for (const watch of this.watches.values()) watch.cancel();
    this.client.close();
  }

  /** Whether anything at all is answered until the deadline; a connection that ends meanwhile is made again. */
  private async answers(deadline: number): Promise<boolean> {
    while (!this.closed) {
      const answer = await this.ask('', deadline);
      if ('status' in answer || (answer.code !== Code.UNAVAILABLE && answer.code !== Code.DEADLINE_EXCEEDED))
        return true;
      if (Date.now() + FIRST_RETRY_MS >= deadline) return false;
      await sleep(FIRST_RETRY_MS);
    }
    return false;
  }

  private ask(name: string, deadline: number): Promise<{ status: ServingStatus } | ServiceError> {
    const { path, requestSerialize, responseDeserialize } = method('Check');
    const metadata = new Metadata({ waitForReady: true });
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: unknown): void =>
        resolve(error ?? (answer as { status: ServingStatus }));
      const request = { service: name };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, done);
    });
  }

  private watch(service: string, retryMs: number): void {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    const call = this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
    this.watches.set(service, call);
    let established = false;
    call.on('data', (answer: { status: ServingStatus }) => {
      established = true;
      this.liveness.heard();
      this.set(service, answer.status);
    });
    call.on('error', () => undefined); // `status` follows
    call.on('status', ({ code }) => {
      if (this.closed) return;
      // Connections end by age while their backend is well: ask again at once, and believe the worst only then.
      if (established) return this.rewatch(service, 0, FIRST_RETRY_MS);
      if (code === Code.UNIMPLEMENTED) {
        this.set(service, 'SERVING');
        return this.rewatch(service, LAST_RETRY_MS, LAST_RETRY_MS);
      }
      this.set(service, 'NOT_SERVING');
      this.rewatch(service, retryMs, Math.min(retryMs * 2, LAST_RETRY_MS));
    });
  }

  private rewatch(service: string, delayMs: number, nextRetryMs: number): void {
    const alarm = afterMs(delayMs, () => {
      this.alarms.delete(alarm);
      this.watch(service, nextRetryMs);
    });
    this.alarms.add(alarm);
  }

  private set(service: string, status: ServingStatus): void {
    if (this.statuses.get(service) === status) return;
    this.statuses.set(service, status);
    this.onChange();
  }
}

function method(name: string) {
  const found = healthDefinition[name];
  if (!found) throw new Error(`grpc.health.v1.Health has no ${name}`);
  return found;
}
