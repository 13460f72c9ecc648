// Asks a DICOMweb service (PS3.18): queries that are small, and bodies that are streams.

import { readFileSync } from 'node:fs';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';

/** PEM files, read for each request. */
export interface WebTls {
  /** Authorities of the service's certificate. */
  ca: string;
  cert?: string | undefined;
  key?: string | undefined;
  /** Name in the service's certificate, where it is not the host. */
  name?: string | undefined;
}

export interface WebService {
  /** Of the service, without /studies. */
  url: string;
  user?: string | undefined;
  password?: string | undefined;
  tls?: WebTls | undefined;
  /** Until an answer begins, and between two packets of it, milliseconds. */
  timeoutMs: number;
}

/** Why there is no answer: the system's or TLS' code, or `HTTP 404`. */
export class WebError extends Error {
  constructor(
    readonly code: string,
    /** Of HTTP; 0 without an answer. */
    readonly status: number,
  ) {
    super(code);
    this.name = 'WebError';
  }
}

/** What TLS needs besides what Node knows. */
export function tlsOptions({ tls }: Pick<WebService, 'tls'>): object {
  if (!tls) return {};
  const { ca, cert, key, name } = tls;
  const own = cert === undefined || key === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
  return { ca: readFileSync(ca), ...own, ...(name === undefined ? {} : { servername: name }) };
}

/** @throws WebError unless the service answers with success; the body is to be read, or destroyed */
export async function getFrom(
  service: WebService,
  path: string,
  accept: string,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  const { url, user, password, timeoutMs } = service;
  const target = new URL(`${url.replace(/\/$/, '')}${path}`);
  const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const request = send(target, {
      headers: { accept },
      timeout: timeoutMs,
      signal,
      ...tlsOptions(service),
      ...(user === undefined ? {} : { auth: `${user}:${password ?? ''}` }),
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    request.once('error', (error: NodeJS.ErrnoException) => reject(new WebError(error.code ?? error.name, 0)));
    request.once('response', resolve);
    request.end();
  });
  const { statusCode: status = 0 } = response;
  if (status >= 200 && status < 300) return response;
  response.destroy();
  throw new WebError(`HTTP ${status}`, status);
}

/** The whole of a body. @throws WebError when it is longer than `most` bytes */
export async function bodyOf(response: IncomingMessage, most: number): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > most) throw new WebError('ERR_TOO_LONG', response.statusCode ?? 0);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
