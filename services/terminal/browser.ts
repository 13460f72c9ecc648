import { spawn } from 'node:child_process';
import { parseAddress, withPort } from '../common/address';

/** Where a browser of this machine finds the console. @param address `host:port` that is bound */
export function consoleUrl(address: string, secure = false): string {
  const { host, port } = parseAddress(address);
  const every: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1:0', '::': '[::1]:0' };
  return `http${secure ? 's' : ''}://${withPort(every[host] ?? address, port)}/`;
}

const OPENERS: Readonly<Partial<Record<NodeJS.Platform, string>>> = { darwin: 'open', win32: 'explorer' };

/** Asks the desktop to open a page; without a desktop nothing happens. */
export function openBrowser(url: string): void {
  const child = spawn(OPENERS[process.platform] ?? 'xdg-open', [url], { stdio: 'ignore', detached: true });
  child.once('error', () => undefined);
  child.unref();
}
