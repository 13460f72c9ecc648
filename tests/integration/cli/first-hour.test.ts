// README's own sequence: what `--base tiny` means must not change under a new user's hands.

import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { writeDiscs } from '../../support/training-service';
import { automed } from './automed-process';

jest.setTimeout(300_000);

const root = temporaryFolder();
const home = join(root, 'home');
const at = ['--home', home];
const data = writeDiscs(join(root, 'discs'), 6);
const image = join(data, 'images', '0.png');

const train = (name: string, ...more: string[]): string[] => [
  ...['train', 'segmentation', '--data', data, '--base', 'tiny', '--name', name, '--epochs', '1', '--batch', '2'],
  ...['--device', 'cpu', '--threads', '1', '--mobilenet-width', '0.25', '--no-pictures', ...more, ...at],
];

async function bases(): Promise<Record<string, boolean>> {
  const { out } = await automed('bases', 'list', '--json', ...at);
  const listed = JSON.parse(out) as { bases: { name: string; version: number; random_weights: boolean }[] };
  return Object.fromEntries(
    listed.bases.map(({ name, version, random_weights }) => [`${name}@${version}`, random_weights]),
  );
}

test('a base trained with a model is named after it, and the one that it began as stays', async () => {
  expect((await automed('bases', 'create', 'tiny', '--arch', 'tiny', ...at)).out).toContain('created the base tiny@1');
  const first = await automed(...train('polyp', '--train', 'encoder'));
  expect(first).toMatchObject({ code: 0, out: expect.stringContaining('trained polyp@1 on polyp@1, ') });
  expect(await bases()).toEqual({ 'tiny@1': true, 'polyp@1': false });
  // Again: the next version of both; and on its own encoder.
  const again = await automed(...train('polyp', '--train', 'encoder', '--base', 'polyp'));
  expect(again).toMatchObject({ code: 0, out: expect.stringContaining('trained polyp@2 on polyp@2, ') });
  // The name of another base is not taken, though the model has it.
  const namesake = await automed(...train('tiny', '--train', 'encoder'));
  expect(namesake).toMatchObject({ code: 0, out: expect.stringContaining('trained tiny@1 on tiny-encoder@1, ') });
  expect(await bases()).toEqual({ 'tiny@1': true, 'polyp@1': false, 'polyp@2': false, 'tiny-encoder@1': false });
  const { manifest } = await (await ModelStore.open(home)).resolveBase('polyp');
  expect(manifest).toMatchObject({ trainedWith: 'polyp', trainedFrom: { name: 'polyp', version: 1 } });
});

test('lines name the version of the base, and random weights are called that', async () => {
  const frozen = await automed(...train('kept'));
  expect(frozen.out).toContain('trained kept@1 on tiny@1, ');
  expect(frozen.err).toContain('tiny@1 has random weights, and its encoder is not trained');
  expect((await automed('bases', 'list', ...at)).out).toMatch(/^tiny@1 .*random weights$/m);
  const prompted = await automed('segment', image, '--base', 'tiny', '--point', '20,20', ...at);
  expect(prompted.out).toMatch(/, on tiny@1, predicted IoU/);
  expect(prompted.err).toContain('tiny@1 has random weights, which follow no prompt');
  const trained = await automed('segment', image, '--base', 'polyp', '--point', '20,20', ...at);
  expect(trained.err).not.toContain('random weights');
});

test('where everything finds nothing, thresholds are suggested', async () => {
  const words = ['--base', 'polyp', '--everything', '--min-iou', '1', '--points-per-side', '2'];
  const { code, out, err } = await automed('segment', image, ...words, ...at);
  expect({ code, out }).toEqual({ code: 0, out: expect.stringMatching(/: nothing found on polyp@2, \d+ ms\n$/) });
  expect(err).toMatch(/--min-iou below 1, --min-stability below 0\.95.*--points-per-side above 2/);
});
