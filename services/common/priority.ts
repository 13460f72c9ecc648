import { automedError } from './errors';

/** The priority of a request, `[-100, 100]`. */
export function checkPriority(priority: number): number {
  if (priority >= -100 && priority <= 100) return priority;
  throw automedError('INVALID_ARGUMENT', `A priority of ${priority} is outside [-100, 100].`, { field: 'priority' });
}
