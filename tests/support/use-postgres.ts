// Imported before tests of tables: they run on PostgreSQL then. Where it is not installed there is nothing to run.

import { closeServerDatabases, useServer } from './job-database';
import { startPostgres } from './postgres';

const server = startPostgres();
if (server) useServer(server);
else process.stderr.write('PostgreSQL is not installed (/usr/lib/postgresql): its tables are not tested\n');

export const installed = server !== undefined;

afterAll(async () => {
  closeServerDatabases();
  await server?.stop();
});
