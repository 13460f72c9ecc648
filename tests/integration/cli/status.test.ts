// `automed status` beside a running server, before and after one of its programs freezes.

import { join } from 'node:path';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { microStore } from '../../support/training-service';
import type { Status } from '../../../services/status/collect';
import { automed, childrenOf, startAutomed, type Running } from './automed-process';

jest.setTimeout(300_000);

const home = join(temporaryFolder(), 'home');
const at = ['--home', home];
const running: Running[] = [];
afterAll(async () => {
  for (const { child, ended } of running) {
    child.kill('SIGTERM');
    await ended;
  }
});
const nothing = { healthy: true, problems: [] };

test('a status without a server says how to start one', async () => {
  await microStore(home);
  const { code, err } = await automed('status', ...at);
  expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('`automed serve`') });
});

test('what runs is well, until a program freezes', async () => {
  const server = startAutomed(['serve', '--port', '0', '--metrics-port', '0', '--quiet', ...at]);
  running.push(server);
  await server.line(/^listening on /);
  const told = async (): Promise<{ code: number | null; status: Status }> => {
    const { code, out } = await automed('status', '--json', ...at);
    return { code, status: JSON.parse(out) as Status };
  };
  const well = await told();
  expect(well).toMatchObject({ code: 0, status: { ...nothing, gateway: { health: 'SERVING' }, models: [], jobs: {} } });
  expect(well.status.programs.map(({ program }) => program).sort()).toEqual(['gateway', 'inference', 'training']);
  for (const { residentBytes = 0 } of well.status.programs) expect(residentBytes).toBeGreaterThan(1e6);
  expect(well.status.programs.find(({ program }) => program === 'inference')?.queuedImages).toBe(0);
  const served = well.status.backends.flatMap(({ serving }) => serving);
  expect(served).toEqual(expect.arrayContaining(['automed.segmentation.v1.SegmentationService']));
  expect((await automed('status', ...at)).out).toMatch(/^gateway \S+: SERVING\n[^]*\nhealthy\n$/);

  const training = childrenOf(server.child.pid ?? 0).find(({ command }) => command.includes('training'));
  process.kill(training?.pid ?? 0, 'SIGSTOP');
  try {
    await eventually(async () => {
      const { code, status } = await told();
      return code === 1 && status.problems.some((text) => /does not serve .*TrainingJobService/.test(text));
    }, 90_000);
  } finally {
    process.kill(training?.pid ?? 0, 'SIGCONT');
  }
  await eventually(async () => (await told()).code === 0, 90_000);
});
