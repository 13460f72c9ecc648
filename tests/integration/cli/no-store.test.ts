// A mistyped store holds nothing: commands that read say so, and leave no store behind.

import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { buildProgram } from '../../../services/cli/main';
import { runCommand } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { writeDiscs } from '../../support/training-service';

jest.setTimeout(60_000);

const root = temporaryFolder();
const data = writeDiscs(join(root, 'discs'), 4);
const image = join(data, 'images', '0.png');
const typo = join(root, 'hmoe');
const copy = join(root, 'copy');

/** Commands that ask a running server alone, and say where there is none. */
const ASKS = ['status'];

/** What makes a store where there is none, each by what it is asked to make. */
const CREATES = [
  ...['demo', 'serve', 'bases create', 'bases import', 'data register', 'store restore', 'pacs serve'],
  // Of the commands that train, only where they make the base too.
  ...['train segmentation', 'train classification', 'train base', 'reproduce'],
];

/** Every other command, with words that are right but for the store. */
const READS: Readonly<Record<string, string[]>> = {
  segment: [image, '--model', 'polyp'],
  classify: [image, '--model', 'tumour'],
  analyze: [image, '--model', 'polyp'],
  load: [image, '--model', 'polyp'],
  evaluate: ['polyp', '--data', data],
  'data validate': ['polyps'],
  'data get': ['polyps'],
  'data list': [],
  'data next-labels': ['polyps@1', '--base', 'b'],
  'data delete': ['polyps@1'],
  'jobs list': [],
  'jobs get': ['3f9c2a7be01d4c55'],
  'jobs watch': ['3f9c2a7be01d4c55'],
  'jobs cancel': ['3f9c2a7be01d4c55'],
  'jobs pause': ['3f9c2a7be01d4c55'],
  'jobs resume': ['3f9c2a7be01d4c55'],
  'jobs delete': ['3f9c2a7be01d4c55'],
  'jobs report': ['3f9c2a7be01d4c55', '--list'],
  'evaluations create': ['polyp', '--data', data],
  'evaluations list': [],
  'evaluations get': ['3f9c2a7be01d4c55'],
  'evaluations report': ['3f9c2a7be01d4c55', '--list'],
  'evaluations cancel': ['3f9c2a7be01d4c55'],
  'evaluations delete': ['3f9c2a7be01d4c55'],
  'bases export': ['tiny', '--out', copy],
  'bases evaluate': ['tiny', '--data', data],
  'bases list': [],
  'models list': [],
  'models show': ['polyp'],
  'models alias': ['polyp', 'production', '--version', '1'],
  'models promote': ['polyp@1', '--alias', 'production'],
  'models rollback': ['polyp', '--alias', 'production'],
  'models promotions': [],
  'models export': ['polyp', '--out', copy],
  'models report': ['polyp', '--list'],
  'models delete': ['polyp@1'],
  'data check': [data, '--base', 'tiny'],
  'store verify': [],
  'store gc': [],
  'store backup': [copy],
};

/** Commands of commands, of those that work on a store. */
function commandsOnStores(): string[] {
  const found: string[] = [];
  const visit = (path: string, command: Command): void => {
    if (command.options.some(({ long }) => long === '--home')) found.push(path);
    for (const each of command.commands) visit(`${path} ${each.name()}`.trim(), each);
  };
  visit('', buildProgram());
  return found;
}

test('every command on a store is one that makes it or one that does not', () => {
  expect(commandsOnStores().sort()).toEqual([...CREATES, ...ASKS, ...Object.keys(READS)].sort());
});

describe.each([
  ...Object.entries(READS),
  ['train segmentation', ['--data', data, '--base', 'b', '--name', 'n']] as const,
])('%s', (command, words) => {
  test('fails where there is no store, says what to do, and makes none', async () => {
    const { code, out, err } = await runCommand(...command.split(' '), ...words, '--home', typo);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(`automed: There is no store in ${typo}: there is no such folder; \`automed bases create NAME`);
    expect([typo, copy].map((path) => existsSync(path))).toEqual([false, false]);
  });
});

describe.each([
  ['demo', ['--out', join(root, 'demo')]],
  ['serve', []],
  ['bases create', ['tiny', '--arch', 'tiny']],
  ['data register', ['polyps', data, '--task', 'segmentation']],
  ['train segmentation', ['--data', data, '--base', 'tiny', '--train', 'encoder', '--name', 'n']],
  ['reproduce', ['table9', '--data', data, '--out', join(root, 'unmade')]],
])('%s', (command, words) => {
  test('says at once what is in the way of a store that cannot be made', async () => {
    const home = join(image, 'home');
    const { code, err } = await runCommand(...command.split(' '), ...words, '--home', home);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/^automed: the folder \S+ cannot be made: \S+ is not a folder\.?\n$/i),
    });
    expect(err).toContain(`${image} is not a folder`);
  });
});

test('a reproduction on a base of the store fails likewise, and one on data that is not there', async () => {
  const out = join(root, 'reproduced');
  const words = ['reproduce', 'table9', '--out', out, '--home', typo];
  const onBase = await runCommand(...words, '--data', data, '--base', 'polyp');
  expect(onBase).toMatchObject({ code: 1, err: expect.stringContaining(`There is no store in ${typo}`) });
  const onNothing = await runCommand(...words, '--data', join(root, 'nothing'));
  expect(onNothing).toMatchObject({ code: 1, err: expect.stringContaining('cannot be read') });
  expect([typo, out].map((path) => existsSync(path))).toEqual([false, false]);
});

test('a backup that is none is named, not the store', async () => {
  const { code, err } = await runCommand('store', 'restore', typo, '--home', copy);
  expect({ code, err }).toEqual({
    code: 1,
    err: `automed: The backup cannot be used. There is no store in ${typo}: there is no such folder.\n`,
  });
  expect(existsSync(copy)).toBe(false);
});

test('a folder of something else and a file are no stores', async () => {
  const [other, file] = [join(root, 'other'), join(root, 'file')];
  await mkdir(other);
  await writeFile(file, '');
  const inFolder = await runCommand('models', 'list', '--home', other);
  expect(inFolder.err).toContain(`There is no store in ${other}: it holds no folder "models"`);
  const inFile = await runCommand('models', 'list', '--home', file);
  expect(inFile.err).toContain(`There is no store in ${file}: there is no such folder`);
});
