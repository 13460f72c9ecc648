import { isIPv4, isIPv6 } from 'node:net';

export interface ParsedAddress {
  host: string;
  port: number;
  /** Path of a Unix socket, when it is one; host and port are then empty. */
  socketPath?: string;
  /** Sentence on what is wrong, when something is. */
  problem?: string;
}

/** Reads `host:port`, `[ipv6]:port` or `unix:/path`. */
export function parseAddress(text: string): ParsedAddress {
  if (text.startsWith('unix:')) {
    const socketPath = text.slice('unix:'.length);
    return socketPath === '' ? failed('must name a path after unix:') : { host: '', port: 0, socketPath };
  }
  const match = /^(?:\[([^\]]+)\]|([^:[\]]+)):(\d{1,5})$/.exec(text);
  if (!match) return failed('must be host:port, [ipv6]:port or unix:/path');
  const host = match[1] ?? match[2] ?? '';
  const port = Number(match[3]);
  return port > 65_535 ? failed('must have a port of at most 65535') : { host, port };
}

/** Whether only this machine can reach the address. */
export function isLoopback(text: string): boolean {
  const { host, socketPath, problem } = parseAddress(text);
  if (problem !== undefined) return false;
  if (socketPath !== undefined || host === 'localhost') return true;
  if (isIPv4(host)) return host.startsWith('127.');
  return isIPv6(host) && (host === '::1' || /^0*(:0*)*:0*1$/.test(host));
}

/** The address with the port that was bound. */
export function withPort(text: string, port: number): string {
  const { host, socketPath } = parseAddress(text);
  if (socketPath !== undefined) return text;
  return isIPv6(host) ? `[${host}]:${port}` : `${host}:${port}`;
}

function failed(problem: string): ParsedAddress {
  return { host: '', port: 0, problem };
}
