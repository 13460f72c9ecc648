import { readableLine } from '../../../../services/terminal/log-lines';
import { LineSplitter } from '../../../../services/stack/line-splitter';
import { createLogger } from '../../../../services/common/logging';

function logged(write: (log: ReturnType<typeof createLogger>) => void): string {
  const lines: string[] = [];
  write(createLogger('gateway', 'info', { write: (line) => void lines.push(line) }));
  return readableLine(lines.join('').trimEnd());
}

it('the printer shows a log line with its time, program, message and fields', () => {
  expect(logged((log) => log.info({ event: 'listening', address: '127.0.0.1:50051', ms: 3 }, 'ready'))).toMatch(
    /^\d\d:\d\d:\d\d gateway: ready {2}address=127\.0\.0\.1:50051 ms=3$/,
  );
});

it('the printer names warnings and errors, with the message of their cause', () => {
  expect(logged((log) => log.error({ err: new Error('the disk is full') }, 'a job failed'))).toMatch(
    / gateway: ERROR a job failed {2}err="the disk is full"$/,
  );
});

it.each(['', 'plain text', '{"level":30}', '[1]', 'null'])('the printer leaves %j as it is', (line) => {
  expect(readableLine(line)).toBe(line);
});

it('the printer keeps the lines of a stream whole, whatever its chunks', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const chunk of ['on', 'e\ntwo\nth', 'ree']) splitter.add(Buffer.from(chunk));
  expect(lines).toEqual(['one', 'two']);
  splitter.end();
  expect(lines).toEqual(['one', 'two', 'three']);
});
