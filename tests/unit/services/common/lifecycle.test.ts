import { shutDown } from '../../../../services/common/lifecycle';
import { memoryLogger } from '../../../support/grpc';

test('drains before it disposes, and ends with 0', async () => {
  const steps: string[] = [];
  const code = await shutDown(
    {
      timeoutMs: 7,
      log: memoryLogger([]),
      drain: async (timeoutMs) => void steps.push(`drain ${timeoutMs}`),
      dispose: async () => void steps.push('dispose'),
    },
    'test',
  );
  expect([code, ...steps]).toEqual([0, 'drain 7', 'dispose']);
});

test('disposes even when draining fails, says so in the log, and ends with 1', async () => {
  const lines: Record<string, unknown>[] = [];
  let disposed = false;
  const plan = {
    timeoutMs: 0,
    log: memoryLogger(lines),
    drain: () => Promise.reject(new Error('stuck')),
    dispose: async () => void (disposed = true),
  };
  expect(await shutDown(plan, 'test')).toBe(1);
  expect(disposed).toBe(true);
  expect(JSON.stringify(lines)).toContain('stuck');
});
