// What a registered version knows of its samples, after real runs on the tiny base.

import { createHash } from 'node:crypto';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { createNativeTrainer, initNativeBase, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { createBase } from '../../../services/worker/domain/bases/create-base';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { evaluateBase } from '../../../services/worker/domain/evaluation/evaluate-base';
import { pictureHash } from '../../../services/datasets/files/picture-hash';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import {
  evaluateBaseSpecSchema,
  trainSpecSchema,
  type TrainSpecInput,
} from '../../../services/worker/protocol/protocol';
import { decodeImage } from '../../../services/imaging/decode';
import {
  isSeen,
  ModelStore,
  partOf,
  readSampleRecord,
  SAMPLES_FILE,
  type RecordedVersion,
  type SamplePart,
  type StoredModel,
} from '../../../services/store';
import { temporaryFolder } from '../../support/data';

jest.setTimeout(240_000);

/** Which of these digests a version has seen, and in which part; undefined when nothing is recorded of it. */
async function seenBy(
  version: RecordedVersion,
  digests: readonly string[],
): Promise<Map<string, SamplePart> | undefined> {
  const record = await readSampleRecord(version);
  if (!record) return undefined;
  const parts = digests.map((digest) => [digest, partOf(record, [digest])] as const);
  return new Map(parts.flatMap(([digest, part]) => (isSeen(part) ? [[digest, part]] : [])));
}

const root = temporaryFolder();
let store: ModelStore;
let data: string;
const logs: string[] = [];
let jobs = 0;

async function train(input: Partial<TrainSpecInput>): Promise<StoredModel> {
  const spec = trainSpecSchema.parse({
    task: 'segmentation',
    name: 'lesion',
    data,
    store: store.root,
    base: 'tiny',
    threads: 1,
    validationFraction: 0.25,
    testFraction: 0.25,
    reportImages: false,
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides: { epochs: 1, batchSize: 4, warmupSteps: 1 },
    ...input,
  } satisfies TrainSpecInput);
  logs.length = 0;
  const { model } = await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: (event) => {
      if (event.type === 'log') logs.push(event.message);
    },
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  return store.resolveModel(model!);
}

const images = (): string[] =>
  readdirSync(join(data, 'images'))
    .sort()
    .map((name) => join(data, 'images', name));
const digestOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex');

/** How many of the data's files are in each part of a version's record. */
async function counted(model: StoredModel): Promise<Partial<Record<SamplePart, number>>> {
  const record = await readSampleRecord(model);
  const counts: Partial<Record<SamplePart, number>> = {};
  for (const path of images()) {
    const part = record!.own.get(digestOf(path));
    if (part !== undefined) counts[part] = (counts[part] ?? 0) + 1;
  }
  return counts;
}

beforeAll(async () => {
  store = await ModelStore.open(join(root, 'home'));
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 16, testCount: 1 });
  data = join(segmentation, 'train');
  await createBase(store, { name: 'tiny', arch: 'tiny', seed: 1 }, initNativeBase);
});

it('the record of samples holds the part of every sample, and of those that a limit left out', async () => {
  const model = await train({ limit: 8 });
  expect(await counted(model)).toEqual({ train: 4, validation: 2, test: 2, unused: 8 });
  expect(model.manifest.files).toHaveProperty([SAMPLES_FILE]);
});

it('the record of samples knows a seen picture in another file format', async () => {
  const model = await train({});
  const record = await readSampleRecord(model);
  const path = images().find((each) => record!.own.get(digestOf(each)) === 'train')!;
  const again = await sharp(path).tiff({ compression: 'lzw' }).toBuffer();
  const digest = pictureHash(await decodeImage(again));
  const strange = pictureHash(await decodeImage(await sharp(path).negate().png().toBuffer()));
  expect(await seenBy(model, [digest, strange])).toEqual(new Map([[digest, 'train']]));
});

it('hands on what a trained base has seen to the heads on it, and says what that makes of their test part', async () => {
  await train({ name: 'first', seed: 1, train: 'adapters', baseName: 'adapted', testFraction: 0 });
  const base = await store.resolveBase('adapted');
  const model = await train({ name: 'second', seed: 2, base: 'adapted' });
  const digests = images().map(digestOf);
  expect([...(await seenBy(base, digests))!.keys()].sort()).toEqual([...digests].sort());
  expect([...(await seenBy(model, digests))!.keys()].sort()).toEqual([...digests].sort());
  expect(model.manifest.dataset.seenBefore).toEqual({ validation: 3, test: 4 });
  expect(logs.find((line) => line.startsWith('4 of 4 test samples'))).toContain('flatter');
});

it('the record of samples makes the evaluation of a base say how many of its images the base has seen', async () => {
  await train({ name: 'third', train: 'adapters', baseName: 'seen', testFraction: 0 });
  const spec = {
    data,
    store: store.root,
    base: 'seen',
    part: 'validation',
    threads: 1,
    jobFolder: join(root, 'measured'),
  };
  const told: string[] = [];
  await evaluateBase(evaluateBaseSpecSchema.parse(spec), {
    store,
    createTrainer: createNativeTrainer,
    emit: (event) => void (event.type === 'log' && told.push(event.message)),
    signal: new AbortController().signal,
  });
  expect(told).toContainEqual(expect.stringMatching(/^seen@1 has seen 3 of the 3 images: the scores flatter it$/));
});

it('the record of samples has nothing to say of a version that recorded nothing, and names it to what is trained on it', async () => {
  const first = await train({ name: 'before', train: 'adapters', baseName: 'unrecorded' });
  const base = await store.resolveBase('unrecorded');
  const path = join(base.folder, 'base.json');
  const manifest = JSON.parse(readFileSync(path, 'utf8')) as { files: Record<string, string> };
  delete manifest.files[SAMPLES_FILE];
  writeFileSync(path, JSON.stringify(manifest));
  expect(await seenBy(await store.resolveBase('unrecorded'), ['0'.repeat(64)])).toBeUndefined();
  const model = await train({ name: 'after', base: 'unrecorded' });
  expect((await readSampleRecord(model))!.unrecorded).toEqual(['unrecorded@1']);
  expect((await readSampleRecord(first))!.unrecorded).toEqual([]);
});

it('the record of samples refuses a record that is not the one that was registered', async () => {
  const model = await train({ name: 'changed' });
  writeFileSync(join(model.folder, SAMPLES_FILE), '{}');
  await expect(seenBy(model, [])).rejects.toMatchObject({ code: 'CHECKPOINT_CORRUPT' });
});
