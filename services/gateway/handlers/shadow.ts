// Copies of calls for a candidate, of which callers notice nothing: sent after their answer, at the lowest priority, a few at
// a time, and dropped when it is compared.

import { randomUUID } from 'node:crypto';
import { status as Code } from '@grpc/grpc-js';
import type { Logger } from '../../common/logging';
import type { Plan } from '../domain/picker';
import { withModelField, withNumberField } from '../domain/rewrite';
import { ask, type Chosen } from './ask';
import type { AcceptedCall } from './call';

const LOWEST_PRIORITY = -100;
/** Copies under way at a time; more are dropped. */
const MOST = 2;
const TIMEOUT_MS = 60_000;

/** What became of a copy. */
export interface ShadowResult {
  /** Of the candidate. */
  model: string;
  outcome: 'compared' | 'answered' | 'failed' | 'dropped';
  /** Mean Dice of the masks, or whether the first class is the same, `[0, 1]`. */
  agreement?: number | undefined;
  /** Of the candidate, and of the answer that the caller got, seconds. */
  seconds?: number;
  currentSeconds?: number;
}

export interface ShadowDeps {
  choose(plan: Plan): Chosen;
  /** How much two answers of a method agree, `[0, 1]`; undefined where answers of it cannot be compared. */
  agreement(path: string, one: Buffer, other: Buffer): Promise<number | undefined>;
  report: (result: ShadowResult) => void;
  log: Logger;
  random?: () => number;
}

export class Shadow {
  private underWay = 0;

  constructor(private readonly deps: ShadowDeps) {}

  /** @param currentMs how long the caller's answer took */
  maybeSend(accepted: AcceptedCall, answer: Buffer, currentMs: number): void {
    const { plan, target } = accepted;
    const { shadow } = plan.rule;
    const { random = Math.random, report, log } = this.deps;
    if (!shadow || !target.unary || plan.asked.unchanged || random() >= shadow.fraction) return;
    if (this.underWay >= MOST) {
      report({ model: shadow.model, outcome: 'dropped' });
      return;
    }
    this.underWay += 1;
    const copy: Plan = { ...plan, model: shadow.model, backends: shadow.backends ?? plan.rule.backends };
    this.send(accepted, copy, answer, currentMs)
      .then(report, (err: unknown) => {
        log.warn({ event: 'shadow', err, model: shadow.model }, 'a copy of a call failed');
        report({ model: shadow.model, outcome: 'failed' });
      })
      .finally(() => (this.underWay -= 1));
  }

  private async send(
    { target, message = Buffer.alloc(0), metadata }: AcceptedCall,
    plan: Plan,
    current: Buffer,
    currentMs: number,
  ): Promise<ShadowResult> {
    const { model } = plan;
    const named = withModelField(message, model);
    const { priorityField } = target;
    const copy = priorityField === 0 ? named : withNumberField(named, priorityField, LOWEST_PRIORITY);
    const headers = metadata.clone();
    headers.set('automed-model', model);
    headers.set('x-request-id', `shadow-${randomUUID()}`);
    const request = { path: target.path, message: copy, metadata: headers, deadline: Date.now() + TIMEOUT_MS };
    const started = performance.now();
    const answer = await ask(this.deps.choose(plan), request, new AbortController().signal);
    if (answer.status.code !== Code.OK || !answer.message) return { model, outcome: 'failed' };
    const seconds = (performance.now() - started) / 1000;
    const agreement = await this.deps.agreement(target.path, current, answer.message);
    const outcome = agreement === undefined ? 'answered' : 'compared';
    return { model, outcome, agreement, seconds, currentSeconds: currentMs / 1000 };
  }
}
