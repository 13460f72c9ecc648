// `automed evaluate` through a gateway, of versions that know what they were trained on.

import { createHash } from 'node:crypto';
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMaskPng } from '../../../services/imaging/mask';
import { ModelStore, WEIGHTS_FILE, writeSampleRecord, type SamplePart } from '../../../services/store';
import { runCommand as automed } from '../../support/cli';
import { temporaryFolder } from '../../support/data';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';
import { modelClient } from '../../support/api-clients';

const root = temporaryFolder();
const data = join(root, 'data');
const [WIDTH, HEIGHT] = [60, 40];
/** By the number of the picture. */
const PARTS: SamplePart[] = ['train', 'train', 'train', 'validation', 'test', 'unused', 'unused', 'unused'];
let inference: Program;
let gateway: Program;
let address: string[];

const digestOf = (n: number): string =>
  createHash('sha256')
    .update(readFileSync(join(data, 'images', `${n}.png`)))
    .digest('hex');

/** A second version with the weights of the first, and a record. */
async function addRecorded(store: ModelStore): Promise<void> {
  const { manifest, weightsPath } = await store.resolveModel('disc@1');
  const { name, base, preprocessing, architecture, training, metrics, dataset, codeVersion, licence } = manifest;
  if (manifest.task !== 'segmentation') throw new Error('a segmentation model was expected');
  const { task, structures, threshold } = manifest;
  const shared = { name, base, preprocessing, architecture, training, metrics, dataset, codeVersion, licence };
  await store.registerModel({ ...shared, task, structures, threshold }, async (folder) => {
    copyFileSync(weightsPath, join(folder, WEIGHTS_FILE));
    const own = new Map(PARTS.map((part, n): [string, SamplePart] => [digestOf(n), part]));
    await writeSampleRecord(folder, { own, inherited: new Map([[digestOf(7), 'train']]), unrecorded: ['old@1'] });
  });
}

beforeAll(async () => {
  for (const name of ['images', 'masks']) mkdirSync(join(data, name), { recursive: true });
  const half = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, at) => (at % WIDTH < WIDTH / 2 ? 1 : 0));
  for (const n of PARTS.keys()) {
    writeFileSync(join(data, 'images', `${n}.png`), (await discImage(WIDTH, HEIGHT, n + 1)).png);
    writeFileSync(join(data, 'masks', `${n}.png`), await encodeMaskPng(half, WIDTH, HEIGHT));
  }
  const home = join(root, 'home');
  await (await makeStore(home)).addSegmentation('disc', 2);
  await addRecorded(await ModelStore.open(home));
  inference = await startProgram('inference', { AUTOMED_HOME: home });
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: inference.address,
    AUTOMED_CLASSIFICATION_BACKENDS: inference.address,
  });
  address = ['--address', gateway.address];
});

afterAll(async () => {
  await gateway.stop();
  await inference.stop();
});

async function evaluate(model: string, ...options: string[]): Promise<{ report: object; err: string }> {
  const { code, out, err } = await automed('evaluate', model, '--data', data, '--json', ...options, ...address);
  if (code !== 0) throw new Error(err);
  return { report: JSON.parse(out) as object, err };
}

it('evaluate measures what the version has not seen, and says what it leaves out', async () => {
  const { report, err } = await evaluate('disc@2');
  expect(report).toMatchObject({ split: 'unseen', images: 3, seen: 0 });
  expect(err).toContain('measured on 3 images that disc@2 has not seen, without 5 images that it has seen');
  expect(err).toContain('old@1, which disc@2 was trained on, does not record what it has seen');
});

it('evaluate measures a part of the training, or everything with its count of seen images', async () => {
  expect((await evaluate('disc@2', '--split', 'validation')).report).toMatchObject({ images: 1, seen: 1 });
  expect((await evaluate('disc@2', '--split', 'test')).report).toMatchObject({ split: 'test', images: 1, seen: 0 });
  const { report, err } = await evaluate('disc@2', '--split', 'all');
  expect(report).toMatchObject({ split: 'all', images: 8, seen: 5 });
  expect(err).toContain('disc@2 has seen 5 of the 8 images');
  expect((await evaluate('disc@2', '--limit', '2')).report).toMatchObject({ images: 2, seen: 0 });
});

it('evaluate says of a version of before that it does not know', async () => {
  const { report, err } = await evaluate('disc@1');
  expect(report).toMatchObject({ split: 'all', images: 8, seen: null });
  expect(err).toContain('disc@1 does not record what it was trained on');
});

it('evaluate refuses digests that are none, and too many of them', async () => {
  const client = modelClient(gateway.address);
  for (const bytes of [33, 32 * 32_769]) {
    const call = client.unary('LookUpSamples', { model: 'disc', digests: Buffer.alloc(bytes) });
    await expect(call).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field: 'digests' });
  }
  client.close();
});
