import { CliError, exitCodeOf, oneLine, UsageError } from '../../../../../services/cli/program/errors';
import { automedError, ERROR_CODES } from '../../../../../services/common/errors';

describe('oneLine', () => {
  it.each(ERROR_CODES)('puts an error with code %s on one line', (code) => {
    const line = oneLine(automedError(code, 'first\nsecond.'));
    expect(line).not.toContain('\n');
    expect(line).toContain('first second');
  });

  it('says when to come back', () => {
    expect(oneLine(automedError('QUEUE_FULL', 'The queue is full.', { retryAfterMs: 250 }))).toBe(
      'The queue is full; try again in 250 ms',
    );
  });

  it('says where to look for a model that does not exist', () => {
    expect(oneLine(automedError('NOT_FOUND', 'There is no model "x".'))).toContain('automed models list');
  });

  it.each([
    ['base', 'automed bases list'],
    ['spec.start_from', 'automed models list'],
    ['id', 'automed jobs list'],
  ])('shows where to look for what the field %s names', (field, list) => {
    expect(oneLine(automedError('NOT_FOUND', 'There is no training job "x".', { field }))).toContain(list);
  });

  it.each(['data', 'spec.data', 'file', 'spec.location'])('sends nobody to a list for a path (%s)', (field) => {
    expect(oneLine(automedError('NOT_FOUND', '/nope cannot be read.', { field }))).toBe('/nope cannot be read.');
  });

  it('names the file that does not exist', () => {
    const error = Object.assign(new Error('ENOENT: no such file'), { code: 'ENOENT', path: '/tmp/x.png' });
    expect(oneLine(error)).toBe('/tmp/x.png does not exist');
  });

  it('describes what is no error', () => expect(oneLine('text')).toBe('text'));
});

describe('exitCodeOf', () => {
  it('is 2 for a wrong call and 1 for everything else', () => {
    expect(exitCodeOf(new UsageError('no'))).toBe(2);
    expect(exitCodeOf(new CliError('no'))).toBe(1);
    expect(exitCodeOf(automedError('INTERNAL', 'no'))).toBe(1);
  });
});
