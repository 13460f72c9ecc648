// How commands find `automed serve` of a store: a file in the store says where it listens, and a lock that the kernel drops
// with its holder says whether it still does.

import { existsSync, rmSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { tryLock } from '../common/file-lock';
import { parseAddress, withPort } from '../common/address';
import { replaceFile } from '../store/durable';
import { ROLES, type Role } from './programs';

const ADDRESS_FILE = '.server.json';
const LOCK_FILE = '.server.lock';
/** A command that looks whether somebody serves holds the lock for a moment. */
const ATTEMPTS = 20;
const ATTEMPT_MS = 50;

const serverSchema = z.object({
  address: z.string().min(1),
  roles: z.array(z.enum(ROLES)),
  ends: z.boolean().default(false),
  metrics: z.array(z.string()).default([]),
});

export interface RunningServer {
  /** `host:port` of its gateway, as this machine reaches it. */
  address: string;
  roles: Role[];
  /** It ends with the command that started it, as soon as this has what it waits for. */
  ends: boolean;
  /** `host:port` of /metrics of its processes. */
  metrics: string[];
}

/** The address under which this machine reaches a server that listens on all of its addresses. */
function reachable(address: string): string {
  const { host, port } = parseAddress(address);
  if (host === '0.0.0.0') return withPort('127.0.0.1:0', port);
  return host === '::' ? withPort('[::1]:0', port) : address;
}

/**
 * Lets commands on the same store find this server until it ends or is told to withdraw. A second server of a store, which has
 * other roles, is not found: the first one keeps the lock.
 */
export async function advertise(
  home: string,
  { address, roles, ends, metrics = [] }: Omit<RunningServer, 'metrics'> & { metrics?: string[] },
): Promise<{ withdraw(): void }> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const lock = tryLock(join(home, LOCK_FILE));
    if (lock) {
      const file = join(home, ADDRESS_FILE);
      // That of a server which was killed.
      rmSync(file, { force: true });
      await replaceFile(file, JSON.stringify({ address: reachable(address), roles, ends, metrics }));
      const withdraw = (): void => {
        rmSync(file, { force: true });
        lock.release();
      };
      return { withdraw };
    }
    await sleep(ATTEMPT_MS);
  }
  return { withdraw: () => undefined };
}

/** Whether the lock is held; of a store that cannot be written nobody can tell, and nobody advertises there. */
function isHeld(path: string): boolean {
  try {
    const lock = tryLock(path);
    lock?.release();
    return lock === undefined;
  } catch {
    return false;
  }
}

/** The server of a store that offers all of these roles; undefined when none runs. Makes nothing where there is no store. */
export async function runningServer(home: string, roles: readonly Role[]): Promise<RunningServer | undefined> {
  if (!existsSync(join(home, LOCK_FILE)) || !isHeld(join(home, LOCK_FILE))) return undefined;
  const text = await readFile(join(home, ADDRESS_FILE), 'utf8').catch(() => '');
  const parsed = serverSchema.safeParse(text === '' ? undefined : JSON.parse(text));
  return parsed.success && roles.every((role) => parsed.data.roles.includes(role)) ? parsed.data : undefined;
}
