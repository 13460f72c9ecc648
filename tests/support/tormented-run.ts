// One training that is killed again and again, beside the same training left in peace.

import { join } from 'node:path';
import type { TrainingEvent__Output } from '../../proto/gen/automed/training/v1/TrainingEvent';
import { AutomedClient } from '../../services/client';
import { ModelStore } from '../../services/store';
import { draws, MortalService, type Victim } from './chaos';
import {
  createJob,
  getJob,
  microSpec,
  microStore,
  statesOf,
  writeDiscs,
  type TrainingClient,
} from './training-service';
import { trainingJobClient } from './api-clients';

export interface RunOutcome {
  state: string;
  /** Metrics of every epoch, in the order in which they were told. */
  curve: unknown[];
  sha256: string;
  sequences: number[];
  states: string[];
  versions: number;
}

export interface Comparison {
  peaceful: RunOutcome;
  tormented: RunOutcome;
  victims: Victim[];
}

export interface Plan {
  kills: number;
  epochs: number;
  /** Events between a worker's start and its end at most. */
  mostEvents: number;
  seed: number;
}

async function follow(
  client: TrainingClient,
  watcher: AutomedClient,
  id: string,
  home: string,
  events: TrainingEvent__Output[] = [],
): Promise<RunOutcome> {
  for await (const event of watcher.trainingJobs.watch(id, { patienceMs: 120_000 })) events.push(event);
  const { state, name, result } = await getJob(client, id);
  const store = await ModelStore.open(home);
  const mine = (await store.listModels()).filter(({ manifest }) => manifest.name === name);
  const sha256 = result ? (await store.resolveModel(result.model)).manifest.weights.sha256 : '';
  return {
    state,
    curve: events.flatMap(({ epoch }) => (epoch ? [epoch.metrics] : [])),
    sha256,
    sequences: events.map(({ sequence }) => Number(sequence)),
    states: statesOf(events),
    versions: mine.length,
  };
}

/** Runs the same training twice in one store, the second time under torment. */
export async function compareUnderTorment(
  root: string,
  { kills, epochs, mostEvents, seed }: Plan,
): Promise<Comparison> {
  const home = join(root, 'home');
  const data = writeDiscs(join(root, 'discs'), 12);
  await microStore(home);
  const service = await MortalService.start({
    AUTOMED_HOME: home,
    AUTOMED_TRAINING_THREADS: '1',
    AUTOMED_TRAINING_MAX_ATTEMPTS: '1000',
    AUTOMED_TRAINING_RETRY_DELAY_MS: '0',
  });
  const client = trainingJobClient(service.address);
  const watcher = new AutomedClient(service.address);
  const overrides = { epochs, horizontalFlip: true, rotationDegrees: 20 };
  try {
    const calm = await createJob(client, microSpec(data, { name: 'peaceful', overrides }));
    const peaceful = await follow(client, watcher, calm.id, home);
    const { id } = await createJob(client, microSpec(data, { name: 'tormented', overrides }));
    let over = false;
    const seen: TrainingEvent__Output[] = [];
    const following = follow(client, watcher, id, home, seen).finally(() => (over = true));
    const events = (): number => seen.length;
    const victims = await service.torment({ kills, random: draws(seed), mostEvents, events, isOver: () => over });
    return { peaceful, tormented: await following, victims };
  } finally {
    client.close();
    watcher.close();
    await service.stop();
  }
}
