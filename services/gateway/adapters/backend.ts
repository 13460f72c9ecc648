import { Client, credentials, status as Code, type ClientReadableStream, type ServiceError } from '@grpc/grpc-js';
import { channelOptions, type ClientConfig } from '../../common/grpc/client';
import { healthDefinition, type ServingStatus } from '../../common/grpc/health';

const FIRST_RETRY_MS = 100;
const LAST_RETRY_MS = 2_000;
const CHECK_TIMEOUT_MS = 2_000;

/**
 * One address: its channel, and what grpc.health.v1 Watch says of each service there. grpc-js' own balancing ignores
 * health, so the gateway watches for itself. An address that has no health service counts as healthy while it answers.
 */
export class BackendChannel {
  readonly client: Client;
  private readonly statuses = new Map<string, ServingStatus>();
  private readonly watches = new Map<string, ClientReadableStream<unknown>>();
  private readonly timers = new Set<NodeJS.Timeout>();
  private closed = false;

  constructor(
    readonly address: string,
    services: readonly string[],
    config: ClientConfig,
    private readonly onChange: () => void,
  ) {
    const serviceConfig = JSON.stringify({ loadBalancingConfig: [{ round_robin: {} }] });
    this.client = new Client(address, credentials.createInsecure(), {
      ...channelOptions(config),
      'grpc.service_config': serviceConfig,
      'grpc.initial_reconnect_backoff_ms': FIRST_RETRY_MS,
      'grpc.max_reconnect_backoff_ms': LAST_RETRY_MS,
      // A channel of its own: shared subchannels would share another program's back-off.
      'grpc.use_local_subchannel_pool': 1,
    });
    for (const service of services) this.watch(service, FIRST_RETRY_MS);
  }

  /** Whether every service here has been heard of, for good or ill. */
  get isKnown(): boolean {
    return [...this.watches.keys()].every((service) => this.statuses.has(service));
  }

  isHealthy(service: string): boolean {
    return this.statuses.get(service) === 'SERVING';
  }

  /** Asks once, for names that are not watched. */
  check(name: string): Promise<ServingStatus> {
    const { path, requestSerialize, responseDeserialize } = method('Check');
    return new Promise((resolve) => {
      const done = (error: ServiceError | null, answer?: unknown): void =>
        resolve(error ? 'SERVICE_UNKNOWN' : (answer as { status: ServingStatus }).status);
      const options = { deadline: Date.now() + CHECK_TIMEOUT_MS };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, { service: name }, options, done);
    });
  }

  close(): void {
    this.closed = true;
    for (const timer of this.timers) clearTimeout(timer);
    for (const watch of this.watches.values()) watch.cancel();
    this.client.close();
  }

  private watch(service: string, retryMs: number): void {
    const { path, requestSerialize, responseDeserialize } = method('Watch');
    const call = this.client.makeServerStreamRequest(path, requestSerialize, responseDeserialize, { service });
    this.watches.set(service, call);
    let established = false;
    call.on('data', (answer: { status: ServingStatus }) => {
      established = true;
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

  private rewatch(service: string, afterMs: number, nextRetryMs: number): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      this.watch(service, nextRetryMs);
    }, afterMs);
    this.timers.add(timer);
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
