// How messages reach a repository of audit messages: TLS (RFC 5425) or UDP (RFC 5426).

import { createSocket } from 'node:dgram';
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import { afterMs } from '../../common/timers';

export interface SyslogTarget {
  transport: 'tls' | 'udp';
  host: string;
  port: number;
  /** PEM files: authorities of the receiver's certificate, and our own; `name` is what that certificate has where it is not the host. */
  tls?: { ca: string; cert?: string | undefined; key?: string | undefined; name?: string | undefined } | undefined;
}

/** What one connection gets, milliseconds. */
const TIMEOUT_MS = 20_000;

/** Of one datagram, bytes (IPv4). */
export const MOST_UDP_BYTES = 65_507;

const framed = (message: Buffer): Buffer => Buffer.concat([Buffer.from(`${message.length} `), message]);

function opened({ host, port, tls }: SyslogTarget): TLSSocket {
  const { ca, cert, key, name = host } = tls ?? {};
  const own = cert === undefined || key === undefined ? {} : { cert: readFileSync(cert), key: readFileSync(key) };
  const authorities = ca === undefined ? {} : { ca: readFileSync(ca) };
  const servername = isIP(name) ? {} : { servername: name };
  return connect({ host, port, minVersion: 'TLSv1.2', ...authorities, ...own, ...servername });
}

const broken = (code: string): Error => Object.assign(new Error('the connection did not hold'), { code });

/**
 * Syslog has no acknowledgement, so that each batch has a connection of its own: a receiver that closes it in order has read all of it,
 * while one that goes away with something unread resets it. One that leaves it open has what the network took.
 */
async function sendByTls(target: SyslogTarget, messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
  const socket = opened(target);
  let isSecure = false;
  const stop = (): void => void socket.destroy(broken('ABORT_ERR'));
  const alarm = afterMs(TIMEOUT_MS, () => socket.destroy(socket.writableFinished ? undefined : broken('ETIMEDOUT')));
  signal.addEventListener('abort', stop);
  try {
    await new Promise<void>((resolve, reject) => {
      socket.once('secureConnect', () => {
        isSecure = true;
        socket.end(Buffer.concat(messages.map(framed)));
      });
      socket.once('error', reject);
      // Nothing is expected, and the end is seen by those alone who read.
      socket.resume();
      socket.once('close', () => (isSecure && socket.writableFinished ? resolve() : reject(broken('ECONNRESET'))));
    });
  } finally {
    alarm.cancel();
    signal.removeEventListener('abort', stop);
  }
}

/** One datagram each. UDP tells of no loss; what the system refuses rejects. */
async function sendByUdp({ host, port }: SyslogTarget, messages: readonly Buffer[]): Promise<void> {
  const socket = createSocket(isIP(host) === 6 ? 'udp6' : 'udp4');
  try {
    for (const message of messages) {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.send(message, port, host, (error) => (error ? reject(error) : resolve()));
      });
    }
  } finally {
    socket.close();
  }
}

/**
 * Resolves when the messages have gone, all of them.
 * @param messages by UDP of up to MOST_UDP_BYTES each
 * @throws errors of the network, of TLS, and of certificate files
 */
export function sendMessages(target: SyslogTarget, messages: readonly Buffer[], signal: AbortSignal): Promise<void> {
  return target.transport === 'tls' ? sendByTls(target, messages, signal) : sendByUdp(target, messages);
}
