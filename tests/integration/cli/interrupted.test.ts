// An interrupted run is gone on with or begun anew as the user says.

import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { microStore, writeDiscs } from '../../support/training-service';
import { automed, startAutomed } from './automed-process';

jest.setTimeout(240_000);

const root = temporaryFolder();
const home = join(root, 'home');
let data: string;

beforeAll(async () => {
  await microStore(home);
  data = writeDiscs(join(root, 'discs'), 8);
});

const train = (epochs: number, ...more: string[]): string[] => [
  ...['train', 'segmentation', '--data', data, '--base', 'micro', '--name', 'disc', '--home', home, '--batch', '2'],
  ...['--epochs', String(epochs), '--device', 'cpu', '--threads', '1', '--mobilenet-width', '0.25', '--no-pictures'],
  ...more,
];

test('there is nothing to resume before a run began', async () => {
  const { code, err } = await automed(...train(1, '--resume'));
  expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('no checkpoint to go on from') });
});

const states = async (): Promise<string[]> => {
  const { jobs } = JSON.parse((await automed('jobs', 'list', '--json', '--home', home)).out) as {
    jobs: { state: string }[];
  };
  return jobs.map(({ state }) => state);
};

test('an interrupted run is neither gone on with nor deleted unasked', async () => {
  const first = startAutomed(train(1000));
  await first.says(/epoch 2\/1000/);
  // Another terminal sees it at work.
  expect(await states()).toEqual(['RUNNING']);
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 130, err: expect.stringContaining('--resume') });
  expect(await states()).toEqual(['RESUMING']);
  const unasked = await automed(...train(1000));
  expect(unasked.code).toBe(2);
  expect(unasked.err).toMatch(/holds an interrupted run \(\d+ epochs done.*--resume .*--restart /);
  expect((await automed(...train(1000, '--resume', '--restart'))).code).toBe(2);
  expect(await automed(...train(1000, '--resume', '--lr', '0.5'))).toMatchObject({
    code: 2,
    err: expect.stringContaining('asked for with other values of overrides'),
  });
  const again = startAutomed(train(1000, '--resume'));
  await again.says(/resuming at epoch ([2-9]|[1-9]\d+)\b/);
  again.child.kill('SIGINT');
  await again.ended;
  const anew = await automed(...train(1, '--restart'));
  expect(anew).toMatchObject({ code: 0, out: expect.stringContaining('trained disc@1') });
  // A run that ended leaves nothing to choose.
  expect(await automed(...train(1))).toMatchObject({ code: 0, out: expect.stringContaining('trained disc@2') });
  expect(await states()).toEqual(['SUCCEEDED', 'SUCCEEDED']);
});

test('--on-interrupt cancel ends the run for good, with code 130 too', async () => {
  const run = startAutomed(train(1000, '--on-interrupt', 'cancel'));
  await run.says(/epoch 2\/1000/);
  run.child.kill('SIGINT');
  expect(await run.ended).toMatchObject({
    code: 130,
    err: expect.stringContaining('disc is cancelled; nothing of it'),
  });
  expect((await states())[0]).toBe('CANCELLED');
  expect(await automed(...train(1, '--resume'))).toMatchObject({ code: 2 });
});

test('what an interrupted run left does not keep another training from running', async () => {
  const left = startAutomed(train(1000));
  await left.says(/epoch 2\/1000/);
  left.child.kill('SIGTERM');
  expect((await left.ended).code).toBe(130);
  const other = await automed(...train(1, '--name', 'other'));
  expect(other).toMatchObject({ code: 0, out: expect.stringContaining('trained other@1') });
  expect((await states()).slice(0, 2)).toEqual(['SUCCEEDED', 'RESUMING']);
});

test('two commands on one store take turns', async () => {
  const first = startAutomed(train(1000, '--name', 'one', '--on-interrupt', 'cancel'));
  await first.says(/images read/);
  const second = startAutomed(train(1, '--name', 'two'));
  await second.says(/another command works on this store; waiting for it/);
  first.child.kill('SIGINT');
  expect(await first.ended).toMatchObject({ code: 130 });
  expect(await second.ended).toMatchObject({ code: 0, out: expect.stringContaining('trained two@1') });
});

test('Ctrl-C ends a command that nothing else listens in with code 130', async () => {
  // No gateway answers there: the command waits for its connection.
  const listener = createServer();
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;
  const connected = new Promise((resolve) => listener.once('connection', resolve));
  const { child, ended } = startAutomed(['models', 'list', '--address', `127.0.0.1:${port}`]);
  await connected;
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ code: 130 });
  listener.close();
});
