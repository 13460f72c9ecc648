// Four poisoned sets and four sound ones, trained on the real addon: the run says what is wrong with each, and nothing of the sound.

import { cpSync, mkdirSync, readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput, type WorkerEvent } from '../../../services/worker/protocol/protocol';
import type { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { GREY, png, RGB } from '../../support/images';
import { writeTwoDiscs } from '../../support/prompted-discs';
import { microStore, writeDiscs } from '../../support/training-service';

jest.setTimeout(600_000);

const root = temporaryFolder();
/** Enough for the micro base to draw discs. */
const LEARNS = { epochs: 30, batchSize: 4, learningRate: 3e-3 };

let store: ModelStore;
let jobs = 0;

beforeAll(async () => {
  store = await microStore(join(root, 'home'));
});

async function alarmsOf(data: string, changes: Partial<TrainSpecInput> = {}) {
  const events: WorkerEvent[] = [];
  const spec = trainSpecSchema.parse({
    ...{ task: 'segmentation', name: 'disc', data, store: store.root, base: 'micro', threads: 1, seed: 3 },
    validationFraction: 0.25,
    reportImages: false,
    head: { mobilenetWidth: 0.25 },
    jobFolder: join(root, `job-${(jobs += 1)}`),
    overrides: { epochs: 1, batchSize: 4 },
    ...changes,
  } satisfies TrainSpecInput);
  await runTraining(spec, {
    store,
    createTrainer: createNativeTrainer,
    namedHead: namedNativeHead,
    emit: (event) => events.push(event),
    signal: new AbortController().signal,
    codeVersion: 'test',
  });
  const told = events.flatMap((event) => (event.type === 'alarms' ? [event.alarms] : []));
  return { alarms: told.at(-1) ?? [], lines: events.flatMap((event) => (event.type === 'log' ? [event.message] : [])) };
}

test('patients on both sides of a split are an alarm with their share, and a line of the log', async () => {
  const folder = join(root, 'leaks');
  for (const part of ['train', 'val']) mkdirSync(join(folder, part), { recursive: true });
  const discs = writeDiscs(join(root, 'eight'), 8);
  cpSync(discs, join(folder, 'train'), { recursive: true });
  writeDiscs(join(folder, 'val'), 12);
  const { alarms, lines } = await alarmsOf(folder, { overrides: LEARNS, allowDataProblems: true });
  expect(alarms.map(({ kind }) => kind)).toEqual(['groups-leak']);
  const [leak] = alarms;
  // 8 of the 12 validation images are those of the training part.
  expect(leak?.value).toBeCloseTo(8 / 12, 12);
  expect(lines).toContain(leak?.advice);
});

test('masks of a single pixel are drawn as nothing, which is an alarm', async () => {
  const folder = writeDiscs(join(root, 'dots'), 12);
  for (const file of readdirSync(join(folder, 'masks'))) {
    const mask = Buffer.alloc(64 * 64);
    mask[32 * 64 + 32] = 255;
    writeFileSync(join(folder, 'masks', file), png(64, 64, GREY, 8, mask));
  }
  const { alarms } = await alarmsOf(folder, { overrides: LEARNS });
  expect(alarms.map(({ kind }) => kind)).toEqual(['draws-nothing']);
});

/** Nothing at all in some of the pictures, and nothing drawn. */
function emptied(folder: string, isEmpty: (number: number) => boolean): string {
  for (const file of readdirSync(join(folder, 'masks'))) {
    const number = Number(file.replace('.png', ''));
    if (!isEmpty(number)) continue;
    const pixels = Buffer.from(Array.from({ length: 64 * 64 * 3 }, (_, at) => 60 + ((at * 31 + number * 17) % 40)));
    writeFileSync(join(folder, 'images', file), png(64, 64, RGB, 8, pixels));
    writeFileSync(join(folder, 'masks', file), png(64, 64, GREY, 8, Buffer.alloc(64 * 64)));
  }
  return folder;
}

test('images that are mostly empty flatter the mean, which is an alarm with how much', async () => {
  const folder = emptied(writeDiscs(join(root, 'slices'), 32), (number) => number % 8 > 2);
  const { alarms, lines } = await alarmsOf(folder, { overrides: LEARNS, allowDataProblems: true });
  // Of so few discs a model may learn to draw nothing, by the last digits of a processor's arithmetic; that is said, too.
  expect(alarms.map(({ kind }) => kind).filter((kind) => kind !== 'draws-nothing')).toEqual(['empty-slices-flatter']);
  expect(alarms[0]?.value).toBeGreaterThanOrEqual(0.1);
  expect(lines).toContain(alarms[0]?.advice);
});

/** A base that is trained on prompts, enough to tell two objects apart where the images teach that. */
const PROMPTED = {
  system: 'interactive',
  train: 'encoder',
  head: {},
  overrides: { epochs: 40, batchSize: 8, learningRate: 3e-3 },
} as const;

test('a base that learned from images of one object each draws the same for every prompt, which is an alarm', async () => {
  const folder = writeTwoDiscs(join(root, 'deaf'), { train: 'one', images: 24 });
  const { alarms, lines } = await alarmsOf(folder, PROMPTED);
  expect(alarms.map(({ kind }) => kind)).toEqual(['prompt-deaf']);
  expect(lines).toContain(alarms[0]?.advice);
});

/** Twenty discs, the last six of them in val/. */
function separate(folder: string): string {
  cpSync(writeDiscs(join(root, 'twenty'), 20), join(folder, 'train'), { recursive: true });
  for (const kind of ['images', 'masks']) {
    mkdirSync(join(folder, 'val', kind), { recursive: true });
    for (let number = 14; number < 20; number += 1) {
      const [from, to] = ['train', 'val'].map((part) => join(folder, part, kind, `${number}.png`));
      renameSync(from as string, to as string);
    }
  }
  return folder;
}

const SOUND: [string, () => string, Partial<TrainSpecInput>][] = [
  ['discs', () => writeDiscs(join(root, 'sound'), 16), { overrides: LEARNS }],
  [
    'discs with an empty image among many',
    () => emptied(writeDiscs(join(root, 'few'), 16), (number) => number === 5),
    { overrides: LEARNS },
  ],
  [
    'images of two objects, which prompts tell apart',
    () => writeTwoDiscs(join(root, 'told'), { train: 'two', images: 24 }),
    PROMPTED,
  ],
  ['a validation part of its own', () => separate(join(root, 'parts')), { overrides: LEARNS }],
];

test.each(SOUND)('none of %s', async (_name, write, changes) => {
  expect((await alarmsOf(write(), changes)).alarms).toEqual([]);
});
