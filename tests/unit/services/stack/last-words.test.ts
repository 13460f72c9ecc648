import { LastWords } from '../../../../services/stack/last-words';

function wordsOf(...lines: string[]): string | undefined {
  const words = new LastWords();
  words.add(Buffer.from(`${lines.join('\n')}\n`));
  return words.reason();
}

describe('LastWords', () => {
  it('prefers the last error that was logged', () => {
    const logged = JSON.stringify({ level: 'fatal', message: 'no start', err: { message: 'the port is taken' } });
    expect(wordsOf('some library text', logged, JSON.stringify({ level: 'info', message: 'bye' }))).toBe(
      'no start: the port is taken',
    );
  });

  it("finds the message in Node's report on a crash", () => {
    const report = [
      '/app/dist/services/x.js:12',
      '    throw new Error("kaputt");',
      '    ^',
      '',
      'Error: kaputt',
      '    at Object.<anonymous> (/app/dist/services/x.js:12:11)',
      '    at node:internal/main:1:1',
      '',
      'Node.js v20.20.2',
    ];
    expect(wordsOf(...report)).toBe('Error: kaputt');
  });

  it('knows nothing of a process that wrote nothing', () => expect(new LastWords().reason()).toBeUndefined());

  it('is not confused by half a log line', () => {
    expect(wordsOf('{"level":"error","message":"cut o')).toBeUndefined();
  });
});
