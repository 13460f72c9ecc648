// The training service as a process, on a store with a base of the smallest size and a handful of tiny images.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TrainingEvent__Output } from '../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingJob__Output } from '../../proto/gen/automed/training/v1/TrainingJob';
import type { TrainingSpec } from '../../proto/gen/automed/training/v1/TrainingSpec';
import { ModelStore, WEIGHTS_FILE } from '../../services/store';
import { initNativeBase } from '../../services/worker/adapters/native-trainer';
import { baseDraft } from './data';
import { GREY, png, RGB } from './images';
import { MICRO_ARCHITECTURE } from './micro';
import type { trainingJobClient } from './api-clients';

export type TrainingClient = ReturnType<typeof trainingJobClient>;

const SIZE = 64;

/** Pictures of one bright disc each, with its mask; where it is depends on the number. */
export function writeDiscs(folder: string, count: number): string {
  for (const name of ['images', 'masks']) mkdirSync(join(folder, name), { recursive: true });
  for (let number = 0; number < count; number += 1) {
    const pixels = Buffer.alloc(SIZE * SIZE * 3);
    const mask = Buffer.alloc(SIZE * SIZE);
    const [cx, cy, radius] = [16 + ((number * 7) % 32), 16 + ((number * 13) % 32), 6 + (number % 5)];
    for (let at = 0; at < mask.length; at += 1) {
      const inside = Math.hypot((at % SIZE) - cx, Math.floor(at / SIZE) - cy) < radius;
      mask[at] = inside ? 255 : 0;
      pixels.fill((inside ? 200 : 60) + ((at * 31 + number * 17) % 40), at * 3, at * 3 + 3);
    }
    writeFileSync(join(folder, 'images', `${number}.png`), png(SIZE, SIZE, RGB, 8, pixels));
    writeFileSync(join(folder, 'masks', `${number}.png`), png(SIZE, SIZE, GREY, 8, mask));
  }
  return folder;
}

/** A store with the base `micro`. */
export async function microStore(home: string): Promise<ModelStore> {
  const store = await ModelStore.open(home);
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initNativeBase(MICRO_ARCHITECTURE, 1, join(folder, WEIGHTS_FILE));
  });
  return store;
}

/** A training of a second or so. */
export function microSpec(data: string, changes: TrainingSpec = {}): TrainingSpec {
  return {
    task: 'TASK_SEGMENTATION',
    name: 'disc',
    data,
    base: 'micro',
    device: 'cpu',
    reportImages: false,
    validationFraction: 0.25,
    head: { mobilenetWidth: 0.25 },
    seed: 3,
    ...changes,
    overrides: { epochs: 1, batchSize: 2, ...changes.overrides },
  };
}

/** What a stream of events says a job came to. */
export async function watchToEnd(
  client: TrainingClient,
  id: string,
  onEvent: (event: TrainingEvent__Output) => void = () => undefined,
  fromSequence = 0,
): Promise<TrainingEvent__Output[]> {
  const events: TrainingEvent__Output[] = [];
  for await (const { event, heartbeat } of client.serverStream('WatchTrainingJob', { id, fromSequence })) {
    if (heartbeat) continue;
    if (event === null) throw new Error('an answer without an event');
    events.push(event);
    onEvent(event);
  }
  return events;
}

export async function createJob(
  client: TrainingClient,
  spec: TrainingSpec,
  requestId = '',
): Promise<TrainingJob__Output> {
  const { job } = await client.unary('CreateTrainingJob', { requestId, spec });
  if (job === null) throw new Error('an answer without a job');
  return job;
}

export async function getJob(client: TrainingClient, id: string): Promise<TrainingJob__Output> {
  const { job } = await client.unary('GetTrainingJob', { id });
  if (job === null) throw new Error('an answer without a job');
  return job;
}

/** The states that a history goes through, without their prefix. */
export function statesOf(events: readonly TrainingEvent__Output[]): string[] {
  return events.flatMap(({ stateChange }) =>
    stateChange ? [stateChange.state.replace('TRAINING_JOB_STATE_', '')] : [],
  );
}
