import { status as Code } from '@grpc/grpc-js';
import type { Ejection } from '../domain/ejection';
import type { Plan } from '../domain/picker';
import type { Saturation } from '../domain/saturation';
import type { Chosen } from './ask';
import type { CallDeps } from './call';
import type { Shadow } from './shadow';

/** What decides where calls go. */
export interface RoutingDeps extends Pick<CallDeps, 'plan' | 'maxBytes'> {
  /** A backend for one attempt, not one of those to avoid if there is another; throws the typed error when there is none. */
  choose(plan: Plan, avoid?: (address: string) => boolean): Chosen;
  saturation: Saturation;
  ejection: Ejection;
  /** Told of a call that a canary failed and the current model answers. */
  onFallback(plan: Plan): void;
  /** Copies calls to candidates; absent: no rule says so. */
  shadow?: Shadow | undefined;
}

/** Counts how a backend ended a call; what the caller's deadline or the caller ended says nothing of the backend. */
export function noteEnd(ejection: Ejection, address: string, code: Code): void {
  if (code === Code.DEADLINE_EXCEEDED || code === Code.CANCELLED) return;
  ejection.note(address, [Code.UNAVAILABLE, Code.INTERNAL, Code.UNKNOWN].includes(code));
}
