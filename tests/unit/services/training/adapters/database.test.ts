import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../../../../../services/training/adapters/database';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();

test('creates the file with its folder, durable and with checked references', () => {
  const database = openDatabase(join(folder, 'new', 'training.db'));
  expect(database.pragma('journal_mode', { simple: true })).toBe('wal');
  expect(database.pragma('synchronous', { simple: true })).toBe(2);
  expect(database.pragma('foreign_keys', { simple: true })).toBe(1);
  database.close();
});

test('applies each migration once, by name, whatever other areas add in between', () => {
  const path = join(folder, 'migrated.db');
  const [one, two, other] = [
    { name: 'a-001', sql: 'CREATE TABLE a (x INTEGER)' },
    { name: 'a-002', sql: 'INSERT INTO a VALUES (1)' },
    { name: 'b-001', sql: 'INSERT INTO a VALUES (10)' },
  ];
  openDatabase(path, [one]).close();
  openDatabase(path, [one, other]).close();
  const database = openDatabase(path, [one, two, other]);
  expect(database.prepare('SELECT sum(x) FROM a').pluck().get()).toBe(11);
  database.close();
});

test('the database leaves nothing of a migration that fails', () => {
  const path = join(folder, 'failed.db');
  const broken = { name: 'a-001', sql: 'CREATE TABLE a (x INTEGER); INSERT INTO nowhere VALUES (1)' };
  expect(() => openDatabase(path, [broken])).toThrow(/nowhere/);
  const database = openDatabase(path, [{ name: 'a-001', sql: 'CREATE TABLE a (x INTEGER)' }]);
  expect(database.prepare('SELECT count(*) FROM a').pluck().get()).toBe(0);
  database.close();
});

test('the database refuses a file of a newer version, and one that is no database', () => {
  const path = join(folder, 'newer.db');
  openDatabase(path, [{ name: 'future-001', sql: 'SELECT 1' }]).close();
  expect(() => openDatabase(path)).toThrow('newer version of Automed (it has future-001)');
  const text = join(folder, 'text.db');
  writeFileSync(text, 'not a database, but long enough to be taken for a header of one'.repeat(100));
  expect(() => openDatabase(text)).toThrow('training.db is not a database');
});
