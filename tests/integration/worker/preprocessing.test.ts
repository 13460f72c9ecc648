// What a base and its data say of images reaches the trainer, the manifest and whoever runs the model afterwards.

import { copyFileSync, mkdirSync, readdirSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { decodeImage } from '../../../services/imaging/decode';
import { ModelStore, WEIGHTS_FILE, type StoredModel } from '../../../services/store';
import { answerNatively } from '../../../services/worker/adapters/native-golden';
import { loadNativePredictor } from '../../../services/worker/adapters/native-predictor';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { createBase } from '../../../services/worker/domain/bases/create-base';
import { writeDemoData, type DemoFolders } from '../../../services/synthetic/demo-data';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput } from '../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../support/data';
import { greyDicom, type DicomElements } from '../../support/dicom';

jest.setTimeout(240_000);

const MACHINE = { device: 'cpu', threads: 1 };
const root = temporaryFolder();
let store: ModelStore;
let data: DemoFolders;
let jobs = 0;

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 8, testCount: 3 });
  const { manifest, weightsPath } = await createBase(store, { name: 'tiny', arch: 'tiny', seed: 1 }, initNativeBase);
  const { family, parameters, origin, licence, architecture } = manifest;
  const published = { ...architecture, fit: 'stretch', channels: 'bgr', resize: 'nearest' } as const;
  await store.registerBase(
    { name: 'published', family, parameters, origin, licence, architecture: published },
    async (folder) => {
      await copyFile(weightsPath, join(folder, WEIGHTS_FILE));
    },
  );
});

async function train(input: Partial<TrainSpecInput>): Promise<StoredModel> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data: join(data.segmentation, 'train'),
    store: store.root,
    base: 'tiny',
    threads: 1,
    seed: 7,
    validationFraction: 0.25,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides: { epochs: 1, batchSize: 4 },
    ...input,
  } satisfies TrainSpecInput);
  const { model } = await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    answerGolden: answerNatively,
    emit: () => undefined,
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  return store.resolveModel(model ?? '');
}

/** The mask that a model draws on a picture, as evaluations run it. */
async function draw(model: StoredModel, picture: string): Promise<Uint8Array | undefined> {
  const { name, version } = model.manifest.base;
  const predictor = await loadNativePredictor({ model, base: await store.resolveBase(`${name}@${version}`) }, MACHINE);
  const pixels = await decodeImage(await readFile(picture));
  try {
    return (await predictor.segment(pixels, 0.5, new AbortController().signal))[0];
  } finally {
    await predictor.close();
  }
}

it('heads record what their base knows, SAM-AutoMed with the paper’s resizing', async () => {
  const drawing = await train({ base: 'published' });
  expect(drawing.manifest.preprocessing).toMatchObject({ fit: 'pad-or-stretch', channels: 'bgr', resize: 'bilinear' });
  const classifying = await train({
    base: 'published',
    task: 'classification',
    name: 'kind',
    data: join(data.classification, 'train'),
  });
  expect(classifying.manifest.preprocessing).toMatchObject({ fit: 'stretch', channels: 'bgr', resize: 'nearest' });
  const plain = await train({ name: 'plain' });
  expect(Object.keys(plain.manifest.preprocessing).sort()).toEqual(['fit', 'image_size', 'mean', 'std']);
});

it('DICOM of 12 bits trains on levels that are not rounded, and its model says so; 8 bits say nothing', async () => {
  const from = join(data.segmentation, 'train');
  /** The same pictures as DICOM: every level of 8 bits is 16 of the stored values, and `between` of them more. */
  const stored = async (folder: string, between: (at: number) => number): Promise<string> => {
    const to = join(root, folder);
    for (const kind of ['images', 'masks']) mkdirSync(join(to, kind), { recursive: true });
    for (const name of readdirSync(join(from, 'images'))) {
      const { data: grey, info } = await sharp(join(from, 'images', name))
        .toColourspace('b-w')
        .raw()
        .toBuffer({ resolveWithObject: true });
      const values = Array.from(grey, (value, at) => Math.min(4080, 16 * value + between(at)));
      const more: DicomElements = {
        '00280101': ['US', [12]],
        '00280102': ['US', [11]],
        '00281050': ['DS', '2040'],
        '00281051': ['DS', '4080'],
        '00281056': ['CS', 'LINEAR_EXACT'],
        '0020000d': ['UI', `1.2.3.${readdirSync(join(from, 'images')).indexOf(name) + 1}`],
      };
      const bytes = greyDicom({ width: info.width, height: info.height, values, more });
      await writeFile(join(to, 'images', `${name.split('.')[0]}.dcm`), bytes);
    }
    for (const mask of readdirSync(join(from, 'masks')))
      copyFileSync(join(from, 'masks', mask), join(to, 'masks', mask));
    return to;
  };
  const coarse = await train({ name: 'coarse', data: await stored('coarse', () => 0) });
  const fine = await train({ name: 'fine', data: await stored('fine', (at) => at % 8) });
  expect(fine.manifest.preprocessing).toMatchObject({ levels: 'exact' });
  // Rounded to 8 bits these pictures are the same.
  expect(fine.manifest.weights.sha256).not.toBe(coarse.manifest.weights.sha256);
  const narrow = await train({ name: 'eight' });
  expect(narrow.manifest.preprocessing).not.toHaveProperty('levels');
});

it('12 bits in 16 with their window train and draw as their 8-bit twins do', async () => {
  const [from, to] = [join(data.segmentation, 'train'), join(root, 'twelve')];
  for (const folder of ['images', 'masks']) mkdirSync(join(to, folder), { recursive: true });
  for (const mask of readdirSync(join(from, 'masks'))) copyFileSync(join(from, 'masks', mask), join(to, 'masks', mask));
  const pictures = readdirSync(join(from, 'images'));
  for (const name of pictures) {
    const image = sharp(join(from, 'images', name))
      .removeAlpha()
      .raw();
    const { data: bytes, info } = await image.toBuffer({ resolveWithObject: true });
    const raw = { width: info.width, height: info.height, channels: info.channels };
    const wide = sharp(
      Uint16Array.from(bytes, (value) => 16 * value),
      { raw },
    );
    await wide
      .toColourspace('rgb16')
      .png()
      .toFile(join(to, 'images', `${name.split('.')[0]}.png`));
  }
  const narrow = await train({ name: 'narrow' });
  const twin = await train({ name: 'twin', data: to, intensity: 'window:0:4080' });
  const dark = await train({ name: 'dark', data: to });
  expect(twin.manifest.preprocessing).toMatchObject({ intensity: { policy: 'window', low: 0, high: 4080 } });
  expect(twin.manifest.weights.sha256).toBe(narrow.manifest.weights.sha256);
  expect(dark.manifest.weights.sha256).not.toBe(narrow.manifest.weights.sha256);
  const [name = ''] = pictures;
  const expected = await draw(narrow, join(from, 'images', name));
  expect(await draw(twin, join(to, 'images', `${name.split('.')[0]}.png`))).toEqual(expected);
});
