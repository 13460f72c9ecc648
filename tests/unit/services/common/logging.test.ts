import { createLogger } from '../../../../services/common/logging';
import { automedError } from '../../../../services/common/errors';

function logged(write: (log: ReturnType<typeof createLogger>) => void): Record<string, unknown> {
  let text = '';
  write(createLogger('test', 'info', { write: (line) => void (text += line) }));
  return JSON.parse(text) as Record<string, unknown>;
}

test('the logger writes one JSON line with service, level and time', () => {
  const line = logged((log) => log.info({ event: 'x' }, 'hello'));
  expect(line).toMatchObject({ service: 'test', level: 'info', event: 'x', message: 'hello' });
  expect(Date.parse(String(line.time))).not.toBeNaN();
});

test('the logger never writes pixels, even when a caller hands over a whole request', () => {
  const request = { image: { encoded: Buffer.from('PIXELS') }, encoded: 'PIXELS', data: 'PIXELS', model: 'polyp' };
  const line = logged((log) => log.info({ request }, 'oops'));
  expect(JSON.stringify(line)).not.toContain('PIXELS');
  expect(line.request).toMatchObject({ model: 'polyp' });
});

test('the logger writes the causes of an error, and a stack only for faults of ours', () => {
  const cause = new TypeError('inner');
  const typed = logged((log) => log.warn({ err: automedError('NOT_FOUND', 'outer', { cause }) }, 'x'));
  expect(typed.err).toMatchObject({ type: 'NotFoundError', code: 'NOT_FOUND', cause: { message: 'inner' } });
  expect(typed.err).not.toHaveProperty('stack');
  expect(logged((log) => log.error({ err: cause }, 'x')).err).toHaveProperty('stack');
});

test('cuts texts, lists and causes, wherever they are', () => {
  const long = 'x'.repeat(1_000_000);
  let error: Error = automedError('INTERNAL', long);
  for (let depth = 0; depth < 50; depth += 1) error = automedError('NOT_FOUND', long, { cause: error });
  const line = logged((log) =>
    log.child({ requestId: 'r' }).warn({ err: error, names: Array(5_000).fill('n'), deep: { text: long } }, long),
  );
  expect(JSON.stringify(line).length).toBeLessThan(32_768);
  expect(line).toMatchObject({
    requestId: 'r',
    message: expect.stringMatching(/^x+\.\.\. \(1000000 bytes\)$/) as string,
  });
  expect((line.names as string[]).at(-1)).toBe('and 4900 more');
});
