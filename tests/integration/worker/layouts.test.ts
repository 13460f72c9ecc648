// Trainings on published layouts, from their files to a registered model, on the real addon with the smallest base.

import { copyFileSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeMaskPng } from '../../../services/imaging/mask';
import type { ModelStore } from '../../../services/store';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput, type WorkerEvent } from '../../../services/worker/protocol/protocol';
import { bmp } from '../../support/bmp';
import { temporaryFolder } from '../../support/data';
import { greyDicom, segmentationDicom } from '../../support/dicom';
import { discImage } from '../../support/stack-images';
import { microStore, writeDiscs } from '../../support/training-service';
import { writeTree } from '../../support/tree';

const root = temporaryFolder();
const SIZE = 64;
let store: ModelStore;
let jobs = 0;

beforeAll(async () => {
  store = await microStore(join(root, 'home'));
});

const filesBelow = (folder: string): string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));

async function train(
  input: Partial<TrainSpecInput>,
): Promise<{ events: WorkerEvent[]; model?: string; base?: string }> {
  const events: WorkerEvent[] = [];
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'trained',
    data: root,
    store: store.root,
    base: 'micro',
    threads: 1,
    head: { mobilenetWidth: 0.25 },
    reportImages: false,
    validationFraction: 0.34,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides: { epochs: 1, batchSize: 2 },
    ...input,
  } satisfies TrainSpecInput);
  const { model, base } = await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  return { events, ...(model ? { model } : {}), ...(base ? { base } : {}) };
}

/** A disc of 128 with a cup of 0 on white, as REFUGE draws them. */
function fundusMask(): Buffer {
  const pixels = Array.from({ length: SIZE * SIZE }, (_, at) => {
    const distance = Math.hypot((at % SIZE) - SIZE / 2, Math.floor(at / SIZE) - SIZE / 2);
    return distance < 6 ? 0 : distance < 14 ? 1 : 2;
  });
  return bmp({ width: SIZE, height: SIZE, bits: 8, pixels, greys: [0, 128, 255] });
}

test('REFUGE2 trains disc and cup out of one BMP each, without a word on structures', async () => {
  const files: [string, Buffer][] = [];
  for (const [index, name] of ['g0001', 'g0002', 'n0001', 'n0002', 'n0003'].entries()) {
    const grade = name.startsWith('g') ? 'Glaucoma' : 'Non-Glaucoma';
    files.push([`Training400/${grade}/${name}.jpg`, (await discImage(SIZE, SIZE, index + 1)).png]);
    files.push([`Annotation-Training400/Disc_Cup_Masks/${grade}/${name}.bmp`, fundusMask()]);
  }
  const { model } = await train({ data: writeTree(root, ...files) });
  const { manifest } = await store.resolveModel(model!);
  expect(manifest).toMatchObject({ structures: ['disc', 'cup'], dataset: { samples: { train: 3, validation: 2 } } });
});

test("SAM-Med2D's lists train a base with one sample for each mask", async () => {
  const files: [string, Buffer | string][] = [];
  const list: Record<string, string[]> = {};
  for (const index of [1, 2, 3]) {
    const image = `images/ct_${index}_7.png`;
    files.push([image, (await discImage(SIZE, SIZE, 20 + index)).png]);
    list[`data_demo/${image}`] = ['liver', 'spleen'].map((name) => `data_demo/masks/ct_${index}_7_${name}_000.png`);
    for (const [nth, name] of ['liver', 'spleen'].entries()) {
      const mask = Uint8Array.from({ length: SIZE * SIZE }, (_, at) => (at % SIZE < 20 + 10 * nth ? 1 : 0));
      files.push([`masks/ct_${index}_7_${name}_000.png`, await encodeMaskPng(mask, SIZE, SIZE)]);
    }
  }
  files.push(['image2label_train.json', JSON.stringify(list)]);
  const { base, events } = await train({
    data: writeTree(root, ...files),
    system: 'interactive',
    train: 'adapters',
    head: {},
  });
  expect(base).toBe('trained@1');
  expect(events.find(({ type }) => type === 'started')).toMatchObject({ samples: { train: 4, validation: 2 } });
});

