import { Client, credentials, Metadata, type Channel, type ServiceError } from '@grpc/grpc-js';
import { healthDefinition, type ServingStatus } from '../../common/grpc/health';
import { fromStatus } from '../../common/grpc/status';
import type { ClientOptions } from '../core/options';

const TIMEOUT_MS = 5_000;

/** Whether a program is ready, as `grpc.health.v1` says. */
export class HealthClient {
  private readonly client: Client;

  constructor(
    channel: Channel,
    private readonly options: ClientOptions,
  ) {
    this.client = new Client(channel.getTarget(), credentials.createInsecure(), { channelOverride: channel });
  }

  /**
   * @param name a service, or `automed.model/NAME@VERSION`; default: the whole program
   * @throws AutomedError when nobody answers, NotFoundError for a name that nobody knows
   */
  check(name = ''): Promise<ServingStatus> {
    const method = healthDefinition.Check;
    if (!method) throw new Error('grpc.health.v1.Health has no Check');
    const metadata = new Metadata();
    for (const [key, value] of Object.entries(this.options.metadata ?? {})) metadata.set(key, value);
    const { path, requestSerialize, responseDeserialize } = method;
    const deadline = Date.now() + TIMEOUT_MS;
    return new Promise((resolve, reject) => {
      const done = (error: ServiceError | null, answer?: unknown): void => {
        if (error) reject(fromStatus(error));
        else resolve((answer as { status: ServingStatus }).status);
      };
      const request = { service: name };
      this.client.makeUnaryRequest(path, requestSerialize, responseDeserialize, request, metadata, { deadline }, done);
    });
  }
}
