// The command as users run it, against a training service and against a stack of its own.

import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { createJob, microSpec, microStore, watchToEnd, writeDiscs } from '../../support/training-service';
import { startAutomed, type Ended } from './automed-process';
import { trainingJobClient } from '../../support/api-clients';

jest.setTimeout(120_000);

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let address: string[];

const automed = (...args: string[]): Promise<Ended> => startAutomed(['evaluations', ...args]).ended;

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  address = ['--address', service.address];
  const jobs = trainingJobClient(service.address);
  await watchToEnd(jobs, (await createJob(jobs, microSpec(data))).id);
  jobs.close();
});

test('create waits for the scores, get and list show them again, delete takes them away', async () => {
  const how = ['--data', data, '--part', 'all', '--no-images', '--device', 'cpu'];
  const { code, out } = await automed('create', 'disc', ...how, '--json', ...address);
  expect(code).toBe(0);
  const created = JSON.parse(out) as { id: string; scores: Record<string, { low: number; high: number }> };
  expect(created).toMatchObject({ model: 'disc@1', part: 'all', state: 'succeeded', images: 8, units: 8 });
  expect(created.scores['mdsc']?.low).toBeLessThanOrEqual(created.scores['mdsc']?.high ?? -1);
  // Every image has a disc, so that there is no false alarm to count: no number, and not 0.
  expect(created.scores['false_alarm_rate']).toEqual({ value: null, low: null, high: null });
  const shown = await automed('get', created.id, '--worst', '2', ...address);
  expect(shown.out).toMatch(/^mdsc +0\.\d{4} +0\.\d{4} to 0\.\d{4}$/m);
  expect(shown.out).toMatch(/^false_alarm_rate +- +-$/m);
  expect(shown.out).toMatch(/^IMAGE +SCORE +GROUP\n.*images\/\d\.png +0\.\d{4} +-\n/m);
  expect((await automed('list', 'disc', ...address)).out).toMatch(
    new RegExp(`^${created.id}  disc@1  all   succeeded  8       mdsc 0\\.\\d{4} \\(`, 'm'),
  );
  const page = join(root, 'report.html');
  expect(await automed('report', created.id, '--out', page, ...address)).toMatchObject({ code: 0, out: `${page}\n` });
  expect(readFileSync(page)).toEqual(readFileSync(join(home, 'evaluations', created.id, 'report', 'report.html')));
  expect((await automed('report', created.id, '--list', ...address)).out).toMatch(
    /^FILE +SIZE +TYPE\n[^]*overlap-all\.png +\d.*image\/png\n[^]*report\.html/,
  );
  expect((await automed('report', created.id, ...address)).code).toBe(2);
  expect((await automed('delete', created.id, ...address)).out).toBe(`${created.id} is gone\n`);
  expect(existsSync(join(home, 'evaluations', created.id))).toBe(false);
  expect((await automed('get', created.id, ...address)).code).toBe(1);
});

test('an evaluation that fails ends the command with its reason', async () => {
  const absent = await automed('create', 'disc', '--data', join(root, 'nowhere'), ...address);
  expect(absent).toMatchObject({ code: 1, err: expect.stringMatching(/^automed: The data folder \S+ cannot be read/) });
  expect((await automed('list', ...address)).out).toBe('there are no evaluations\n');
  const empty = join(root, 'empty');
  mkdirSync(empty);
  const { code, err } = await automed('create', 'disc', '--data', empty, ...address);
  expect(code).toBe(1);
  expect(err).toContain('the evaluation failed: ');
  expect((await automed('create', 'disc', '--data', data, '--detach')).code).toBe(2);
});

test('without an address the command starts a stack of its own and reaches the service through its gateway', async () => {
  expect(await service.stop()).toBe(0);
  const { code, out } = await automed('list', '--home', home);
  expect(code).toBe(0);
  expect(out).toMatch(/^[0-9a-f]{16} +disc@1 +- +failed +- +-$/m);
});
