// Puts together what decides where calls go, and counts what it did.

import { Counter, Gauge, Histogram } from 'prom-client';
import type { Logger } from '../common/logging';
import type { Telemetry } from '../common/telemetry';
import { agreement } from './adapters/agreement';
import type { Backends } from './adapters/backends';
import { Ejection } from './domain/ejection';
import { Picker, type Plan } from './domain/picker';
import { sizeLimit, type Routes } from './domain/routes';
import { Saturation } from './domain/saturation';
import type { RoutingDeps } from './handlers/routing';
import { Shadow, type ShadowResult } from './handlers/shadow';

const AGREEMENT = [0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95, 0.98, 0.99, 1];
const SHADOW_SECONDS = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];

export function makeRouting(table: Routes, backends: Backends, telemetry: Telemetry, log: Logger): RoutingDeps {
  const picker = new Picker(
    table,
    (address, service) => backends.isHealthy(address, service),
    (address, service) => backends.lacks(address, service),
  );
  const ejection = new Ejection();
  telemetry.counter('gateway_ejections_total', 'Backends that were put aside for failing', () => ejection.count);
  observeBackends(telemetry, backends);
  const registers = [telemetry.registry];
  const split = new Counter({
    name: 'automed_gateway_split_total',
    help: 'Calls of a split, by the model that they went to',
    labelNames: ['model'],
    registers,
  });
  const fallbacks = new Counter({
    name: 'automed_gateway_fallbacks_total',
    help: 'Calls that this part of a split failed and the current model answered',
    labelNames: ['model'],
    registers,
  });
  const choose: RoutingDeps['choose'] = (plan, avoid = () => false) => {
    const { service, key } = plan.asked;
    const address = picker.pick(plan, (each) => backends.isAvoided(each, service, avoid));
    return backends.channel(address, service, avoid, key);
  };
  const plan: RoutingDeps['plan'] = (asked) => {
    const made = picker.plan(asked);
    if (made.rule.split && !asked.unchanged) split.inc({ model: made.model });
    return made;
  };
  return {
    plan,
    choose,
    maxBytes: (method) => sizeLimit(table, method),
    saturation: new Saturation(),
    ejection,
    onFallback: ({ model }: Plan) => fallbacks.inc({ model }),
    shadow: table.rules.some(({ shadow }) => shadow)
      ? new Shadow({ choose, agreement, report: shadowMetrics(telemetry), log })
      : undefined,
  };
}

/** Of each backend and service, read at each scrape. */
function observeBackends(telemetry: Telemetry, backends: Backends): void {
  new Gauge({
    name: 'automed_gateway_backend_serving',
    help: 'Whether a backend, or a member behind its name, is ready for a service',
    labelNames: ['backend', 'member', 'service'],
    registers: [telemetry.registry],
    collect() {
      this.reset();
      for (const { serves, ...labels } of backends.states()) this.set({ ...labels }, serves ? 1 : 0);
    },
  });
}

/** Of each candidate: how its answers compare, and how long it takes beside the current model. */
function shadowMetrics(telemetry: Telemetry): (result: ShadowResult) => void {
  const registers = [telemetry.registry];
  const calls = new Counter({
    name: 'automed_gateway_shadow_calls_total',
    help: 'Copies of calls for a candidate, by what became of them',
    labelNames: ['model', 'outcome'],
    registers,
  });
  const agreements = new Histogram({
    name: 'automed_gateway_shadow_agreement',
    help: 'Mean Dice of the masks of candidate and current model, or 1 or 0 for the same or another class',
    labelNames: ['model'],
    buckets: AGREEMENT,
    registers,
  });
  const times = new Histogram({
    name: 'automed_gateway_shadow_seconds',
    help: 'Time of the candidate, and of the current model for the same calls',
    labelNames: ['model', 'of'],
    buckets: SHADOW_SECONDS,
    registers,
  });
  return ({ model, outcome, agreement: agreed, seconds, currentSeconds }) => {
    calls.inc({ model, outcome });
    if (agreed !== undefined) agreements.observe({ model }, agreed);
    if (seconds !== undefined) times.observe({ model, of: 'candidate' }, seconds);
    if (currentSeconds !== undefined) times.observe({ model, of: 'current' }, currentSeconds);
  };
}
