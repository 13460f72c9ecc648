// What a training names is looked at before anything is made: no folder, no base, no queued job for a wrong word.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { runCommand } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, startTrainingGateway, type Program } from '../../support/stack';
import { microStore, writeDiscs } from '../../support/training-service';
import { automed } from './automed-process';

const root = temporaryFolder();
const home = join(root, 'store', 'home');
let data: string;

beforeAll(async () => {
  await microStore(home);
  data = writeDiscs(join(root, 'discs'), 8);
});

/** A command line with valid values, in which later words win. */
const train = (...more: string[]): string[] => [
  ...['train', 'segmentation', '--data', data, '--base', 'micro', '--name', 'disc', '--home', home],
  ...['--epochs', '1', '--device', 'cpu', '--threads', '1', ...more],
];

/** Everything below the folder of this test but the images. */
const tree = (): string[] =>
  readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => !path.startsWith('discs'))
    .sort();

describe.each([['my model'], ['../../escaped'], ['a/b'], ['.hidden'], ['Ümlaut'], ['']])('the name %j', (name) => {
  const spec = ['--data', 'DATA', '--base', 'micro'];
  test.each([
    ['train segmentation', ['train', 'segmentation', ...spec, '--name', name]],
    ['train classification', ['train', 'classification', ...spec, '--name', name]],
    ['train base', ['train', 'base', ...spec, '--name', name]],
    ['train --detach', ['train', 'segmentation', ...spec, '--detach', '--address', '127.0.0.1:1', '--name', name]],
    ['train --base-name', ['train', 'segmentation', ...spec, '--name', 'good', '--base-name', name]],
    ['bases create', ['bases', 'create', name, '--arch', 'tiny']],
    ['bases import', ['bases', 'import', 'absent.pth', '--arch', 'tiny', '--name', name]],
    ['data register', ['data', 'register', name, '/data', '--task', 'segmentation', '--address', '127.0.0.1:1']],
  ])('is refused by %s', async (_what, words) => {
    const before = tree();
    const given = words.map((word) => (word === 'DATA' ? data : word));
    const local = ['--detach', 'register'].some((word) => words.includes(word)) ? [] : ['--home', home];
    const { code, err } = await runCommand(...given, ...local);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringContaining('must be 1 to 63 of a-z 0-9 - _ .') });
    expect(tree()).toEqual(before);
  });
});

test.each([
  ['data', ['--data', '/nope/at/all'], /^automed: The data folder \/nope\/at\/all cannot be read\.\n$/],
  ['base', ['--base', 'nobody'], /no base "nobody".*`automed bases list`/],
  ['version of a base', ['--base', 'micro@7'], /micro has no version 7/],
  ['model to start from', ['--start-from', 'nobody@2'], /no model "nobody"/],
  ['backbone', ['--backbone', 'imagenet'], /no backbone "imagenet"/],
  // The base of an architecture would be made for it.
  ['data, when the base is to be made', ['--data', '/nope', '--base', 'tiny', '--train', 'encoder'], /The data folder/],
])('a training with the wrong %s makes nothing', async (_what, words, message) => {
  const before = tree();
  const { code, err } = await automed(...train(...words));
  expect({ code, err }).toEqual({ code: 1, err: expect.stringMatching(message) });
  expect(tree()).toEqual(before);
});

describe('with a running service', () => {
  let service: Program;
  let gateway: Program;

  beforeAll(async () => {
    service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
    gateway = await startTrainingGateway(service);
  });

  afterAll(async () => {
    await gateway.stop();
    await service.stop();
  });

  test.each([
    ['--data', '/nope'],
    ['--base', 'nobody'],
    ['--start-from', 'nobody'],
  ])('--detach queues nothing with a wrong %s', async (option, value) => {
    const address = ['--address', gateway.address];
    const words = [
      'train',
      'segmentation',
      '--data',
      data,
      '--base',
      'micro',
      '--name',
      'disc',
      '--detach',
      ...address,
    ];
    const { code, out, err } = await automed(...words, option, value);
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toContain(value);
    expect((await automed('jobs', 'list', '--json', ...address)).out).toBe('{"jobs":[]}\n');
    expect(existsSync(join(home, 'jobs'))).toBe(false);
  });
});
