// The script as bash runs it.

import { spawnSync } from 'node:child_process';
import { completionScript } from '../../../../../services/cli/commands/completion';
import { buildProgram } from '../../../../../services/cli/main';

const commands = buildProgram().commands.filter((command) => command.name() !== 'completion');

/** What Tab offers after these words, the last of which is begun. */
function completed(...words: string[]): string[] {
  const line = ['automed', ...words].map((word) => `'${word}'`).join(' ');
  const script = `${completionScript(commands, 'bash')}
    COMP_WORDS=(${line}); COMP_CWORD=${words.length}; _automed; printf '%s\\n' "\${COMPREPLY[@]}"`;
  const { stdout, stderr, status } = spawnSync('bash', ['-c', script], { encoding: 'utf8' });
  expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
  return stdout.split('\n').filter((word) => word !== '');
}

test.each([
  [['s'], ['serve', 'segment', 'store']],
  [
    ['models', 'pro'],
    ['promote', 'promotions'],
  ],
  [['train', 'segmentation', '--data', '/d', '--chec'], ['--checkpoint-seconds']],
  [
    ['train', 'segmentation', '--train', ''],
    ['head', 'adapters', 'encoder'],
  ],
  [
    ['bases', 'create', 'mine', '--arch', 'sam-vit'],
    ['sam-vit-b', 'sam-vit-l', 'sam-vit-h'],
  ],
  [['segment', 'picture'], []],
])('after %j Tab offers %j', (words, offered) => {
  expect(completed(...words)).toEqual(offered);
});

test('zsh reads the same script by its emulation of bash', () => {
  const script = completionScript(commands, 'zsh');
  expect(script.split('\n')[0]).toContain('bashcompinit');
  expect(script).toContain(completionScript(commands, 'bash'));
  const zsh = spawnSync('zsh', ['-n', '-c', script], { encoding: 'utf8' });
  if (zsh.error) console.warn('zsh is not installed: its syntax is not checked');
  else expect({ stderr: zsh.stderr, status: zsh.status }).toEqual({ stderr: '', status: 0 });
});
