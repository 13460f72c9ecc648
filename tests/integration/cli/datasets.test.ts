// Registered data sets from the command line, through a gateway.

import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, startTrainingGateway, type Program } from '../../support/stack';
import { microStore, writeDiscs } from '../../support/training-service';

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let gateway: Program;

const address = (): string[] => ['--address', gateway.address];

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  gateway = await startTrainingGateway(service);
});

afterAll(async () => {
  await gateway.stop();
  await service.stop();
});

test('data register, validate, list, get and delete lead a data set through its life, and train names it', async () => {
  const registered = await automed('data', 'register', 'discs', data, '--task', 'segmentation', ...address());
  expect(registered).toMatchObject({ code: 0, err: '', out: expect.stringMatching(/^registered discs@1;/) });
  const train = [
    'train',
    'segmentation',
    '--dataset',
    'discs',
    '--base',
    'micro',
    '--name',
    'x',
    '--detach',
    ...address(),
  ];
  const early = await automed(...train);
  expect(early).toMatchObject({ code: 1, err: expect.stringMatching(/discs@1 was not checked yet/) });
  const validated = await automed('data', 'validate', 'discs', ...address());
  expect({ code: validated.code, err: validated.err }).toEqual({ code: 0, err: '' });
  expect(validated.out).toMatch(/^discs@1 +segmentation +READY +8 +plain /m);
  const listed = JSON.parse((await automed('data', 'list', '--json', ...address())).out) as { datasets: object[] };
  expect(listed.datasets).toMatchObject([{ name: 'discs', state: 'READY', images: 8, location: data }]);
  const queued = await automed(...train, '--json');
  expect(queued).toMatchObject({ code: 0, err: '' });
  const { id } = JSON.parse(queued.out) as { id: string };
  await automed('jobs', 'cancel', id, ...address());
  const short = ['--epochs', '1', '--batch', '2', '--mobilenet-width', '0.25', '--no-pictures', '--device', 'cpu'];
  const kept = (await automed(...train, '--name', 'kept', '--seed', '7', ...short)).out.trim();
  expect(await automed('jobs', 'watch', kept, ...address())).toMatchObject({ code: 0 });
  const store = await ModelStore.open(home);
  const { dataset, training } = (await store.resolveModel('kept')).manifest;
  expect(dataset).toMatchObject({ reference: 'discs@1', fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/) });
  const shown = await automed('models', 'show', 'kept', '--home', home);
  expect(shown.code).toBe(0);
  const base = (await store.resolveBase('micro')).manifest.weights.sha256;
  expect(shown.out).toMatch(new RegExp(`^base +micro@1, sha256 ${base}$`, 'm'));
  expect(shown.out).toMatch(/^data set +discs@1$/m);
  expect(shown.out).toContain(dataset.fingerprint);
  expect(shown.out).toMatch(/^split +seed 7, validation 0\.2, test 0 where the data has none$/m);
  expect(shown.out).toMatch(/^hyperparameters +system automed, recipe default, optimizer adam, .*epochs 1, /m);
  expect(shown.out).toMatch(/^seed +7$/m);
  expect(shown.out).toContain(`cpu, ${training.hardware?.cpu}, 1 threads`);
  expect(shown.out).toMatch(new RegExp(`^job +${kept}$`, 'm'));
  expect(shown.out).toMatch(/^duration +\d+ s$/m);
  expect(shown.out).toMatch(/^code version +\d+\.\d+\.\d+$/m);
  expect(shown.out).toMatch(/^validation +mdsc +0\.\d{4} +0\.\d{4} to 0\.\d{4}$/m);
  expect((await automed('data', 'delete', 'discs@1', ...address())).code).toBe(0);
  expect((await automed('data', 'get', 'discs', ...address())).err).toMatch(/There is no data set "discs"/);
});

test('data validate ends with 1 and names the files when a data set is rejected', async () => {
  const leaky = join(root, 'leaky');
  for (const part of ['train', 'val']) writeDiscs(join(leaky, part), 3);
  copyFileSync(join(leaky, 'train/masks/2.png'), join(leaky, 'val/masks/1.png'));
  await automed('data', 'register', 'leaky', leaky, '--task', 'segmentation', ...address());
  const { code, out, err } = await automed('data', 'validate', 'leaky', ...address());
  expect({ code, err }).toEqual({ code: 1, err: 'automed: leaky@1 is rejected\n' });
  expect(out).toMatch(
    /^error: the same picture is in train and validation: train\/images\/0\.png, val\/images\/0\.png$/m,
  );
  expect(out).toMatch(/^error: the same picture with different answers: train\/images\/1\.png, val\/images\/1\.png$/m);
});

test('train wants a folder or the name of a data set, one of them', async () => {
  const base = ['train', 'segmentation', '--base', 'micro', '--name', 'x'];
  for (const words of [[], ['--data', root, '--dataset', 'discs']]) {
    const { code, err } = await automed(...base, ...words);
    expect({ code, err }).toEqual({ code: 2, err: expect.stringMatching(/--data FOLDER, or --dataset NAME/) });
  }
});
