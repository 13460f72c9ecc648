// The port of DICOMweb, for those whom the settings of access admit.

import { isLoopback, withPort } from '../../../common/address';
import type { Logger } from '../../../common/logging';
import { Access, type AccessSettings } from '../../../access/access';
import type { Site } from '../../../pacs-site/schema';
import type { Receiver } from '../receiver';
import { followFiles, portTls } from '../../../dicom-net/port-identity';
import { StowServer, WEB_ROOT } from './stow-server';

export interface WebSettings {
  site: () => Site;
  receiver: Receiver;
  access: Omit<AccessSettings, 'onProblem'> | undefined;
  /** Instead of the site's. */
  port: number | undefined;
  /** Allows everybody who reaches the port to send. */
  isOpen: boolean;
  idleMs: number;
  maxConnections: number;
  log: Logger;
}

export interface RunningWeb {
  url: string;
  close(): Promise<void>;
}

/** What a caller gets to agree on TLS, milliseconds. */
const HANDSHAKE_MS = 10_000;
/** What a caller must be allowed by the policy, as if it were a method of the API. */
const METHOD = 'automed.pacs.web/StoreInstances';

/** Programs of archives often know user and password only: the password is the key then. */
function bearer(authorization: string | undefined): string | undefined {
  const basic = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization ?? '')?.[1];
  if (basic === undefined) return authorization;
  return `Bearer ${Buffer.from(basic, 'base64')
    .toString('utf8')
    .replace(/^[^:]*:/, '')}`;
}

/** @throws Error unless those who send say who they are, and in secret */
function requireSafe({ host, tls }: NonNullable<Site['web']>, hasKeys: boolean): void {
  if (tls?.client_ca !== undefined || (tls && hasKeys)) return;
  throw new Error(
    `everybody who reaches ${host} could send studies: give web.tls, and AUTOMED_KEYS_FILE or web.tls.client_ca, or accept that with AUTOMED_PACS_OPEN=true`,
  );
}

/** Serves what the site's `web` says; nothing without it. */
export async function listenWeb(settings: WebSettings): Promise<RunningWeb | undefined> {
  const { site, receiver, log, isOpen, idleMs, maxConnections } = settings;
  const { web } = site();
  if (!web) return undefined;
  if (!isOpen && !isLoopback(`${web.host}:0`)) requireSafe(web, settings.access !== undefined);
  const onProblem = (err: Error, what: string): void =>
    log.error({ event: 'access', err, what }, 'what says who may call does not hold');
  const access = settings.access && (await Access.open({ ...settings.access, onProblem }));
  const admit = async (authorization: string | undefined): Promise<string> => {
    if (!access) return '';
    const principal = await access.authenticate(bearer(authorization));
    access.authorize(principal, { method: METHOD, models: [] });
    return principal.id;
  };
  const server = StowServer.build({
    receiver,
    admit,
    ownTitle: () => site().ae_title[0] ?? '',
    mostBytes: () => site().web?.most ?? web.most,
    idleMs,
    maxConnections,
    log,
    tls: web.tls && { ...portTls(web.tls), handshakeTimeout: HANDSHAKE_MS },
  });
  const stopFollowing = web.tls && followFiles(web.tls, server, log);
  const port = await server.listen(web.host, settings.port ?? web.port);
  return {
    url: `${web.tls ? 'https' : 'http'}://${withPort(`${web.host}:0`, port)}${WEB_ROOT}`,
    close: async () => {
      stopFollowing?.();
      await server.close();
      access?.close();
    },
  };
}
