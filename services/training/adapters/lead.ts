import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { tryLock } from '../../common/file-lock';
import { whileNotReady } from '../../common/grpc/not-ready';
import type { Logger } from '../../common/logging';
import { sleepMs } from '../../common/timers';
import { ELSEWHERE_MARK } from '../../store';
import { openDatabase } from './database';
import { migratePostgres } from './migrations/postgres';
import { PostgresDatabase } from '../../database/postgres/postgres-database';
import { SqliteDatabase, type SqlDatabase } from '../../database/sql';

/** Between two looks whether the leader is gone, milliseconds. */
const LOOK_MS = 1_000;

export interface LeadConfig {
  home: string;
  trainingStandby: boolean;
  healthAddress: string;
  /** Of PostgreSQL; absent: SQLite in `home`. */
  trainingDatabaseUrl?: string | undefined;
}

/** The database of the service that leads. */
interface Led {
  database: SqlDatabase;
  /** Closes the database and lets another service lead. */
  release: () => void;
}

interface Lock {
  take(): boolean;
  led(): Led;
  /** Without having led. */
  close(): void;
}

/**
 * Makes this process the one that runs the jobs of a store. With `trainingStandby` it waits for as long as another one does:
 * alive, and not ready. The lock falls with its holder, however that ends: the kernel's with the process, PostgreSQL's with
 * the connection, which the server ends when the process says nothing for seconds.
 * @throws Error when another one leads, and this one is not to wait
 */
export async function lead(config: LeadConfig, log: Logger): Promise<Led> {
  const lock = lockOf(config, log);
  try {
    if (lock.take()) return lock.led();
    if (!config.trainingStandby)
      throw new Error(
        'another training service works on this store; one store has one of them, and others that wait (AUTOMED_TRAINING_STANDBY=true)',
      );
    log.info({ event: 'standby' }, 'another training service leads; waiting');
    await whileNotReady(config.healthAddress, async () => {
      do await sleepMs(LOOK_MS);
      while (!lock.take());
    });
    log.warn({ event: 'leads' }, 'the leader is gone; taking over');
    return lock.led();
  } catch (error) {
    lock.close();
    throw error;
  }
}

const lockOf = (config: LeadConfig, log: Logger): Lock =>
  config.trainingDatabaseUrl === undefined
    ? fileLock(config.home)
    : connectionLock(config.trainingDatabaseUrl, config.home, log);

function fileLock(home: string): Lock {
  let lock: ReturnType<typeof tryLock>;
  return {
    take: () => {
      lock = tryLock(join(home, '.training.lock'));
      return lock !== undefined;
    },
    led: () => {
      const database = new SqliteDatabase(openDatabase(join(home, 'training.db')));
      rmSync(join(home, ELSEWHERE_MARK), { force: true });
      return {
        database,
        release: () => {
          database.close();
          lock?.release();
        },
      };
    },
    close: () => lock?.release(),
  };
}

function connectionLock(url: string, home: string, log: Logger): Lock {
  const database = new PostgresDatabase(url, (reason) => {
    // Another service may lead by now. Workers end with this process.
    log.fatal({ event: 'database-lost', reason }, 'the connection to the database is gone; ending');
    process.exit(1);
  });
  return {
    take: () => database.tryLead(),
    led: () => {
      migratePostgres(database);
      writeFileSync(join(home, ELSEWHERE_MARK), '');
      return { database, release: () => database.close() };
    },
    close: () => database.close(),
  };
}
