// `automed serve` on a machine whose ports are taken.

import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { automed, startAutomed } from './automed-process';

jest.setTimeout(120_000);

const root = temporaryFolder();
const listener = createServer();
let taken: string;

beforeAll(async () => {
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  taken = String((listener.address() as AddressInfo).port);
});

afterAll(() => new Promise((resolve) => listener.close(resolve)));

const serve = (home: string, ...more: string[]): string[] => [
  ...['serve', '--home', join(root, home), '--roles', 'training', '--quiet', ...more],
];

test('serve names the port that is taken, and whose it was to be', async () => {
  const gateway = await automed(...serve('a', '--port', taken, '--no-metrics'));
  expect(gateway.code).toBe(1);
  expect(gateway.err).toContain(`port ${taken} (of the gateway) is taken`);
  const metrics = await automed(...serve('a', '--port', '0', '--metrics-port', taken));
  expect(metrics.code).toBe(1);
  expect(metrics.err).toMatch(new RegExp(`a port of the metrics, ${taken} to \\d+, is taken.*--metrics-port`));
});

test('a second server takes the next free ports by itself, and says so', async () => {
  const first = startAutomed(serve('b'));
  await first.line(/^listening on /);
  const second = startAutomed(serve('c'));
  expect(await second.line(/^listening on /)).toMatch(/^listening on 127\.0\.0\.1:\d+ /);
  expect(await second.says(/port \d+ \(of the gateway\) is taken; taking \d+/)).toBeTruthy();
  expect(await second.says(/port of the metrics, .* is taken; taking \d+ to \d+/)).toBeTruthy();
  for (const server of [first, second]) {
    server.child.kill('SIGTERM');
    expect((await server.ended).code).toBe(0);
  }
});
