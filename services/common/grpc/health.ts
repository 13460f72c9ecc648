import { status as Code, type sendUnaryData, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { excerpt } from '../bounded-text';
import type { ServiceRegistration } from './handlers';

export type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';
export const healthDefinition = service as unknown as ServiceDefinition;

type Watch = ServerWritableStream<{ service: string }, { status: ServingStatus }>;

/** Name under which the health of a loaded model is told. */
export function modelHealthName(name: string, version: number): string {
  return `automed.model/${name}@${version}`;
}

/**
 * grpc.health.v1. The package's own implementation keeps Watch streams open for ever, and one open stream holds up a
 * graceful shutdown until its deadline; this one ends them.
 */
export class Health {
  private readonly statuses = new Map<string, ServingStatus>();
  private readonly watches = new Map<string, Set<Watch>>();
  private closed = false;

  /** @param elsewhere asked for names that are not set here, e.g. by the gateway for models of its backends */
  constructor(
    private readonly elsewhere: (name: string) => Promise<ServingStatus> = () => Promise.resolve('SERVICE_UNKNOWN'),
  ) {}

  set(name: string, status: ServingStatus): void {
    if (this.closed || this.get(name) === status) return;
    if (status === 'SERVICE_UNKNOWN') this.statuses.delete(name);
    else this.statuses.set(name, status);
    for (const watch of this.watches.get(name) ?? []) watch.write({ status });
  }

  get(name: string): ServingStatus {
    return this.statuses.get(name) ?? 'SERVICE_UNKNOWN';
  }

  /** Everything NOT_SERVING, for good; watchers are told, then their streams end. */
  close(): void {
    for (const name of this.statuses.keys()) this.set(name, 'NOT_SERVING');
    this.closed = true;
    for (const watches of this.watches.values()) for (const watch of watches) watch.end();
    this.watches.clear();
  }

  registration(): ServiceRegistration {
    return {
      name: HEALTH_SERVICE,
      definition: healthDefinition,
      implementation: {
        check: (call: { request: { service: string } }, callback: sendUnaryData<unknown>) => {
          const name = call.request.service;
          void this.lookUp(name).then((status) => {
            if (status !== 'SERVICE_UNKNOWN') callback(null, { status });
            else callback({ code: Code.NOT_FOUND, details: `No health is known under the name '${excerpt(name)}'.` });
          });
        },
        watch: (call: Watch) => this.watch(call),
        list: (_call: unknown, callback: sendUnaryData<unknown>) => {
          const statuses = Object.fromEntries([...this.statuses].map(([name, status]) => [name, { status }]));
          callback(null, { statuses });
        },
      },
    };
  }

  private async lookUp(name: string): Promise<ServingStatus> {
    const known = this.get(name);
    if (known !== 'SERVICE_UNKNOWN' || this.closed) return known;
    return this.elsewhere(name).catch((): ServingStatus => 'SERVICE_UNKNOWN');
  }

  private watch(call: Watch): void {
    const name = call.request.service;
    call.write({ status: this.get(name) });
    if (this.closed) {
      call.end();
      return;
    }
    const watches = this.watches.get(name) ?? new Set();
    this.watches.set(name, watches.add(call));
    call.on('cancelled', () => {
      watches.delete(call);
      if (watches.size === 0 && this.watches.get(name) === watches) this.watches.delete(name);
    });
  }
}
