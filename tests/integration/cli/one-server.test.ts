// Where commands without --address go: to the running server of the store, else to services of their own.

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { microStore, writeDiscs } from '../../support/training-service';
import { automed, startAutomed, type Running } from './automed-process';

jest.setTimeout(180_000);

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
const at = ['--home', home];
const detached = (name: string): string[] => [
  ...['train', 'segmentation', '--data', data, '--base', 'micro', '--name', name, '--epochs', '1', '--batch', '2'],
  ...['--device', 'cpu', '--mobilenet-width', '0.25', '--no-pictures', '--detach', ...at],
];

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
});

async function serve(): Promise<Running> {
  const server = startAutomed(['serve', '--port', '0', '--no-metrics', '--quiet', ...at], {
    AUTOMED_TRAINING_THREADS: '1',
  });
  await server.line(/^listening on /);
  return server;
}

const stateOf = async (id: string): Promise<string> => {
  const { out } = await automed('jobs', 'get', id, '--json', ...at);
  return (JSON.parse(out) as { state: string }).state;
};

test('without a server a detached training waits in the queue, and a watch runs it', async () => {
  const { code, out, err } = await automed(...detached('waits'));
  expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining('waits for the next `automed serve`') });
  const id = out.trim();
  expect(await stateOf(id)).toBe('PENDING');
  expect((await automed('jobs', 'list', ...at)).out).toContain('Waits for a server');
  const watched = await automed('jobs', 'watch', id, ...at);
  expect(watched).toMatchObject({ code: 0, out: expect.stringContaining('trained waits@1') });
  expect(await stateOf(id)).toBe('SUCCEEDED');
  const left = await automed('evaluations', 'create', 'waits', '--data', data, '--detach', ...at);
  expect(left).toMatchObject({ code: 2, err: expect.stringContaining('start `automed serve`') });
});

test('every command finds the running server of its store, and none after that was killed', async () => {
  const server = await serve();
  const id = (await automed(...detached('served'))).out.trim();
  expect(id).toMatch(/^[0-9a-f]{16}$/);
  const commands = [
    ['jobs', 'list'],
    ['evaluations', 'list'],
    ['models', 'promotions'],
    ['models', 'list'],
    ['bases', 'list'],
    ['data', 'list'],
    ['models', 'promote', 'waits@1', '--alias', 'production', '--force', '--reason', 'to try it'],
  ];
  for (const words of commands) {
    const { code, err } = await automed(...words, ...at);
    expect({ words, code, err }).toEqual({ words, code: 0, err: '' });
  }
  expect(await automed('jobs', 'watch', id, ...at)).toMatchObject({ code: 0 });
  // A second store has no server, whatever this one does.
  const other = join(root, 'other');
  await ModelStore.open(other);
  expect(await automed('jobs', 'list', '--home', other)).toMatchObject({
    code: 0,
    out: expect.stringContaining('no jobs yet'),
  });
  server.child.kill('SIGKILL');
  await server.ended;
  expect(JSON.parse(readFileSync(join(home, '.server.json'), 'utf8'))).toMatchObject({ roles: expect.any(Array) });
  // Its services end by themselves, after what they do.
  await eventually(async () => (await automed('jobs', 'list', ...at)).code === 0);
});

test('a server that was stopped is found no more', async () => {
  const server = await serve();
  server.child.kill('SIGTERM');
  expect(await server.ended).toMatchObject({ code: 0 });
  expect(existsSync(join(home, '.server.json'))).toBe(false);
  expect(await automed('models', 'promotions', ...at)).toMatchObject({ code: 0 });
});
