import { lookup } from 'node:dns/promises';
import { parseAddress, withPort } from '../../common/address';
import type { ServingStatus } from '../../common/grpc/health';
import { afterMs, type Alarm } from '../../common/timers';
import { DNS_SCHEME } from '../domain/routes';
import { ownerOf } from '../domain/sticky';
import { BackendChannel, type BackendConfig } from './backend';

export interface DnsOptions {
  /** Addresses of a host; default: what the system's resolver says. */
  resolve?: (host: string) => Promise<string[]>;
  /** Between two questions, milliseconds. */
  refreshMs?: number;
}

const REFRESH_MS = 5_000;
/** Calls under way on a member that the name no longer leads to get so long, milliseconds. */
const LINGER_MS = 10 * 60_000;

/**
 * The members behind a name, each with its own channel and health: grpc-js' own balancing would spread calls over all that it
 * resolved once, whatever their health, and look again only when a connection ends. Members that serve take turns.
 */
export class DnsGroup {
  private readonly members = new Map<string, BackendChannel>();
  private readonly leaving = new Map<BackendChannel, Alarm>();
  private readonly resolve: (host: string) => Promise<string[]>;
  private readonly refreshMs: number;
  private readonly host: string;
  private alarm: Alarm | undefined;
  private resolved = false;
  private closed = false;
  private turn = 0;

  constructor(
    readonly address: string,
    private readonly services: readonly string[],
    private readonly config: BackendConfig,
    private readonly onChange: () => void,
    { resolve = systemAddresses, refreshMs = REFRESH_MS }: DnsOptions = {},
  ) {
    this.host = parseAddress(address.slice(DNS_SCHEME.length)).host;
    this.resolve = resolve;
    this.refreshMs = refreshMs;
    void this.refresh();
  }

  /** Whether the name was looked up, and every member has told its health or failed to. */
  get isKnown(): boolean {
    return this.resolved && [...this.members.values()].every((member) => member.isKnown);
  }

  isHealthy(service: string): boolean {
    return [...this.members.values()].some((member) => member.isHealthy(service));
  }

  /** Whether there are members, and all of them are well and do not have the service. */
  lacks(service: string): boolean {
    const members = [...this.members.values()];
    return members.length > 0 && members.every((member) => member.lacks(service));
  }

  /** The members of now. */
  all(): BackendChannel[] {
    return [...this.members.values()];
  }

  /** Addresses of the members that serve. */
  healthy(service: string): string[] {
    return [...this.members.values()].filter((member) => member.isHealthy(service)).map(({ address }) => address);
  }

  /** The next member that serves and is not to be avoided; one that is, or does not, when there is no other. */
  channel(
    service: string,
    avoid: (address: string) => boolean = () => false,
    key?: string,
  ): BackendChannel | undefined {
    const all = [...this.members.values()];
    const healthy = all.filter((member) => member.isHealthy(service));
    const wanted = healthy.filter(({ address }) => !avoid(address));
    const from = [wanted, healthy, all].find(({ length }) => length > 0) ?? [];
    if (key !== undefined)
      return ownerOf(
        from.map((member) => ({ member, weight: 1 })),
        ({ member }) => member.address,
        key,
      )?.member;
    this.turn = (this.turn + 1) % Math.max(1, from.length);
    return from[this.turn];
  }

  async check(name: string): Promise<ServingStatus> {
    return bestOf(await Promise.all([...this.members.values()].map((member) => member.check(name))));
  }

  close(): void {
    this.closed = true;
    this.alarm?.cancel();
    for (const alarm of this.leaving.values()) alarm.cancel();
    for (const member of [...this.members.values(), ...this.leaving.keys()]) member.close();
  }

  /** Looks the name up, again after each pause. A name that cannot be looked up keeps the members that it had. */
  private async refresh(): Promise<void> {
    const found = await this.resolve(this.host).catch((): string[] => []);
    if (this.closed) return;
    if (found.length > 0) this.update(new Set(found));
    this.resolved = true;
    this.onChange();
    this.alarm = afterMs(this.refreshMs, () => void this.refresh());
  }

  private update(addresses: ReadonlySet<string>): void {
    const port = parseAddress(this.address.slice(DNS_SCHEME.length)).port;
    for (const [address, member] of this.members) {
      if (addresses.has(address)) continue;
      this.members.delete(address);
      const alarm = afterMs(LINGER_MS, () => {
        this.leaving.delete(member);
        member.close();
      });
      this.leaving.set(member, alarm);
    }
    for (const address of addresses) {
      if (this.members.has(address)) continue;
      const target = withPort(address.includes(':') ? `[${address}]:0` : `${address}:0`, port);
      // Certificates name the host, not its addresses.
      const config = { ...this.config, certificateName: this.host };
      this.members.set(address, new BackendChannel(target, this.services, config, this.onChange));
    }
  }
}

async function systemAddresses(host: string): Promise<string[]> {
  return (await lookup(host, { all: true })).map(({ address }) => address);
}

/** What several say of one name. */
export function bestOf(answers: readonly ServingStatus[]): ServingStatus {
  return (
    answers.find((status) => status === 'SERVING') ??
    answers.find((status) => status === 'NOT_SERVING') ??
    'SERVICE_UNKNOWN'
  );
}
