// What may go from a store and what must stay, and copies of it that are whole.

import { existsSync, mkdirSync, readFileSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import type { Database } from 'better-sqlite3';
import {
  auditStore,
  backupStore,
  deleteGarbage,
  findGarbage,
  ModelStore,
  restoreStore,
  type RetentionPolicy,
} from '../../../../services/store';
import { openDatabase } from '../../../../services/training/adapters/database';
import { SqlPromotionLog } from '../../../../services/training/adapters/promotion-log';
import { SqliteDatabase } from '../../../../services/database/sql';
import { runCommand } from '../../../support/cli';
import { baseDraft, modelDraft, temporaryFolder, writeWeights } from '../../../support/data';

const folder = temporaryFolder();
const LONG_AGO = new Date(Date.now() - 40 * 24 * 3_600_000);
let count = 0;
const databases: Database[] = [];
afterAll(() => databases.forEach((database) => database.close()));

async function fill(versions = 4) {
  const root = join(folder, String((count += 1)));
  const store = await ModelStore.open(root);
  const base = await store.registerBase(baseDraft('tiny'), writeWeights('base'));
  const reference = { name: 'tiny', version: 1, sha256: base.manifest.weights.sha256 };
  for (let version = 1; version <= versions; version += 1) {
    await store.registerModel({ ...modelDraft('polyp'), base: reference }, writeWeights(`polyp ${version}`));
  }
  const database = openDatabase(join(root, 'training.db'));
  databases.push(database);
  return { root, store, database, reference };
}

const names = async (root: string, policy: Partial<RetentionPolicy> = {}): Promise<string[]> =>
  (await findGarbage(root, { keepVersions: undefined, promotedDays: 30, ...policy })).map(({ name }) => name);

function promoted(database: Database, version: number, when: Date): void {
  const log = new SqlPromotionLog(new SqliteDatabase(database));
  const draft = { kind: 'promotion', model: 'polyp', alias: 'production', fromVersion: null } as const;
  const rest = { gates: [], forced: false, reason: '', requestedBy: '', requestId: null };
  const id = `promotion-${version}`;
  log.insert({ id, ...draft, toVersion: version, ...rest }, 'PENDING');
  log.settle(id, 'DONE');
  database.prepare('UPDATE promotions SET end_time = ? WHERE id = ?').run(when.getTime(), id);
}

function job(database: Database, id: string, state: string, spec: object = {}): void {
  database
    .prepare(
      `INSERT INTO jobs (id, kind, spec, name, task, priority, state, state_message, attempts, failures, create_time, update_time)
       VALUES (?, 'training', ?, 'n', 't', 0, ?, '', 0, 0, 0, 0)`,
    )
    .run(id, JSON.stringify(spec), state);
}

describe('garbage', () => {
  test('of models is what is beyond the newest, has no alias and had none of late', async () => {
    const { root, store, database } = await fill(5);
    await store.setAlias('polyp', 'trial', 1);
    promoted(database, 2, new Date());
    promoted(database, 3, LONG_AGO);
    expect(await names(root)).toEqual([]);
    expect(await names(root, { keepVersions: 2 })).toEqual(['polyp@3']);
    expect(await names(root, { keepVersions: 1, promotedDays: 60 })).toEqual(['polyp@4']);
    expect(await names(root, { keepVersions: 9 })).toEqual([]);
  });

  test('of bases is what training made for models that are gone, and never what somebody brought', async () => {
    const { root, store, reference } = await fill(0);
    const trained = { ...baseDraft('trained'), trainedFrom: reference };
    for (const text of ['used', 'unused', 'new']) await store.registerBase(trained, writeWeights(text));
    await store.registerBase({ ...trained, name: 'prompted', training: { system: 'interactive' } }, writeWeights('p'));
    const used = (await store.resolveBase('trained@1')).manifest;
    const base = { name: 'trained', version: 1, sha256: used.weights.sha256 };
    await store.registerModel({ ...modelDraft('on'), base }, writeWeights('m'));
    for (const version of ['trained/1', 'trained/2', 'prompted/1']) {
      const path = join(root, 'bases', version, 'base.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8')) as object;
      writeFileSync(path, JSON.stringify({ ...manifest, created: LONG_AGO.toISOString() }));
    }
    expect(await names(root)).toEqual(['trained@2']);
  });

  test('are half-written folders that are old, and folders that the queue does not need', async () => {
    const { root, database } = await fill(1);
    const id = (digit: string): string => digit.repeat(16);
    for (const [digit, state] of [
      ['a', 'SUCCEEDED'],
      ['b', 'FAILED'],
      ['c', 'RUNNING'],
      ['d', 'CANCELLED'],
    ] as const) {
      job(database, id(digit), state);
      mkdirSync(join(root, 'jobs', `job-${id(digit)}`), { recursive: true });
    }
    for (const path of [
      `jobs/job-${id('e')}`,
      'jobs/by-hand',
      `evaluations/${id('b')}`,
      `evaluations/${id('f')}`,
      `previews/${id('b')}`,
      `previews/${id('f')}`,
    ]) {
      mkdirSync(join(root, path), { recursive: true });
    }
    const old = `models/polyp/.incoming-999999999-0123abcd-elsewhere`;
    const fresh = `models/polyp/.incoming-999999998-0123abcd-elsewhere`;
    const live = `bases/.incoming-${process.ppid}-0123abcd-${hostname()}`;
    for (const path of [old, fresh, live]) mkdirSync(join(root, path), { recursive: true });
    const hours = (each: number): Date => new Date(Date.now() - each * 3_600_000);
    utimesSync(join(root, old), hours(2), hours(2));
    utimesSync(join(root, live), hours(2), hours(2));
    const expected = [
      old,
      `evaluations/${id('f')}`,
      `jobs/job-${id('a')}`,
      `jobs/job-${id('d')}`,
      `jobs/job-${id('e')}`,
      `previews/${id('f')}`,
    ];
    const found = await findGarbage(root, { keepVersions: undefined, promotedDays: 30 });
    expect(found.map(({ name }) => name).sort()).toEqual(expected.sort());
    await deleteGarbage(root, found);
    expect(expected.filter((path) => existsSync(join(root, path)))).toEqual([]);
    expect([fresh, live, 'jobs/by-hand', `previews/${id('b')}`].every((path) => existsSync(join(root, path)))).toBe(
      true,
    );
  });

  test('is no version that a job needs which waits, runs or can be resumed', async () => {
    const { root, store, database, reference } = await fill(3);
    /** A base that training made, long ago. */
    const trained = async (name: string): Promise<void> => {
      const draft = { ...baseDraft(name), trainedFrom: reference, training: { job: `made-${name}` } };
      const { folder: made, manifest } = await store.registerBase(draft, writeWeights(name));
      writeFileSync(join(made, 'base.json'), JSON.stringify({ ...manifest, created: LONG_AGO.toISOString() }));
    };
    for (const name of ['queued', 'pinned', 'failed', 'own', 'over', 'nobody']) await trained(name);
    const id = (digit: string): string => digit.repeat(16);
    job(database, id('a'), 'PENDING', { base: 'queued', startFrom: 'polyp@1' });
    job(database, id('b'), 'RUNNING', { base: 'absent' });
    mkdirSync(join(root, 'jobs', `job-${id('b')}`), { recursive: true });
    writeFileSync(join(root, 'jobs', `job-${id('b')}`, 'pinned.json'), JSON.stringify({ base: 'pinned@1' }));
    job(database, id('c'), 'FAILED', { base: 'failed@1' });
    job(database, 'made-own', 'RESUMING');
    job(database, id('d'), 'SUCCEEDED', { base: 'over@1' });
    const found = await findGarbage(root, { keepVersions: 1, promotedDays: 30 });
    expect(found.map(({ name }) => name).sort()).toEqual(['nobody@1', 'over@1', 'polyp@2']);
    job(database, id('e'), 'PENDING', { base: 'nobody@1', model: 'polyp@2' });
    expect((await deleteGarbage(root, found)).map(({ name }) => name)).toEqual(['over@1']);
  });

  test('is deleted only by who says so, and a version that has an alias by now stays', async () => {
    const { root, store } = await fill();
    const found = await findGarbage(root, { keepVersions: 1, promotedDays: 30 });
    await store.setAlias('polyp', 'production', 1);
    const gone = await deleteGarbage(root, found);
    expect(gone.map(({ name }) => name)).toEqual(['polyp@2', 'polyp@3']);
    expect((await auditStore(root)).problems).toEqual([]);
    const dry = await runCommand('store', 'gc', '--keep', '1', '--home', root);
    expect(dry).toMatchObject({ code: 0, out: 'nothing to delete\n' });
    await store.deleteAlias('polyp', 'production');
    expect((await runCommand('store', 'gc', '--keep', '1', '--home', root)).out).toMatch(/polyp@1[^]*--yes deletes it/);
    expect((await store.resolveModel('polyp@1')).manifest.version).toBe(1);
    const { out } = await runCommand('store', 'gc', '--keep', '1', '--home', root, '--yes', '--json');
    expect(JSON.parse(out)).toMatchObject({ deleted: true, garbage: [{ kind: 'model', name: 'polyp@1' }] });
    await expect(store.resolveModel('polyp@1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a backup', () => {
  test('is whole though promotions and registrations go on, and makes a store again', async () => {
    const { root, store, database, reference } = await fill(2);
    await store.setAlias('polyp', 'production', 1);
    promoted(database, 1, new Date());
    let busy = true;
    const work = (async () => {
      while (busy) {
        await store.registerModel({ ...modelDraft('polyp'), base: reference }, writeWeights('more'));
        job(database, String(Math.random()).slice(2).padEnd(16, '0'), 'RUNNING');
      }
    })();
    const target = join(folder, 'backup');
    try {
      expect((await backupStore(root, target)).problems).toEqual([]);
    } finally {
      busy = false;
      await work;
    }
    const home = join(folder, 'restored');
    const { code, out } = await runCommand('store', 'restore', target, '--home', home);
    expect([code, out]).toEqual([0, expect.stringMatching(/restored: 1 bases, \d+ models, 1 aliases, .* all checked/)]);
    const restored = await ModelStore.open(home);
    expect((await restored.resolveModel('polyp@production')).manifest.version).toBe(1);
    const again = openDatabase(join(home, 'training.db'));
    expect(new SqlPromotionLog(new SqliteDatabase(again)).done('polyp', 'production')).toHaveLength(1);
    again.close();
    const highest = (await restored.resolveModel('polyp')).manifest.version;
    const readded = await restored.registerModel({ ...modelDraft('polyp'), base: reference }, writeWeights('next'));
    // Not always the next one: the copy may have been made between the number of a version and the version.
    expect(readded.manifest.version).toBeGreaterThan(highest);
  });

  test('may link files, which then take no room', async () => {
    const { root, store } = await fill(1);
    const target = join(folder, 'linked');
    expect((await runCommand('store', 'backup', target, '--link', '--home', root)).code).toBe(0);
    const { weightsPath } = await store.resolveModel('polyp@1');
    expect(statSync(join(target, weightsPath.slice(root.length))).ino).toBe(statSync(weightsPath).ino);
  });

  test('of a damaged store fails and leaves nothing; damage to it is found before anything is restored', async () => {
    const { root, store } = await fill(1);
    const target = join(folder, 'damaged');
    await backupStore(root, target);
    const { weightsPath } = await store.resolveModel('polyp@1');
    writeFileSync(join(target, weightsPath.slice(root.length)), 'pOlyp 1');
    await expect(restoreStore(target, join(folder, 'never'))).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
    expect(existsSync(join(folder, 'never'))).toBe(false);
    writeFileSync(weightsPath, 'pOlyp 1');
    await expect(backupStore(root, join(folder, 'none'))).rejects.toMatchObject({
      code: 'CHECKPOINT_CORRUPT',
      message: expect.stringContaining('The copy is damaged: model polyp@1'),
    });
    expect(existsSync(join(folder, 'none'))).toBe(false);
  });

  test('never writes over what is there', async () => {
    const { root } = await fill(1);
    await expect(backupStore(root, folder)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'target' });
    await expect(restoreStore(root, root)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'home' });
  });
});

test('verify finds a database that is damaged', async () => {
  const { root, database } = await fill(1);
  for (let index = 0; index < 400; index += 1) job(database, String(index).padStart(16, '0'), 'RUNNING');
  database.close();
  expect((await auditStore(root)).problems).toEqual([]);
  const path = join(root, 'training.db');
  const bytes = readFileSync(path);
  bytes.fill(0xff, 4096 * 3, 4096 * 6);
  writeFileSync(path, bytes);
  const { problems } = await auditStore(root);
  expect(problems.length).toBeGreaterThan(0);
  expect(new Set(problems.map(({ subject }) => subject))).toEqual(new Set(['database training.db']));
});
