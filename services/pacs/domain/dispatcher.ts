// Deliveries: per destination one batch at a time, and none at all while it is away.

import type { Logger } from '../../common/logging';
import { policyOf, waitMs, type RetryPolicy } from './backoff';
import { failed, type Courier, type FailureClass, type NotStored, type Sent } from './delivery';
import { ourFault } from './failures';
import type { Destination, Site } from '../../pacs-site/schema';
import type { Failure, LeasedDelivery, Verdict } from './work';

export interface OutboxPort {
  dueDestinations(): string[];
  claim(destination: string, most: number, leaseMs: number): LeasedDelivery[];
  delivered(delivery: LeasedDelivery): void;
  fail(delivery: LeasedDelivery, failure: Failure, verdict: Verdict): void;
}

export interface DispatcherDeps {
  site: () => Site;
  outbox: OutboxPort;
  courier: (destination: Destination) => Courier;
  /** Of a file below the outbox. */
  path: (file: string) => string;
  /** Makes what goes to a destination instead of an object that it does not take; see Substitutes. */
  replace: (
    delivery: LeasedDelivery,
    name: string,
    destination: Destination,
    why: Failure,
  ) => Promise<Sent | undefined>;
  log: Logger;
  onDelivery?: (
    state: 'done' | 'again' | 'dead' | 'replaced',
    destination: string,
    code: string,
    kind?: FailureClass,
  ) => void;
}

/** Objects that go over one association. */
const BATCH = 20;
/** What looks like a refusal is given up after so many attempts. */
const SUSPECT_ATTEMPTS = 3;

interface Breaker {
  failures: number;
  /** Nothing is sent before, milliseconds of the monotonic clock. */
  until: number;
}

/** Objects of one encoding that a destination does not take. */
interface Refused {
  deliveries: [LeasedDelivery, ...LeasedDelivery[]];
  sent: NotStored;
}

/** Delivers results. */
export class Dispatcher {
  private readonly breakers = new Map<string, Breaker>();
  private readonly busy = new Map<string, Promise<void>>();

  constructor(private readonly deps: DispatcherDeps) {}

  /** Begins what is due at destinations that are free; resolves to whether anything was. */
  deliver(): Promise<boolean> {
    const free = this.deps.outbox.dueDestinations().filter((name) => {
      return !this.busy.has(name) && (this.breakers.get(name)?.until ?? 0) <= performance.now();
    });
    for (const name of free) {
      const sending = this.sendTo(name)
        .catch((error: unknown) => this.deps.log.error({ err: error, destination: name }, 'a delivery failed'))
        .finally(() => this.busy.delete(name));
      this.busy.set(name, sending);
    }
    return Promise.resolve(free.length > 0);
  }

  /** Resolves when nothing is on its way. */
  async idle(): Promise<void> {
    await Promise.all(this.busy.values());
  }

  /** Destinations to which nothing is sent for now. */
  get away(): string[] {
    return [...this.breakers].flatMap(([name, { until }]) => (until > performance.now() ? [name] : []));
  }

  private async sendTo(name: string): Promise<void> {
    const { site, outbox, courier, path, log } = this.deps;
    const { delivery, destinations } = site();
    const leaseMs = (delivery.timeout_seconds * (BATCH + 2) + 60) * 1000;
    const batch = outbox.claim(name, BATCH, leaseMs);
    if (batch.length === 0) return;
    log.debug({ event: 'delivery-begun', destination: name, objects: batch.length }, 'sending');
    const target = destinations[name];
    const outcomes = target
      ? await courier(target)
          .send(batch.map((each) => ({ ...each, path: path(each.file) })))
          .catch((error: unknown) => batch.map(() => ourFault(error)))
      : batch.map(() => failed('permanent', 'NO_DESTINATION', `No destination is called "${name}" any more.`));
    const policy = policyOf(delivery);
    this.watch(name, outcomes, policy);
    const refused = new Map<string, Refused>();
    for (const [at, each] of batch.entries()) {
      const sent = outcomes[at] as Sent;
      if (!target || sent.stored || sent.code !== 'NOT_SUPPORTED') {
        this.record(name, each, sent, policy);
        continue;
      }
      // One replacement stands for all objects of an encoding, such as the captures of a series.
      const key = `${each.job} ${each.kind}`;
      const known = refused.get(key);
      if (known) known.deliveries.push(each);
      else refused.set(key, { deliveries: [each], sent });
    }
    if (target) for (const each of refused.values()) await this.replace(name, target, each, policy);
  }

  private async replace(
    name: string,
    target: Destination,
    { deliveries, sent }: Refused,
    policy: RetryPolicy,
  ): Promise<void> {
    const failure = await this.deps.replace(deliveries[0], name, target, sent).catch(ourFault);
    for (const each of deliveries) {
      if (failure) {
        this.record(name, each, failure, policy);
        continue;
      }
      const { number, kind, attempts } = each;
      const fields = { delivery: number, destination: name, kind, attempts, code: sent.code };
      this.deps.log.info({ event: 'delivery-replaced', ...fields }, 'goes in another encoding');
      this.deps.onDelivery?.('replaced', name, sent.code);
    }
  }

  private record(destination: string, delivery: LeasedDelivery, sent: Sent, policy: RetryPolicy): void {
    const { outbox, log, onDelivery } = this.deps;
    const fields = { delivery: delivery.number, destination, kind: delivery.kind, attempts: delivery.attempts };
    if (sent.stored) {
      outbox.delivered(delivery);
      log.info({ event: 'delivered', ...fields }, 'delivered');
      onDelivery?.('done', destination, '');
      return;
    }
    const { code, message, cause } = sent;
    if (code === 'INTERNAL') log.error({ ...fields, err: cause }, 'a delivery failed');
    const verdict = this.verdict(destination, delivery, sent, policy);
    const again = verdict !== 'dead';
    outbox.fail(delivery, { code, message }, verdict);
    log.warn({ event: again ? 'delivery-again' : 'delivery-dead', ...fields, code }, message);
    onDelivery?.(again ? 'again' : 'dead', destination, code, sent.class);
  }

  private verdict(destination: string, { attempts }: LeasedDelivery, sent: NotStored, policy: RetryPolicy): Verdict {
    if (sent.class === 'away') {
      return { again: waitMs(policy, this.breakers.get(destination)?.failures ?? 1), uncounted: true };
    }
    const most = sent.class === 'suspect' ? Math.min(SUSPECT_ATTEMPTS, policy.attempts) : policy.attempts;
    return sent.class !== 'permanent' && attempts < most ? { again: waitMs(policy, attempts) } : 'dead';
  }

  /** One that does not answer is left alone for longer and longer: what waits for it uses up no attempts meanwhile. */
  private watch(name: string, outcomes: readonly Sent[], policy: RetryPolicy): void {
    const isAway = outcomes.every((sent) => !sent.stored && (sent.class === 'away' || sent.code === 'TIMEOUT'));
    if (!isAway) {
      this.breakers.delete(name);
      return;
    }
    const failures = (this.breakers.get(name)?.failures ?? 0) + 1;
    this.breakers.set(name, { failures, until: performance.now() + waitMs(policy, failures) });
  }
}
