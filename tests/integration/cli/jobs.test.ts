// Training jobs from the command line, through a gateway, with a training service that dies on the way.

import { mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, startTrainingGateway, type Program } from '../../support/stack';
import { microStore, writeDiscs } from '../../support/training-service';
import { startAutomed } from './automed-process';

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let gateway: Program;

const start = (address = '127.0.0.1:0'): Promise<Program> =>
  startProgram('training', {
    AUTOMED_HOME: home,
    AUTOMED_ADDRESS: address,
    AUTOMED_TRAINING_THREADS: '1',
    // Watches outlive their connections.
    AUTOMED_MAX_CONNECTION_AGE_MS: '1000',
    AUTOMED_MAX_CONNECTION_AGE_GRACE_MS: '500',
  });
const address = (): string[] => ['--address', gateway.address];
const train = (name: string, epochs: number, ...more: string[]): string[] => [
  ...['train', 'segmentation', '--data', data, '--base', 'micro', '--name', name, '--epochs', String(epochs)],
  ...[
    '--batch',
    '2',
    '--device',
    'cpu',
    '--mobilenet-width',
    '0.25',
    '--no-pictures',
    '--detach',
    ...address(),
    ...more,
  ],
];

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  service = await start();
  gateway = await startTrainingGateway(service);
});

afterAll(async () => {
  await gateway.stop();
  await service.stop();
});

test('train --detach prints an id, and jobs watch follows the job to its end though the service is killed', async () => {
  const queued = await automed(...train('disc', 12, '--request-id', 'first'));
  expect(queued).toMatchObject({ code: 0, err: '' });
  const id = queued.out.trim();
  expect((await automed(...train('disc', 12, '--request-id', 'first'))).out.trim()).toBe(id);
  const watching = startAutomed(['jobs', 'watch', id, ...address()]);
  await watching.says(/epoch 2\/12/);
  await service.stop('SIGKILL');
  service = await start(service.address);
  const { code, out, err } = await watching.ended;
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/^trained disc@1, validation mdsc \d/) });
  expect(err).toContain('disc: the connection is lost; trying again\n');
  const epochs = [...err.matchAll(/epoch (\d+)\/12: loss/g)].map(([, epoch]) => Number(epoch));
  expect(epochs).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
  expect(err).toContain('disc: RESUMING: The service was restarted.\n');
  const page = join(root, 'report.html');
  expect(await automed('jobs', 'report', id, '--out', page, ...address())).toMatchObject({ code: 0, out: `${page}\n` });
  expect(readFileSync(page, 'utf8')).toContain('<h1>disc</h1>');
  expect(await automed('jobs', 'report', 'absent', '--out', page, ...address())).toMatchObject({
    code: 1,
    err: expect.stringContaining('There is no training job'),
  });
  expect(await automed('jobs', 'report', id, '--list', '--address', '127.0.0.1:1')).toMatchObject({
    code: 1,
    err: expect.stringContaining('no gateway answers'),
  });
});

test('jobs watch --previews writes pictures of every epoch with their captions, also of a job that has ended', async () => {
  const id = (await automed(...train('seen', 2).filter((word) => word !== '--no-pictures'))).out.trim();
  for (const folder of ['now', 'later'].map((name) => join(root, name))) {
    const { code, err } = await automed('jobs', 'watch', id, '--previews', folder, ...address());
    expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
    const epochs = ['epoch-0001', 'epoch-0002'];
    expect(readdirSync(folder).sort()).toEqual(epochs.flatMap((epoch) => [`${epoch}.png`, `${epoch}.txt`]));
    expect(readFileSync(join(folder, 'epoch-0001.txt'), 'utf8')).toMatch(
      /^(images\/\d\.png: Dice [01]\.\d{3}, IoU [01]\.\d{3}\n)+$/,
    );
    expect(readFileSync(join(folder, 'epoch-0002.png')).subarray(1, 4).toString()).toBe('PNG');
  }
  expect((await automed('jobs', 'delete', id, ...address())).code).toBe(0);
});

test('jobs are listed, described, paused, resumed, cancelled and deleted', async () => {
  const id = (await automed(...train('long', 1000))).out.trim();
  const act = async (...words: string[]) => (await automed('jobs', ...words, id, ...address())).out.trim();
  expect(await act('pause')).toMatch(new RegExp(`^${id} is PAUS(ED|ING)$`));
  const listed = await automed('jobs', 'list', '--json', ...address());
  const { jobs } = JSON.parse(listed.out) as { jobs: { name: string; state: string }[] };
  expect(jobs.map(({ name }) => name)).toEqual(['long', 'disc']);
  expect((await automed('jobs', 'get', id, ...address())).out).toMatch(/^base +micro@1$/m);
  expect((await automed('jobs', 'list', ...address())).out).toMatch(/^JOB +NAME +STATE[^]*disc +SUCCEEDED/);
  const state = async () =>
    (JSON.parse((await automed('jobs', 'get', id, '--json', ...address())).out) as { state: string }).state;
  while ((await state()) !== 'PAUSED') continue;
  expect(await act('resume')).toBe(`${id} is RESUMING`);
  expect(await act('cancel')).toMatch(/is CANCELL(ING|ED)$/);
  expect(await automed('jobs', 'watch', id, ...address())).toMatchObject({
    code: 1,
    err: expect.stringContaining('long was cancelled'),
  });
  expect(await act('delete')).toBe(`deleted ${id}`);
  expect(await automed('jobs', 'get', id, ...address())).toMatchObject({
    code: 1,
    err: expect.stringMatching(/There is no training job/),
  });
});

test('ranks and dropout travel with a detached training', async () => {
  const refused = await automed(...train('process-group', 1, '--ranks', '64'));
  expect(refused).toMatchObject({ code: 1, err: expect.stringContaining('64 ranks are more than the 1') });
  const id = (await automed(...train('dropped', 1, '--dropout', '0.5'))).out.trim();
  expect((await automed('jobs', 'watch', id, ...address())).code).toBe(0);
  const { manifest } = await (await ModelStore.open(home)).resolveModel('dropped');
  expect(manifest.training).toMatchObject({ dropout: 0.5, job: id });
});

test('a failure names its cause, and a wrong command line says what is wrong', async () => {
  const empty = join(root, 'nothing');
  mkdirSync(empty);
  const id = (await automed(...train('absent', 1, '--data', empty))).out.trim();
  const { code, err } = await automed('jobs', 'watch', id, ...address());
  expect([code, err]).toEqual([1, expect.stringMatching(/absent failed: .*nothing/)]);
  const remote = await automed(...train('remote', 1, '--address', 'host.invalid:1', '--data', 'data/discs'));
  expect(remote).toMatchObject({ code: 2, err: expect.stringContaining('give it in full') });
  const nobody = await automed('jobs', 'list', '--address', '127.0.0.1:1');
  expect(nobody).toMatchObject({ code: 1, err: expect.stringContaining('no gateway answers at 127.0.0.1:1') });
});
