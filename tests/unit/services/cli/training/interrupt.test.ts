import { PassThrough } from 'node:stream';
import { askWhatToDo, choice } from '../../../../../services/cli/training/interrupt';

const answered = async (text: string | null): Promise<string> => {
  const [input, output] = [new PassThrough(), new PassThrough()];
  const chosen = askWhatToDo('Cancel (c), or leave it (Enter)? ', input, output);
  if (text === null) input.end();
  else input.write(text);
  return chosen;
};

describe('Ctrl-C while a training is watched', () => {
  it.each([
    ['c\n', 'cancel'],
    [' Cancel\n', 'cancel'],
    ['\n', 'detach'],
    ['what?\n', 'detach'],
    // The terminal is gone.
    [null, 'detach'],
  ])('takes the answer %j for %s', async (text, what) => {
    expect(await answered(text)).toBe(what);
  });

  it('asks nothing where the command line said it, or nobody is there to ask', async () => {
    expect(await choice('cancel', 'SIGINT', '')).toBe('cancel');
    expect(await choice(undefined, 'SIGTERM', '')).toBe('detach');
  });
});
