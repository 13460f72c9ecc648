// The training service's SQLite file: jobs and what belongs to them.

import { openDatabase as open, type Database, type Migration } from '../../common/database';
import { MIGRATIONS } from './migrations';

export type { Database } from '../../common/database';

/** Opens training.db as openDatabase() of services/common does. */
export function openDatabase(path: string, migrations: readonly Migration[] = MIGRATIONS): Database {
  return open(path, migrations, 'training.db');
}
