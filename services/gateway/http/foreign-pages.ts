// Pages of other hosts that a browser shows to somebody who can reach the gateway. A form needs nobody's leave to be sent, so that
// CORS alone does not keep such a page from starting something; and where no key is asked for, a page whose name is made to mean
// the loopback address (DNS rebinding) would be of the same origin.

import type { FastifyRequest } from 'fastify';
import { isLoopback } from '../../common/address';
import { automedError } from '../../common/errors';

export interface PagePolicy {
  /** Origins whose pages may call; `*` for all. */
  origins: readonly string[];
  /** Whether only this machine reaches the gateway and nobody is asked for a key: then it answers to names of loopback alone. */
  open: boolean;
}

/** PermissionDeniedError of a call that a page of another host makes; undefined where nothing speaks against it. */
export function refusalOfForeignPage(request: FastifyRequest, { origins, open }: PagePolicy): Error | undefined {
  if (origins.includes('*')) return undefined;
  const { origin, host = '' } = request.headers;
  if (open && !isLoopback(withAnyPort(host)) && !origins.some((each) => hostOf(each) === host)) return refused(host);
  if (request.method !== 'POST' || origin === undefined || origins.includes(origin)) return undefined;
  const site = request.headers['sec-fetch-site'];
  // A proxy may have changed the name; the browser knows better where it is not.
  if (site === 'same-origin' || (site === undefined && hostOf(origin) === host)) return undefined;
  return refused(origin);
}

function refused(who: string): Error {
  const text = `${who} may not call: AUTOMED_HTTP_ORIGINS names the origins whose pages may.`;
  return automedError('PERMISSION_DENIED', text);
}

const withAnyPort = (host: string): string => (/:\d+$/.test(host) ? host : `${host}:0`);

function hostOf(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}
