import { Client, credentials } from '@grpc/grpc-js';
import { healthDefinition, type ServingStatus } from '../common/grpc/health';

const TIMEOUT_MS = 2_000;

/** Asks the health of the program behind a socket; while nothing answers there, it is not serving. */
export class ChildHealth {
  private readonly client: Client;

  constructor(address: string) {
    this.client = new Client(address, credentials.createInsecure(), {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 500,
    });
  }

  check(service: string): Promise<ServingStatus> {
    const method = healthDefinition['Check'];
    if (!method) throw new Error('grpc.health.v1 has no Check');
    const { path, requestSerialize, responseDeserialize } = method;
    const deadline = Date.now() + TIMEOUT_MS;
    return new Promise((resolve) =>
      this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service },
        { deadline },
        (error, answer) => resolve(error ? 'NOT_SERVING' : (answer as { status: ServingStatus }).status),
      ),
    );
  }

  close(): void {
    this.client.close();
  }
}
