// Passes a unary call on: its one message is at hand, and its answer whole before anything goes back, so that another backend
// can be asked where that is safe.

import { status as Code, type Metadata, type StatusObject } from '@grpc/grpc-js';
import { automedError } from '../../common/errors';
import { ANSWER_KEY, FULL_KEY } from '../../common/grpc/admit';
import type { CallContext } from '../../common/grpc/handlers';
import { PUSHBACK_KEY } from '../../common/grpc/status';
import { afterMs } from '../../common/timers';
import { hasField, readPriority } from '../domain/model-field';
import type { Plan } from '../domain/picker';
import { withModelField } from '../domain/rewrite';
import { ask, type Answer, type Chosen } from './ask';
import type { AcceptedCall, Incoming } from './call';
import { outward, withoutHopHeaders } from './outward';
import { noteEnd, type RoutingDeps } from './routing';

/** One backend, and another when that fails. */
const MAX_ATTEMPTS = 2;

/** Asks a backend, and another one when the first refused before any work, or failed and the method may be called twice. @returns how it ended */
export async function relayUnary(
  accepted: AcceptedCall,
  call: Incoming,
  context: CallContext,
  deps: RoutingDeps,
): Promise<Code> {
  const started = performance.now();
  const { status, header, message } = await answerOf(accepted, context.signal, deps);
  if (context.signal.aborted) return Code.CANCELLED;
  if (header) call.sendMetadata(withoutHopHeaders(header));
  if (status.code !== Code.OK) {
    call.emit('error', outward(status, context.requestId));
    return status.code;
  }
  if (message) call.write(message);
  call.end(withoutHopHeaders(status.metadata));
  if (message) deps.shadow?.maybeSend(accepted, message, performance.now() - started);
  return Code.OK;
}

/** The answer of the way that the call goes, or of the current one where a canary failed. */
async function answerOf(accepted: AcceptedCall, signal: AbortSignal, deps: RoutingDeps): Promise<Answer> {
  const { plan } = accepted;
  const attempts = new Attempts(accepted, plan, signal, deps);
  if (!plan.fallback) return attempts.run();
  const answer = await attempts.run().catch((error: unknown) => error as Error);
  if (!(answer instanceof Error) && (signal.aborted || !isFaultOfCanary(answer.status))) return answer;
  deps.onFallback(plan);
  return new Attempts(accepted, plan.fallback, signal, deps).run();
}

/** Not what the caller did wrong, and not what takes time that the call has not got any more. */
function isFaultOfCanary({ code }: StatusObject): boolean {
  return [Code.NOT_FOUND, Code.FAILED_PRECONDITION, Code.UNAVAILABLE, Code.INTERNAL, Code.DATA_LOSS].includes(code);
}

/** One backend that was asked. */
interface Attempt {
  answer: Promise<Answer>;
  /** Its answer is not wanted any more. */
  giveUp(): void;
}

/** What one call tries, one way. */
class Attempts {
  private readonly tried = new Set<string>();
  private readonly kind: string;
  private readonly message: Buffer;
  private readonly metadata: Metadata;

  constructor(
    private readonly accepted: AcceptedCall,
    private readonly plan: Plan,
    private readonly signal: AbortSignal,
    private readonly deps: RoutingDeps,
  ) {
    const { target, message } = accepted;
    if (!message) throw automedError('INVALID_ARGUMENT', 'The call has no request.');
    const rewritten = plan.model !== accepted.model;
    this.message = rewritten ? withModelField(message, plan.model) : message;
    this.metadata = rewritten ? modelled(accepted.metadata, plan.model) : accepted.metadata;
    // As backends tell apart what they measure: prompts on an embedding cost a fraction of those on an image.
    const image = hasField(message, target.imageField) ? 'image' : '';
    this.kind = `${target.path} ${image} ${plan.model} ${readPriority(message, target.priorityField)}`;
  }

