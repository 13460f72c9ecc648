import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { lstat, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Telemetry } from '../../../../services/common/telemetry';
import { removeStaleSocket } from '../../../../services/common/unix-socket';
import { startServer } from '../../../support/grpc';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'automed-socket-'));
});
afterEach(() => rm(folder, { recursive: true }));

/** The socket of a process that was ended by SIGKILL. */
async function leftBehind(path: string): Promise<void> {
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => console.log('on'))`;
  const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  child.kill('SIGKILL');
  await once(child, 'close');
  expect((await lstat(path)).isSocket()).toBe(true);
}

test('a server and its metrics listen again where one was killed', async () => {
  const [path, metrics] = [join(folder, 'rpc'), join(folder, 'metrics')];
  await leftBehind(path);
  await leftBehind(metrics);
  const { server, address } = await startServer(() => [], { address: `unix:${path}` });
  expect(address).toBe(`unix:${path}`);
  const telemetry = new Telemetry('other');
  await telemetry.listen(`unix:${metrics}`);
  await telemetry.close();
  await server.drain(0);
  expect(existsSync(path)).toBe(false);
});

test('a socket that a program listens on stays, and is named', async () => {
  const path = join(folder, 'live');
  const live = createServer().listen(path);
  await once(live, 'listening');
  const start = startServer(() => [], { address: `unix:${path}` });
  await expect(start).rejects.toThrow(`Cannot listen on unix:${path}: EADDRINUSE`);
  expect(existsSync(path)).toBe(true);
  await new Promise((resolve) => live.close(resolve));
});

test('a file, a folder and a link are no sockets and stay', async () => {
  const file = join(folder, 'file');
  await writeFile(file, 'kept');
  await symlink(file, join(folder, 'link'));
  for (const path of [file, join(folder, 'link'), folder]) {
    await expect(removeStaleSocket(path)).rejects.toThrow('EEXIST');
  }
  await expect(startServer(() => [], { address: `unix:${file}` })).rejects.toThrow(/Cannot listen on .*no socket/);
  expect(await readFile(file, 'utf8')).toBe('kept');
});

test('a path where nothing is needs nothing', () =>
  expect(removeStaleSocket(join(folder, 'new'))).resolves.toBeUndefined());
