import { status as Code, type sendUnaryData, type ServerWritableStream, type ServiceDefinition } from '@grpc/grpc-js';
import { service } from 'grpc-health-check';
import { excerpt } from '../bounded-text';
import type { ServiceRegistration } from './handlers';
import { sleepMs } from '../timers';

export type ServingStatus = 'SERVING' | 'NOT_SERVING' | 'SERVICE_UNKNOWN';

export const HEALTH_SERVICE = 'grpc.health.v1.Health';
export const healthDefinition = service as unknown as ServiceDefinition;

/** A name that is SERVING for as long as the program answers: what serves it may not be ready, and a restart would not help. */
export const LIVENESS_NAME = 'liveness';

const FOLLOW_PAUSE_MS = 1_000;

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
  /** What was last told of names that are watched and not set here; undefined before the first answer. */
  private readonly followed = new Map<string, { told: ServingStatus | undefined }>();
  private closed = false;

  /**
   * @param elsewhere asked for names that are not set here, e.g. by the gateway for models of its backends; for as long as such
   * a name is watched, again after each pause
   * @param pauseMs between two questions for one name that is watched, milliseconds
   */
  constructor(
    private readonly elsewhere?: (name: string) => Promise<ServingStatus>,
    private readonly pauseMs = FOLLOW_PAUSE_MS,
  ) {}

  set(name: string, status: ServingStatus): void {
    if (this.closed || this.get(name) === status) return;
    if (status === 'SERVICE_UNKNOWN') this.statuses.delete(name);
    else this.statuses.set(name, status);
    const followed = this.followed.get(name);
    if (followed) followed.told = status;
    this.tell(name, status);
  }

  get(name: string): ServingStatus {
    return this.statuses.get(name) ?? 'SERVICE_UNKNOWN';
  }

  /** Everything but LIVENESS_NAME NOT_SERVING, for good; watchers are told, then their streams end. */
  close(): void {
    for (const name of this.statuses.keys()) if (name !== LIVENESS_NAME) this.set(name, 'NOT_SERVING');
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
    if (known !== 'SERVICE_UNKNOWN' || this.closed || !this.elsewhere) return known;
    return this.elsewhere(name).catch((): ServingStatus => 'SERVICE_UNKNOWN');
  }

  private watch(call: Watch): void {
    const name = call.request.service;
    const known = this.get(name);
    const elsewhere = known === 'SERVICE_UNKNOWN' && this.elsewhere !== undefined && !this.closed;
    const status = elsewhere ? this.followed.get(name)?.told : known;
    if (status !== undefined) call.write({ status });
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
    if (elsewhere && !this.followed.has(name)) void this.follow(name);
  }

  /** Tells those who watch a name what check() answers for it, until none is left. */
  private async follow(name: string): Promise<void> {
    const state: { told: ServingStatus | undefined } = { told: undefined };
    this.followed.set(name, state);
    while (!this.closed && this.watches.has(name)) {
      const status = await this.lookUp(name);
      if (status !== state.told) this.tell(name, status);
      state.told = status;
      await sleepMs(this.pauseMs, { unref: true });
    }
    this.followed.delete(name);
  }

  private tell(name: string, status: ServingStatus): void {
    for (const watch of this.watches.get(name) ?? []) watch.write({ status });
  }
}
