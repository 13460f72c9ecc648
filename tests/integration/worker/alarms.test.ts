// Trainings on poisoned data, on the real addon: the run says what is wrong with it.

import { cpSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createNativeTrainer, namedNativeHead } from '../../../services/worker/adapters/native-trainer';
import { runTraining } from '../../../services/worker/domain/training/run-training';
import { trainSpecSchema, type TrainSpecInput, type WorkerEvent } from '../../../services/worker/protocol/protocol';
import type { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { GREY, png } from '../../support/images';
import { microStore, writeDiscs } from '../../support/training-service';

jest.setTimeout(240_000);

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
  const { alarms, lines } = await alarmsOf(folder, { allowDataProblems: true });
  const leak = alarms.find(({ kind }) => kind === 'groups-leak');
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
  expect(alarms.map(({ kind }) => kind)).toContain('draws-nothing');
});

test('a sound set raises none', async () => {
  const { alarms, lines } = await alarmsOf(writeDiscs(join(root, 'sound'), 16), { overrides: LEARNS });
  expect([alarms, lines]).toEqual([[], []]);
});