  async run(): Promise<Answer> {
    let answer: Answer | undefined;
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt += 1) {
      const next = this.attempt(answer !== undefined);
      if (!next) break;
      answer = await this.hedged(next);
      if (this.signal.aborted || !mayAskAnother(answer.status, this.accepted.target.idempotent)) break;
    }
    if (!answer) throw new Error('a call without an attempt');
    return answer;
  }

  /** Asks a backend that was not asked yet; undefined when there is none. @throws when the first one cannot be asked either */
  private attempt(again: boolean): Attempt | undefined {
    if (this.tried.size >= MAX_ATTEMPTS) return undefined;
    const chosen = this.choose(again);
    if (!chosen) return undefined;
    this.tried.add(chosen.address);
    const { target, deadline } = this.accepted;
    const request = { path: target.path, message: this.message, metadata: this.metadata, deadline };
    // Not AbortSignal.any(): what it makes hangs on weak references, with the message, until V8 marks its whole heap.
    const ended = new AbortController();
    const giveUp = (): void => ended.abort();
    if (this.signal.aborted) giveUp();
    this.signal.addEventListener('abort', giveUp, { once: true });
    const answer = ask(chosen, request, ended.signal).then((given) => {
      this.signal.removeEventListener('abort', giveUp);
      if (!ended.signal.aborted) this.note(chosen.address, given.status);
      return given;
    });
    return { answer, giveUp };
  }

  private choose(again: boolean): Chosen | undefined {
    const { plan, deps, tried, kind } = this;
    const leftMs = this.accepted.deadline - Date.now();
    const busyMs = (address: string): number | undefined => deps.saturation.waitMs(`${address} ${kind}`, leftMs);
    const isToAvoid = (address: string): boolean =>
      tried.has(address) || deps.ejection.isAside(address) || busyMs(address) !== undefined;
    let chosen: Chosen;
    try {
      chosen = deps.choose(plan, isToAvoid);
    } catch (error) {
      // What another backend has answered, or is going to, stays.
      if (again) return undefined;
      throw error;
    }
    if (tried.has(chosen.address)) return undefined;
    const retryAfterMs = busyMs(chosen.address);
    if (retryAfterMs === undefined) return chosen;
    if (again) return undefined;
    throw automedError('QUEUE_FULL', 'Every backend of this call is busy.', { retryAfterMs });
  }

  /** The answer of the first backend, or of another one that is asked when it takes long and answers sooner. */
  private async hedged(first: Attempt): Promise<Answer> {
    const { hedgeMs } = this.plan.rule;
    if (hedgeMs === undefined || !this.accepted.target.idempotent) return first.answer;
    const slow = new Promise<undefined>((resolve) => {
      const alarm = afterMs(hedgeMs, () => resolve(undefined));
      void first.answer.finally(() => alarm.cancel());
    });
    const soon = await Promise.race([first.answer, slow]);
    const second = soon ? undefined : this.attempt(true);
    if (!second) return soon ?? first.answer;
    // The first that is good counts; when neither is, the last.
    const good = ({ answer }: Attempt): Promise<Answer> =>
      answer.then((given) => (given.status.code === Code.OK ? given : Promise.reject(new Error('no answer'))));
    const best = await Promise.any([good(first), good(second)]).catch(() => second.answer);
    first.giveUp();
    second.giveUp();
    return best;
  }

  private note(address: string, { code, metadata }: StatusObject): void {
    const { ejection, saturation } = this.deps;
    noteEnd(ejection, address, code);
    if (code !== Code.RESOURCE_EXHAUSTED) return;
    const number = (key: string): number | undefined => {
      const [value] = metadata.get(key);
      return value === undefined ? undefined : Number(value);
    };
    const [answerMs, fullMs] = [number(ANSWER_KEY), number(FULL_KEY)];
    if (answerMs === undefined && fullMs === undefined) return;
    saturation.note(`${address} ${this.kind}`, { waitMs: number(PUSHBACK_KEY) ?? 1_000, answerMs, fullMs });
  }
}

/** What `automed-model` says must be what the message says. */
function modelled(metadata: Metadata, model: string): Metadata {
  const copy = metadata.clone();
  copy.set('automed-model', model);
  return copy;
}

/** What is refused for want of room was not begun; what a backend that went away had begun may be done twice where that does no harm. */
function mayAskAnother(status: StatusObject, idempotent: boolean): boolean {
  if (status.code === Code.RESOURCE_EXHAUSTED) return status.metadata.get(PUSHBACK_KEY).length > 0;
  return status.code === Code.UNAVAILABLE && idempotent;
}
