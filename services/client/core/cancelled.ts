import { automedError } from '../../common/errors';

/** What a wait that its signal ended rejects with. @throws CancelledError always */
export function cancelledBy(reason: unknown): never {
  throw automedError('CANCELLED', 'The call was cancelled.', { cause: reason });
}
