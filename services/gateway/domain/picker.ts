import { excerpt } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import { findRule, type Backend, type Routes, type Rule } from './routes';

/** Spreads the calls of each rule over its healthy backends, in proportion to their weights. */
export class Picker {
  private readonly credits = new Map<Rule, Map<string, number>>();

  constructor(
    private readonly routes: Routes,
    private readonly isHealthy: (address: string, service: string) => boolean,
  ) {}

  /**
   * @param avoid backends that are taken only when there is no other
   * @throws NotFoundError without a rule, UnavailableError without a healthy backend
   */
  pick(service: string, model: string, avoid: (address: string) => boolean = () => false): string {
    const rule = findRule(this.routes, service, model);
    const subject = model === '' ? service : `${service} with the model '${excerpt(model)}'`;
    if (!rule) throw automedError('NOT_FOUND', `No route leads to ${subject}.`, { field: 'model' });
    const healthy = rule.backends.filter(({ address, weight }) => weight > 0 && this.isHealthy(address, service));
    if (healthy.length === 0) {
      const text = `No backend for ${subject} is healthy at the moment; try again.`;
      throw automedError('SERVICE_UNAVAILABLE', text, { retryAfterMs: 1_000 });
    }
    const wanted = healthy.filter(({ address }) => !avoid(address));
    return this.next(rule, wanted.length > 0 ? wanted : healthy);
  }

  /** Smooth weighted round robin: each call every backend earns its weight, and the richest pays for the call. */
  private next(rule: Rule, healthy: readonly Backend[]): string {
    const credits = this.credits.get(rule) ?? new Map<string, number>();
    this.credits.set(rule, credits);
    let best: Backend | undefined;
    let total = 0;
    for (const backend of healthy) {
      total += backend.weight;
      credits.set(backend.address, (credits.get(backend.address) ?? 0) + backend.weight);
      if (!best || (credits.get(backend.address) ?? 0) > (credits.get(best.address) ?? 0)) best = backend;
    }
    const { address } = best as Backend;
    credits.set(address, (credits.get(address) ?? 0) - total);
    return address;
  }
}