/** A bright or dark disc in 12 bits of a patient. */
function dicomDisc(index: number, bright: boolean, frames = 1): Buffer {
  return greyDicom({
    width: SIZE,
    height: SIZE,
    frames,
    values: Array.from({ length: SIZE * SIZE * frames }, (_, at) => {
      const [x, y, frame] = [at % SIZE, Math.floor(at / SIZE) % SIZE, Math.floor(at / SIZE / SIZE)];
      const inside = Math.hypot(x - 20 - index, y - 30 - frame) < 12;
      return inside === bright ? 3000 : 400 + index;
    }),
    more: {
      '00080018': ['UI', `1.2.${index}`],
      '00100010': ['PN', `Surname${index}^Given`],
      '00100020': ['LO', `SECRET-${Math.floor(index / 2)}`],
    },
  });
}

test('DICOM files train a classifier, patients together, and leave no name behind', async () => {
  const files = Array.from({ length: 12 }, (_, index): [string, Buffer] => [
    `${index % 4 < 2 ? 'bright' : 'dark'}/p${Math.floor(index / 2)}/IM${index}`,
    dicomDisc(index, index % 4 < 2, index === 4 ? 3 : 1),
  ]);
  files.push(['bright/named.dcm', dicomDisc(20, true)]);
  const { model, events } = await train({
    task: 'classification',
    data: writeTree(root, ...files),
    reportImages: true,
  });
  expect(events.find(({ type }) => type === 'started')).toMatchObject({ samples: { train: 10, validation: 5 } });
  const version = await store.resolveModel(model!);
  expect(version.manifest).toMatchObject({ classes: ['bright', 'dark'], dataset: { groupColumn: 'PatientID' } });
  const texts = filesBelow(root).filter((path) => /\.(json|html|md|svg|csv)$/.test(path));
  expect(texts.length).toBeGreaterThan(3);
  for (const text of [...texts.map((path) => readFileSync(path, 'utf8')), JSON.stringify(events)]) {
    expect(text).not.toMatch(/Surname|SECRET/);
  }
});

test('DICOM files and a DICOM segmentation train a segmentation model', async () => {
  const uids = [0, 2, 4, 6, 8].map((index) => `1.2.${index}`);
  const files = [0, 2, 4, 6, 8].map((index): [string, Buffer] => [`images/${index}.dcm`, dicomDisc(index, true)]);
  const foreground = Array.from({ length: SIZE * SIZE }, (_, at) => at).filter((at) => at % SIZE < 20);
  const drawn = segmentationDicom({
    width: SIZE,
    height: SIZE,
    looked: uids,
    frames: [...uids].reverse().map((of) => ({ of, foreground })),
  });
  const { model, events } = await train({ data: writeTree(root, ...files, ['masks/seg.dcm', drawn]) });
  expect(events.find(({ type }) => type === 'started')).toMatchObject({ samples: { train: 3, validation: 2 } });
  expect((await store.resolveModel(model!)).manifest).toMatchObject({ structures: ['foreground'] });
});

test('data whose scores would be wrong is refused by name before a step is made, unless that is allowed', async () => {
  const data = writeDiscs(join(root, 'doubled'), 6);
  copyFileSync(join(data, 'masks/1.png'), join(data, 'masks/6.png'));
  copyFileSync(join(data, 'images/0.png'), join(data, 'images/6.png'));
  await expect(train({ data })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'data',
    message: expect.stringMatching(/the same picture with different answers: images\/[06]\.png, images\/[06]\.png/),
  });
  const { events } = await train({ data, allowDataProblems: true });
  expect(events.flatMap((event) => (event.type === 'log' ? [event.message] : []))).toContainEqual(
    expect.stringMatching(/different answers: images\/[06]\.png, images\/[06]\.png/),
  );
});
