// What became of a process group, from what became of its ranks.

import { automedError } from '../../common/errors';
import type { FinishedEvent } from '../protocol/protocol';
import { RankLostError } from './launch-process-group';
import type { RankOutcome } from './rank-process';

export interface RankEnd {
  rank: number;
  outcome: RankOutcome;
}

/** Errors that a rank has because another one was lost, or because it was told to stop. */
const CONSEQUENCES = new Set(['DEVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'CANCELLED']);

/**
 * The result of rank 0, or what ended the process group: the error of the run when some rank has one of its own, else
 * RankLostError.
 *
 * @param ends in the order in which the ranks ended, as far as it is known
 */
export function verdict(ends: readonly RankEnd[], cancelled: boolean): FinishedEvent {
  const leader = ends.find(({ rank }) => rank === 0)?.outcome;
  if (leader?.type === 'finished') return leader.event;
  if (cancelled) throw automedError('CANCELLED', 'The training run was cancelled.');
  for (const { outcome } of ends) {
    if (outcome.type === 'failed' && !CONSEQUENCES.has(outcome.error.code)) throw outcome.error;
  }
  for (const { outcome } of ends) {
    if (outcome.type === 'crashed') throw new RankLostError(outcome.how);
  }
  for (const { rank, outcome } of ends) {
    if (outcome.type === 'failed') throw new RankLostError(`rank ${rank} failed: ${outcome.error.message}`);
  }
  throw new RankLostError('the ranks ended before the run did');
}
