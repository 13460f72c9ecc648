// The script as the shells run it.

import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { completionScript } from '../../../../../services/cli/commands/completion';
import { buildProgram } from '../../../../../services/cli/main';
import { temporaryFolder } from '../../../../support/data';

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

const CASES: [words: string[], offered: string[]][] = [
  [['s'], ['serve', 'status', 'segment', 'store']],
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
  [['help', 'da'], ['data']],
  [['--v'], ['--version']],
  // Files, which the shell finds by itself.
  [['segment', 'picture'], []],
  [['segment', ''], []],
  [['train', 'segmentation', '--data', ''], []],
];

test.each(CASES)('after %j Tab offers %j', (words, offered) => {
  expect(completed(...words)).toEqual(offered);
});

test('where a command takes no name, Tab offers its options', () => {
  expect(completed('serve', '')).toEqual(expect.arrayContaining(['--port', '--home', '--help']));
});

describe('in zsh', () => {
  const found = spawnSync('zsh', ['--version']).error === undefined;
  if (!found) console.warn('Completion in zsh is not checked: zsh is not installed.');
  const inZsh = found ? test : test.skip;
  const folder = temporaryFolder();
  const file = join(folder, 'automed.zsh');

  beforeAll(() => writeFileSync(file, completionScript(commands, 'zsh')));

  inZsh('the script has no fault of syntax', () => {
    const { stdout, stderr, status } = spawnSync('zsh', ['-n', file], { encoding: 'utf8' });
    expect({ stdout, stderr, status }).toEqual({ stdout: '', stderr: '', status: 0 });
  });

  /**
   * The lines after a Tab in an interactive zsh on a terminal, each as `[line]`.
   * @param before what the user's .zshrc did
   */
  function tabbed(lines: readonly string[], before = ''): string[] {
    const typed = lines.map((line) => `zpty -w -n shell $'\\x15'${quoted(`${line}\t`)}$'\\x18'\nheard '*\\]\\]*'`);
    const script = `
      zmodload zsh/zpty
      heard() { local all= part; while [[ $all != \${~1} ]]; do zpty -r shell part || exit 3; all+=$part; done; print -rn -- "$all" }
      zpty shell zsh -f -i
      zpty -w shell ${quoted(`PS1=; bindkey -e; show() { print -r -- "[[$BUFFER]]" }; zle -N show; bindkey '^X' show; cd ${folder}; ${before}`)}
      zpty -w shell ${quoted(`source ${file}; echo RE''ADY`)}
      heard '*READY*'
      ${typed.join('\n')}`;
    const { stdout, status } = spawnSync('zsh', ['-f', '-c', script], {
      encoding: 'utf8',
      timeout: 30_000,
      env: { ...process.env, TERM: 'dumb', HOME: folder },
    });
    expect({ stdout, status }).toEqual({ stdout: expect.not.stringMatching(/not found|_automed:/), status: 0 });
    return [...stdout.matchAll(/\[\[(automed[^\]]*)\]\]/g)].map(([, line = '']) => line);
  }

  const quoted = (text: string): string => `'${text.replaceAll("'", `'\\''`)}'`;

  inZsh.each([
    ['whether or not the completion system was loaded', ''],
    ['after it was', 'autoload -Uz compinit && compinit -i'],
  ])('Tab completes commands, options, their values and files, %s', (_when, before) => {
    writeFileSync(join(folder, 'picture.png'), '');
    const lines = {
      'automed mo': 'automed models ',
      'automed models pro': 'automed models promot',
      'automed train segmentation --chec': 'automed train segmentation --checkpoint-seconds ',
      'automed train segmentation --train ad': 'automed train segmentation --train adapters ',
      'automed segment pic': 'automed segment picture.png ',
      'automed train segmentation --data pic': 'automed train segmentation --data picture.png ',
    };
    expect(tabbed(Object.keys(lines), before)).toEqual(Object.values(lines));
  });

  inZsh('as a file of $fpath it is found, too', () => {
    writeFileSync(join(folder, '_automed'), completionScript(commands, 'zsh'));
    const load = `fpath=(${folder} $fpath); autoload -Uz compinit && compinit -i -D`;
    writeFileSync(file, '');
    expect(tabbed(['automed mo', 'automed models rol'], load)).toEqual(['automed models ', 'automed models rollback ']);
  });
});
