// The tests of queue and promotions once more, on PostgreSQL.

import { installed } from '../../../../../support/use-postgres';

const SUITES = ['jobs/queue', 'promotions/promotions'];

if (installed) for (const suite of SUITES) describe(suite, () => void jest.requireActual(`../../domain/${suite}.test`));
else test.skip('PostgreSQL is not installed (/usr/lib/postgresql)', () => undefined);
