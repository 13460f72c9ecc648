// What can happen to a job, and what becomes of it. Everything that changes a state goes through `next`.

import { automedError } from '../../../common/errors';

export const STATES = [
  'PENDING',
  'RUNNING',
  'PAUSING',
  'PAUSED',
  'RESUMING',
  'CANCELLING',
  'CANCELLED',
  'SUCCEEDED',
  'FAILED',
] as const;
export type State = (typeof STATES)[number];

/**
 * The first four are asked for by callers, the others happen. `start`: a worker begins. `interrupt`: the attempt ended
 * without a result, through a crash or a restart of the service, and another one follows. `stop`: the worker stopped as it
 * was asked to.
 */
export const ACTIONS = [
  'cancel',
  'pause',
  'resume',
  'delete',
  'start',
  'interrupt',
  'stop',
  'succeed',
  'fail',
] as const;
export type Action = (typeof ACTIONS)[number];

/**
 * RESUMING waits for a worker as PENDING does, but has had one before, which may still be about to end: to pause or cancel
 * it is to find out first (PAUSING, CANCELLING). What is asked for twice is answered twice.
 */
const TRANSITIONS: Readonly<Record<State, Readonly<Partial<Record<Action, State | 'GONE'>>>>> = {
  PENDING: { cancel: 'CANCELLED', pause: 'PAUSED', start: 'RUNNING', fail: 'FAILED' },
  RUNNING: {
    cancel: 'CANCELLING',
    pause: 'PAUSING',
    interrupt: 'RESUMING',
    succeed: 'SUCCEEDED',
    fail: 'FAILED',
  },
  PAUSING: {
    pause: 'PAUSING',
    cancel: 'CANCELLING',
    interrupt: 'PAUSING',
    stop: 'PAUSED',
    succeed: 'SUCCEEDED',
    fail: 'FAILED',
  },
  PAUSED: { pause: 'PAUSED', resume: 'RESUMING', cancel: 'CANCELLED', delete: 'GONE' },
  RESUMING: { resume: 'RESUMING', cancel: 'CANCELLING', pause: 'PAUSING', start: 'RUNNING', fail: 'FAILED' },
  CANCELLING: {
    cancel: 'CANCELLING',
    interrupt: 'CANCELLING',
    stop: 'CANCELLED',
    succeed: 'SUCCEEDED',
    fail: 'FAILED',
  },
  CANCELLED: { cancel: 'CANCELLED', delete: 'GONE' },
  SUCCEEDED: { delete: 'GONE' },
  FAILED: { resume: 'RESUMING', delete: 'GONE' },
};

const ADVICE: Readonly<Partial<Record<Action, string>>> = {
  delete: 'cancel it first',
  resume: 'only a paused or failed job is resumed',
  pause: 'only a job that has not ended is paused',
  cancel: 'it has ended',
};

/**
 * The state after an action.
 * @throws IllegalStateError with a sentence for the caller when the action makes no sense in this state
 */
export function next(state: State, action: Action): State | 'GONE' {
  const to = TRANSITIONS[state][action];
  if (to !== undefined) return to;
  const advice = ADVICE[action] === undefined ? '' : `; ${ADVICE[action]}`;
  throw automedError('ILLEGAL_STATE', `The job is ${state}, which does not allow to ${action} it${advice}.`, {
    field: 'state',
  });
}

export function allows(state: State, action: Action): boolean {
  return TRANSITIONS[state][action] !== undefined;
}

/** Nothing happens any more unless somebody asks for it. */
export function isFinal(state: State): boolean {
  return state === 'CANCELLED' || state === 'SUCCEEDED' || state === 'FAILED';
}
