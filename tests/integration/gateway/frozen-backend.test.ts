// Backends that stop answering without ending anything: processes stopped by SIGSTOP, and a network that swallows bytes.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { PAUSE_MS, SILENCE_MS } from '../../../services/gateway/adapters/liveness';
import { eventually } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';
import { modelClient } from '../../support/api-clients';

type Models = ReturnType<typeof modelClient>;

let home: string;
const cleanUp: (() => unknown)[] = [];

beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'automed-frozen-'));
});

afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

afterAll(() => rm(home, { recursive: true }));

async function backend(): Promise<Program> {
  const program = await startProgram('inference', { AUTOMED_HOME: home });
  cleanUp.push(() => {
    program.child.kill('SIGCONT');
    return program.stop('SIGKILL');
  });
  return program;
}

async function gatewayTo(...addresses: string[]): Promise<{ program: Program; client: Models }> {
  const rules = [{ service: '*', backends: addresses }];
  const program = await startProgram('gateway', { AUTOMED_ROUTES: JSON.stringify({ rules }) });
  const client = modelClient(program.address);
  cleanUp.push(
    () => program.stop(),
    () => client.close(),
  );
  return { program, client };
}

/** What became of some calls at once: `ok`, or the code of the error. */
function outcomes(client: Models, count: number): Promise<string[]> {
  const call = (): Promise<string> =>
    client.unary('ListModels', {}).then(
      () => 'ok',
      (error: { code: string }) => error.code,
    );
  return Promise.all(Array.from({ length: count }, call));
}

const allOk = (results: string[]): boolean => results.every((each) => each === 'ok');

test('silence is found within 5 s', () => {
  expect(PAUSE_MS + SILENCE_MS).toBeLessThan(5_000);
});

test('a stopped process leaves the rotation, its calls end, and it comes back when it goes on', async () => {
  const [frozen, other] = [await backend(), await backend()];
  const { client } = await gatewayTo(frozen.address, other.address);
  expect(allOk(await outcomes(client, 8))).toBe(true);

  frozen.child.kill('SIGSTOP');
  // None hangs or is lost: those of the silent backend are asked of the living one.
  expect(allOk(await outcomes(client, 8))).toBe(true);
  expect(allOk(await outcomes(client, 8))).toBe(true);
  other.child.kill('SIGSTOP');
  await eventually(async () => (await outcomes(client, 1))[0] !== 'ok');
  expect(await outcomes(client, 1)).not.toContain('ok');

  frozen.child.kill('SIGCONT');
  await eventually(async () => allOk(await outcomes(client, 4)));
  other.child.kill('SIGSTOP');
  other.child.kill('SIGCONT');
  await eventually(async () => allOk(await outcomes(client, 4)));
});

test('a process that is busy for a second or two stays in the rotation', async () => {
  const busy = await backend();
  const { program, client } = await gatewayTo(busy.address);
  for (let turn = 0; turn < 3; turn += 1) {
    busy.child.kill('SIGSTOP');
    const call = outcomes(client, 3);
    await sleep(1_500);
    busy.child.kill('SIGCONT');
    expect(allOk(await call)).toBe(true);
    await sleep(500);
  }
  expect(program.lines.filter(({ code }) => code === 'UNAVAILABLE')).toEqual([]);
});

test('a backend behind a broken network leaves the rotation and comes back when bytes pass again', async () => {
  const far = await backend();
  const network = await breakable(far.address);
  const { client } = await gatewayTo(network.address);
  expect(allOk(await outcomes(client, 2))).toBe(true);
  network.break();
  expect(await outcomes(client, 4)).not.toContain('ok');
  expect(await outcomes(client, 1)).not.toContain('ok');
  network.mend();
  await eventually(async () => allOk(await outcomes(client, 4)));
});

/** Passes connections on, until it swallows what arrives and accepts what it never passes on. */
async function breakable(target: string): Promise<{ address: string; break(): void; mend(): void }> {
  const [host = '', port = ''] = target.split(':');
  const sockets = new Set<Socket>();
  let broken = false;
  const server = createServer((inner) => {
    const outer = connect(Number(port), host);
    for (const [from, to] of [
      [inner, outer],
      [outer, inner],
    ] as const) {
      sockets.add(from);
      if (broken) from.pause();
      from.on('data', (bytes) => to.write(bytes));
      from.on('close', () => {
        sockets.delete(from);
        to.destroy();
      });
      from.on('error', () => undefined);
      if (broken) from.pause();
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  const set = (now: boolean): void => {
    broken = now;
    for (const socket of sockets)
      if (now) socket.pause();
      else socket.resume();
  };
  return {
    address: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    break: () => set(true),
    mend: () => set(false),
  };
}
