import { Client, credentials } from '@grpc/grpc-js';
import { sleepMs } from '../timers';
import { healthDefinition, type ServingStatus } from './health';

const TIMEOUT_MS = 2_000;
const AGAIN_MS = 50;

/** Asks a program of this machine for its health, in plain text; while nothing answers there, it is not serving. */
export class HealthClient {
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

  /** Waits until the service is serving, at most so long. @returns whether it is */
  async serving(service: string, timeoutMs: number): Promise<boolean> {
    const end = Date.now() + timeoutMs;
    while ((await this.check(service)) !== 'SERVING') {
      if (Date.now() + AGAIN_MS > end) return false;
      await sleepMs(AGAIN_MS);
    }
    return true;
  }

  close(): void {
    this.client.close();
  }
}
