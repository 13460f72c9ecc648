import type { RunOptions } from '../inference';
import { checkPriority } from '../priority';
import type { CallContext } from './handlers';

/**
 * How urgent a call is and when it ends. The priority is checked at once; what is left of the deadline is read when asked for.
 * @throws InvalidInputError (field `priority`)
 */
export function runOptions(priority: number, context: CallContext): () => RunOptions {
  const checked = checkPriority(priority);
  return () => ({ priority: checked, timeoutMs: context.remainingMs(), signal: context.signal });
}
