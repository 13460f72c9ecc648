// Places in a stream of requests. A client that has lost its stream opens another one at its last place; nothing is kept for it, so
// that any replica can go on.

import { automedError } from '../errors';

/** Where a series or a session goes on. */
export interface Place {
  /** Position of the request that comes next, `[0, 2^31)`. */
  next: number;
  /** `name@version` of what answered before; empty while nothing has. */
  answeredBy: string;
}

export const BEGINNING: Place = { next: 0, answeredBy: '' };

export const placeToken = ({ next, answeredBy }: Place): string => `${next}.${answeredBy}`;

/**
 * @param token of placeToken(), or empty for the beginning
 * @throws InvalidInputError
 */
export function placeOf(token: string): Place {
  if (token === '') return BEGINNING;
  const [, digits, answeredBy] = /^(\d{1,10})\.([^\s@]{1,200}@\d{1,10})?$/.exec(token) ?? [];
  const next = Number(digits);
  if (!(next < 2 ** 31))
    throw automedError('INVALID_ARGUMENT', 'This token names no place.', { field: 'resume_token' });
  return { next, answeredBy: answeredBy ?? '' };
}

/** Who may ask one model may not go on with another one. @param reference what the request names @throws InvalidInputError */
export function requireSameModel({ answeredBy }: Place, reference: string): void {
  if (answeredBy === '' || answeredBy.split('@')[0] === reference.split('@')[0]) return;
  throw automedError('INVALID_ARGUMENT', 'This token is of a series of another model.', { field: 'resume_token' });
}

/** Of a request behind the first one. @throws InvalidInputError */
export function requireNoPlace({ resumeToken = '' }: { resumeToken?: string }): void {
  if (resumeToken === '') return;
  throw automedError('INVALID_ARGUMENT', 'Only the first message may go on from a place.', { field: 'resume_token' });
}
