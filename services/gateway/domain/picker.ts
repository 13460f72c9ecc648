import { excerpt } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import { findRule, type Backend, type Routes, type Rule } from './routes';
import { ownerOf, partOf, uniformOf } from './sticky';

/** What a call asks for. */
export interface Asked {
  service: string;
  model: string;
  /** Calls with the same key go the same way. */
  key?: string | undefined;
  /** The request names no model, or changes something: it goes on as it is, and no split holds for it. */
  unchanged?: boolean | undefined;
}

/** Which way a call goes; the backend is chosen for each attempt. */
export interface Plan {
  asked: Asked;
  /** What the backend is asked for. */
  model: string;
  backends: readonly Backend[];
  rule: Rule;
  /** The way of a split that is tried where this one fails. */
  fallback?: Plan;
}

type Avoid = (address: string) => boolean;

/** Decides by the routes which way calls go, and spreads them over healthy backends, in proportion to their weights. */
export class Picker {
  private readonly credits = new Map<unknown, Map<string, number>>();

  constructor(
    private readonly routes: Routes,
    private readonly isHealthy: (address: string, service: string) => boolean,
    /** Whether a backend is well and does not have the service. */
    private readonly lacks: (address: string, service: string) => boolean = () => false,
  ) {}

  /** @throws NotFoundError without a rule */
  plan(asked: Asked): Plan {
    const rule = findRule(this.routes, asked.service, asked.model);
    if (!rule) throw automedError('NOT_FOUND', `No route leads to ${subjectOf(asked)}.`, { field: 'model' });
    const { split, backends } = rule;
    if (!split || asked.unchanged) return { asked, model: asked.model, backends, rule };
    const way = (part: (typeof split)[number]): Plan => ({
      asked,
      model: part.model,
      backends: part.backends ?? backends,
      rule,
    });
    // A part that nobody serves just now leaves its calls to the others.
    const serving = split.filter((part) => part.weight > 0 && this.serving(way(part)).length > 0);
    const among = serving.length > 0 ? serving : split;
    const part =
      asked.key === undefined ? this.next(split, among, ({ model }) => model) : sticky(split, among, asked.key);
    const [current] = split;
    if (!current || part === current) return way(part);
    return { ...way(part), fallback: way(current) };
  }

  /**
   * The address for one attempt.
   * @param avoid backends that are taken only when there is no other
   * @throws UnavailableError without a healthy backend, NotFoundError where a rule for all services leads to backends that lack this one
   */
  pick(plan: Plan, avoid: Avoid = () => false): string {
    const healthy = this.serving(plan);
    if (healthy.length === 0) {
      const { asked, backends, rule } = plan;
      if (rule.service === '*' && backends.every(({ address }) => this.lacks(address, asked.service)))
        throw automedError('NOT_FOUND', `No backend offers ${asked.service}.`);
      const text = `No backend for ${subjectOf(plan.asked)} is healthy at the moment; try again.`;
      throw automedError('SERVICE_UNAVAILABLE', text, { retryAfterMs: 1_000 });
    }
    const wanted = healthy.filter(({ address }) => !avoid(address));
    const among = wanted.length > 0 ? wanted : healthy;
    const { key } = plan.asked;
    const owner = key === undefined ? undefined : ownerOf(among, ({ address }) => address, key);
    return (owner ?? this.next(plan.backends, among, ({ address }) => address)).address;
  }

  private serving({ asked, backends }: Plan): Backend[] {
    return backends.filter(({ address, weight }) => weight > 0 && this.isHealthy(address, asked.service));
  }

  /** Smooth weighted round robin: each call every choice earns its weight, and the richest pays for the call. */
  private next<C extends { weight: number }>(whole: readonly C[], among: readonly C[], name: (each: C) => string): C {
    const credits = this.credits.get(whole) ?? new Map<string, number>();
    this.credits.set(whole, credits);
    let best: C | undefined;
    let total = 0;
    for (const each of among) {
      total += each.weight;
      credits.set(name(each), (credits.get(name(each)) ?? 0) + each.weight);
      if (!best || (credits.get(name(each)) ?? 0) > (credits.get(name(best)) ?? 0)) best = each;
    }
    if (!best) throw new Error('a choice among nothing');
    credits.set(name(best), (credits.get(name(best)) ?? 0) - total);
    return best;
  }
}

/** By the whole split, so that a part that is away moves only its own keys. */
function sticky<P extends { weight: number; model: string }>(split: readonly P[], among: readonly P[], key: string): P {
  const part = partOf(split, uniformOf(key));
  if (part && among.includes(part)) return part;
  const other = partOf(among, uniformOf(key, 'away'));
  if (!other) throw new Error('a choice among nothing');
  return other;
}

function subjectOf({ service, model }: Asked): string {
  return model === '' ? service : `${service} with the model '${excerpt(model)}'`;
}
