// A PostgreSQL server of the test's own, from Debian's packages, on a free port of loopback.

import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chownSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { sleepMs } from '../../services/common/timers';

const ROOT = '/usr/lib/postgresql';

/** Folder of the newest server's programs; undefined where none is installed. */
function programs(): string | undefined {
  if (!existsSync(ROOT)) return undefined;
  const versions = readdirSync(ROOT).sort((left, right) => Number(right) - Number(left));
  return versions.map((version) => join(ROOT, version, 'bin')).find((bin) => existsSync(join(bin, 'initdb')));
}

export interface PostgresServer {
  /** Of a database that is made when it is missing. */
  url(database: string): string;
  /** Runs statements in a database. */
  psql(database: string, sql: string): string;
  stop(): Promise<void>;
}

/** The server refuses to run as root. */
function account(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** Undefined where PostgreSQL is not installed. */
export function startPostgres(): PostgresServer | undefined {
  const bin = programs();
  if (bin === undefined) return undefined;
  // Not in the run's own folder, which other users cannot enter.
  const folder = mkdtempSync('/tmp/automed-postgres-');
  const user = account();
  if (user.uid !== undefined && user.gid !== undefined) chownSync(folder, user.uid, user.gid);
  const data = join(folder, 'data');
  const run = (program: string, args: string[], input?: string): string => {
    // Its own output would be an open pipe of the server.
    const stdio = program === 'pg_ctl' ? ('ignore' as const) : ('pipe' as const);
    const options = { ...user, cwd: folder, encoding: 'utf8' as const, input, stdio, timeout: 120_000 };
    const { status, stdout, stderr } = spawnSync(join(bin, program), args, options);
    if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`);
    return stdout;
  };
  run('initdb', ['-D', data, '-U', 'automed', '-A', 'trust', '--no-sync', '-E', 'UTF8', '--locale', 'C']);
  const port = 20_000 + (process.pid % 20_000);
  const settings = `-p ${port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=${folder} -c max_connections=100 -c fsync=off`;
  run('pg_ctl', ['-D', data, '-l', join(folder, 'log'), '-o', settings, '-w', 'start']);
  const pid = Number(readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')[0]);
  const psql = (database: string, sql: string): string =>
    run(
      'psql',
      ['-h', folder, '-p', String(port), '-U', 'automed', '-d', database, '-AtX', '-v', 'ON_ERROR_STOP=1'],
      sql,
    );
  return {
    psql,
    url: (database) => {
      const known = psql('postgres', `SELECT 1 FROM pg_database WHERE datname = '${database}'`);
      if (known.trim() === '') psql('postgres', `CREATE DATABASE ${database}`);
      return `postgres://automed@127.0.0.1:${port}/${database}`;
    },
    stop: async () => {
      process.kill(pid, 'SIGINT');
      while (existsSync(join(data, 'postmaster.pid'))) await sleepMs(50);
      rmSync(folder, { recursive: true });
    },
  };
}

/** A name for the database that stands for a file. */
export const databaseName = (path: string): string =>
  `t${createHash('sha256').update(path).digest('hex').slice(0, 16)}`;
