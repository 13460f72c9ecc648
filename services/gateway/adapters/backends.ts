import type { ServingStatus } from '../../common/grpc/health';
import { addressesOf, allAddresses, DNS_SCHEME, type Routes } from '../domain/routes';
import { BackendChannel, type BackendConfig } from './backend';
import { bestOf, DnsGroup, type DnsOptions } from './dns-group';
import { afterMs, type Alarm } from '../../common/timers';

export interface BackendState {
  /** As the routes name it. */
  backend: string;
  /** `host:port`; of a name one of those behind it. */
  member: string;
  service: string;
  serves: boolean;
}

/** Channels to every backend of the routes. */
export class Backends {
  private readonly channels = new Map<string, BackendChannel | DnsGroup>();
  private onKnown: () => void = () => undefined;

  /** @param onHealth called for each service whose health changed: whether some backend serves it */
  constructor(
    private readonly routes: Routes,
    private readonly services: readonly string[],
    config: BackendConfig,
    private readonly onHealth: (service: string, status: ServingStatus) => void,
    dns: DnsOptions = {},
  ) {
    for (const address of allAddresses(routes)) {
      const here = services.filter((service) => addressesOf(routes, service).includes(address));
      const tell = (): void => this.tellHealth();
      const channel = address.startsWith(DNS_SCHEME)
        ? new DnsGroup(address, here, config, tell, dns)
        : new BackendChannel(address, here, config, tell);
      this.channels.set(address, channel);
    }
    this.tellHealth();
  }

  /** Waits until every backend has told its health or failed to, at most so long: a first call must not find it unknown. */
  async known(timeoutMs: number): Promise<void> {
    if (this.isKnown()) return;
    let alarm: Alarm | undefined;
    await new Promise<void>((resolve) => {
      alarm = afterMs(timeoutMs, resolve);
      this.onKnown = resolve;
    });
    alarm?.cancel();
  }

  isHealthy(address: string, service: string): boolean {
    return this.channels.get(address)?.isHealthy(service) ?? false;
  }

  /** Whether what is there is well and does not have the service. */
  lacks(address: string, service: string): boolean {
    return this.channels.get(address)?.lacks(service) ?? false;
  }

  /**
   * The channel of an address, or of the next member behind its name, for one call.
   * @param avoid members that are taken only when there is no other
   * @param key calls with the same one go to the same member
   */
  channel(address: string, service: string, avoid?: (address: string) => boolean, key?: string): BackendChannel {
    const found = this.channels.get(address);
    const channel = found instanceof DnsGroup ? found.channel(service, avoid, key) : found;
    if (!channel) throw new Error(`no channel to ${address}`);
    return channel;
  }

  /** Whether some backend serves what the name stands for, e.g. `automed.model/polyp@3`. */
  async check(name: string): Promise<ServingStatus> {
    return bestOf(await Promise.all([...this.channels.values()].map((channel) => channel.check(name))));
  }

  /** Whether all that could answer there is to be avoided. */
  isAvoided(address: string, service: string, avoid: (address: string) => boolean): boolean {
    const found = this.channels.get(address);
    return found instanceof DnsGroup ? found.healthy(service).every(avoid) : avoid(address);
  }

  /** What every backend, or member behind a name, is for each service that leads there and that it has. */
  states(): BackendState[] {
    return this.services.flatMap((service) =>
      addressesOf(this.routes, service).flatMap((backend) => {
        const channel = this.channels.get(backend);
        const members = channel instanceof DnsGroup ? channel.all() : channel ? [channel] : [];
        const having = members.filter((member) => !member.lacks(service));
        return having.map((member) => ({
          backend,
          member: member.address,
          service,
          serves: member.isHealthy(service),
        }));
      }),
    );
  }

  close(): void {
    for (const channel of this.channels.values()) channel.close();
  }

  private isKnown(): boolean {
    return [...this.channels.values()].every((channel) => channel.isKnown);
  }

  private tellHealth(): void {
    if (this.isKnown()) this.onKnown();
    let any = false;
    for (const service of this.services) {
      const serving = addressesOf(this.routes, service).some((address) => this.isHealthy(address, service));
      any ||= serving;
      this.onHealth(service, serving ? 'SERVING' : 'NOT_SERVING');
    }
    this.onHealth('', any ? 'SERVING' : 'NOT_SERVING');
  }
}
