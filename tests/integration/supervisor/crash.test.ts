// A crash of native code under load: one process dies, is started again, and callers who repeat notice nothing.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AutomedClient } from '../../../services/client';
import { segmentationClient } from '../../support/api-clients';
import { eventually } from '../../support/grpc';
import { healthClient } from '../../support/health';
import { GREY, png } from '../../support/images';
import { startProgram, type Program } from '../../support/stack';
import { makeStore } from '../../support/stack-store';

const folder = mkdtempSync(join(tmpdir(), 'automed-crash-'));
const probes = `unix:${join(folder, 'health.sock')}`;
const image = { encoded: png(64, 64, GREY, 8, Buffer.alloc(64 * 64, 90)) };
const large = { encoded: png(4000, 4000, GREY, 8, Buffer.alloc(4000 * 4000, 90)) };

let supervisor: Program;
let gateway: Program;
const { check, close } = healthClient(probes);

beforeAll(async () => {
  await (await makeStore(join(folder, 'store'))).addSegmentation('polyp');
  supervisor = await startProgram(
    'supervisor',
    { AUTOMED_HOME: join(folder, 'store'), AUTOMED_PRELOAD: 'polyp', AUTOMED_HEALTH_ADDRESS: probes },
    [
      '-r',
      join(__dirname, '../../support/stack-register.cjs'),
      join(__dirname, '../../../services/supervisor/main.ts'),
      'inference',
    ],
  );
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: supervisor.address,
    AUTOMED_CLASSIFICATION_BACKENDS: '',
    AUTOMED_TRAINING_BACKENDS: '',
  });
});

afterAll(async () => {
  close();
  await gateway.stop();
  expect(await supervisor.stop()).toBe(0);
  rmSync(folder, { recursive: true });
});

/** Process ids of the lives of the inference program, from its log. */
const lives = (): number[] =>
  supervisor.lines
    .filter((line) => line['service'] === 'inference' && line['event'] === 'listening')
    .map((line) => Number(line['pid']));

test.each(['SIGABRT', 'SIGSEGV'] as const)(
  '%s takes the worker alone; calls that are repeated are answered',
  async (signal) => {
    await eventually(async () => (await check('')) === 'SERVING');
    const before = lives();
    const single = segmentationClient(supervisor.address);
    const client = new AutomedClient(gateway.address, { timeoutMs: 120_000, attempts: 20 });
    const lost = single.unary('Segment', { model: 'polyp', image: large });
    const repeated = Array.from({ length: 6 }, () => client.segmentation.segment({ model: 'polyp', image }));
    await sleep(20);
    process.kill(before.at(-1) ?? 0, signal);

    await expect(lost).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
    expect([await check(''), await check('liveness')]).toEqual(['NOT_SERVING', 'SERVING']);
    const answers = await Promise.all(repeated);
    expect(answers.map(({ masks }) => masks.length)).toEqual(Array(6).fill(1));

    await eventually(async () => (await check('')) === 'SERVING');
    expect(lives()).toHaveLength(before.length + 1);
    expect(supervisor.lines.find((line) => line['event'] === 'program-died')?.['message']).toContain(
      'the inference service was killed by SIG',
    );
    single.close();
    client.close();
  },
);

test('a program that hangs is killed and started again', async () => {
  const register = ['-r', join(__dirname, '../../support/stack-register.cjs')];
  const keeper = await startProgram(
    'supervisor',
    { AUTOMED_HOME: join(folder, 'store'), AUTOMED_LIVENESS_INTERVAL_MS: '500' },
    [...register, join(__dirname, '../../../services/supervisor/main.ts'), 'inference'],
  );
  const pids = (): number[] =>
    keeper.lines
      .filter((line) => line['service'] === 'inference' && line['event'] === 'listening')
      .map((line) => Number(line['pid']));
  try {
    process.kill(pids()[0] ?? 0, 'SIGSTOP');
    await eventually(() => pids().length > 1, 120_000);
    expect(keeper.lines.some((line) => line['event'] === 'program-hung')).toBe(true);
  } finally {
    expect(await keeper.stop()).toBe(0);
  }
});

test('a program that does not start is told, with its reason, and not tried for ever', async () => {
  await expect(
    startProgram('supervisor', { AUTOMED_ROLES: 'painting' }, [
      ...['-r', join(__dirname, '../../support/stack-register.cjs')],
      ...[join(__dirname, '../../../services/supervisor/main.ts'), 'inference'],
    ]),
  ).rejects.toThrow('AUTOMED_ROLES');
});
