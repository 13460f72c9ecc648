// Trainings of several ranks through the queue: here as processes of the service's machine, in a cluster as pods.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../../native/lib/native';
import type { TrainingEvent__Output } from '../../../proto/gen/automed/training/v1/TrainingEvent';
import type { TrainingSpec } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import { ModelStore } from '../../../services/store';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { KubernetesApi } from '../../support/kubernetes-api';
import { Pods } from '../../support/pods';
import { startProgram, type Program } from '../../support/stack';
import {
  createJob,
  getJob,
  microSpec,
  microStore,
  statesOf,
  watchToEnd,
  writeDiscs,
  type TrainingClient,
} from '../../support/training-service';
import { trainingJobClient } from '../../support/api-clients';

const { collectivesCompiled } = loadAddon().buildInfo();
const suite = collectivesCompiled ? describe : describe.skip;
const why = collectivesCompiled ? '' : ' (skipped: built without Gloo)';

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let client: TrainingClient;

async function begin(environment: Record<string, string>): Promise<void> {
  service = await startProgram('training', {
    AUTOMED_HOME: home,
    AUTOMED_TRAINING_RETRY_DELAY_MS: '100',
    AUTOMED_TRAINING_STOP_GRACE_MS: '20000',
    ...environment,
  });
  client = trainingJobClient(service.address);
}

async function end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  client.close();
  await service.stop(signal);
}

const processGroup = (changes: TrainingSpec = {}): TrainingSpec => microSpec(data, { ranks: 2, ...changes });

/** Processes that the service has started for a job, in the order of their start. */
const workersOf = (id: string): number[] =>
  service.lines.flatMap((line) =>
    line['event'] === 'worker-started' && line['job'] === id ? [Number(line['workerPid'])] : [],
  );

const epochsOf = (events: readonly TrainingEvent__Output[]): (number | undefined)[] =>
  events.flatMap(({ epoch }) => (epoch ? [epoch.metrics?.epoch] : []));
const firstEpochsOf = (events: readonly TrainingEvent__Output[]): number[] =>
  events.flatMap(({ start }) => (start ? [start.firstEpoch] : []));
const upTo = (count: number): number[] => Array.from({ length: count }, (_, index) => index + 1);

const weightsOf = async (reference: string): Promise<string> =>
  (await (await ModelStore.open(home)).resolveModel(reference)).manifest.weights.sha256;

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 12);
});

suite(`a training of two ranks on the service's machine${why}`, () => {
  const HERE = { AUTOMED_TRAINING_THREADS: '1', AUTOMED_TRAINING_CONCURRENCY: '2' };
  beforeAll(() => begin(HERE));
  afterAll(() => end());

  it('is one job of two processes, which learns what one process learns from batches of both', async () => {
    const { id, spec } = await createJob(client, processGroup({ name: 'two', overrides: { epochs: 2, dropout: 0 } }));
    expect(spec).toMatchObject({ ranks: 2, overrides: { dropout: 0 } });
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'SUCCEEDED']);
    expect(workersOf(id)).toHaveLength(2);
    const alone = await createJob(
      client,
      microSpec(data, { name: 'one', overrides: { epochs: 2, batchSize: 4, dropout: 0 } }),
    );
    const expected = await watchToEnd(client, alone.id);
    const losses = (all: typeof events) => all.flatMap(({ epoch }) => (epoch ? [epoch.metrics?.trainLoss ?? NaN] : []));
    losses(events).forEach((loss, index) => expect(loss).toBeCloseTo(losses(expected)[index]!, 3));
    const { manifest } = await (await ModelStore.open(home)).resolveModel('two@1');
    expect(manifest.training).toMatchObject({ job: id, dropout: 0 });
  });

  it('takes the places of two workers: another job waits for them', async () => {
    const first = await createJob(client, processGroup({ name: 'first', overrides: { epochs: 1000 } }));
    const second = await createJob(client, microSpec(data, { name: 'second' }));
    await eventually(() => workersOf(first.id).length === 2);
    await eventually(async () => (await getJob(client, first.id)).progress !== null, 60_000);
    expect((await getJob(client, second.id)).state).toBe('TRAINING_JOB_STATE_PENDING');
    await client.unary('CancelTrainingJob', { id: first.id });
    expect(statesOf(await watchToEnd(client, first.id)).slice(-2)).toEqual(['CANCELLING', 'CANCELLED']);
    expect(statesOf(await watchToEnd(client, second.id)).at(-1)).toBe('SUCCEEDED');
  });

  it('is paused and resumed as any other', async () => {
    const { id } = await createJob(client, processGroup({ name: 'paused', overrides: { epochs: 10 } }));
    let asked = false;
    const events = await watchToEnd(client, id, ({ epoch, stateChange }) => {
      if (epoch && !asked) {
        asked = true;
        void client.unary('PauseTrainingJob', { id });
      }
      if (stateChange?.state === 'TRAINING_JOB_STATE_PAUSED') void client.unary('ResumeTrainingJob', { id });
    });
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'PAUSING', 'PAUSED', 'RESUMING', 'RUNNING', 'SUCCEEDED']);
    expect(epochsOf(events)).toEqual(upTo(10));
    expect(firstEpochsOf(events)[1]).toBeGreaterThan(1);
  });

  it('that loses a rank, and then the service, ends with the weights of one that was left in peace', async () => {
    const overrides = { epochs: 10 };
    const peaceful = await createJob(client, processGroup({ name: 'peaceful', overrides }));
    await watchToEnd(client, peaceful.id);
    const { id } = await createJob(client, processGroup({ name: 'tormented', overrides }));
    await eventually(async () => ((await getJob(client, id)).progress?.epoch ?? 0) >= 3, 120_000);
    process.kill(workersOf(id)[1]!, 'SIGKILL');
    await eventually(async () => (await getJob(client, id)).attemptCount === 2, 120_000);
    await eventually(async () => ((await getJob(client, id)).progress?.epoch ?? 0) >= 5, 120_000);
    await end('SIGKILL');
    await begin(HERE);
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual([
      ...['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'RESUMING', 'RUNNING'],
      'SUCCEEDED',
    ]);
    const message = events.flatMap(({ stateChange }) => (stateChange ? [stateChange.message] : []))[2];
    expect(message).toBe('The process group was lost: rank 1 was ended by SIGKILL.');
    expect(epochsOf(events)).toEqual(upTo(10));
    expect(events.map(({ sequence }) => Number(sequence))).toEqual(upTo(events.length));
    expect(await weightsOf('tormented@1')).toBe(await weightsOf('peaceful@1'));
  });

  it('fails with the error of its run', async () => {
    const empty = join(root, 'empty');
    mkdirSync(empty);
    const { id } = await createJob(client, processGroup({ name: 'absent', data: empty }));
    expect(statesOf(await watchToEnd(client, id))).toEqual(['PENDING', 'RUNNING', 'FAILED']);
    expect((await getJob(client, id)).error).toMatchObject({ reason: 'INVALID_ARGUMENT', field: 'data' });
  });

  it.each([
    ['more ranks than threads', { ranks: 3 }, 'spec.ranks'],
    ['no rank at all', { ranks: 0 }, 'spec.ranks'],
    ['a dropout of everything', { overrides: { dropout: 1 } }, 'spec.overrides.dropout'],
  ])('is refused with %s', async (_what, changes, field) => {
    await expect(createJob(client, processGroup(changes))).rejects.toMatchObject({ code: 'INVALID_ARGUMENT', field });
  });
});

suite(`a training of two ranks in a cluster${why}`, () => {
  const api = new KubernetesApi();
  let pods: Pods;
  let environment: Record<string, string>;

  beforeAll(async () => {
    const server = await api.start();
    pods = new Pods(api);
    const kubeconfig = join(root, 'kubeconfig');
    writeFileSync(
      kubeconfig,
      JSON.stringify({
        apiVersion: 'v1',
        kind: 'Config',
        clusters: [{ name: 'test', cluster: { server, 'insecure-skip-tls-verify': true } }],
        users: [{ name: 'test', user: {} }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'test' } }],
        'current-context': 'test',
      }),
    );
    environment = {
      KUBECONFIG: kubeconfig,
      AUTOMED_TRAINING_THREADS: '1',
      AUTOMED_TRAINING_LAUNCHER: 'kubernetes',
      AUTOMED_TRAINING_KUBERNETES_IMAGE: 'registry.example/automed:1',
      AUTOMED_TRAINING_KUBERNETES_NAMESPACE: 'training',
      AUTOMED_TRAINING_KUBERNETES_CPU: '1',
      AUTOMED_TRAINING_KUBERNETES_VOLUMES: `store=${home}`,
    };
    await begin(environment);
  });

  afterAll(async () => {
    await end();
    await pods.stop();
    await api.stop();
  });

  it('runs as a Job whose pods are the ranks, and leaves nothing behind', async () => {
    const { id } = await createJob(client, processGroup({ name: 'pods', overrides: { epochs: 2 } }));
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'SUCCEEDED']);
    expect(epochsOf(events)).toEqual([1, 2]);
    expect(await getJob(client, id)).toMatchObject({ result: { model: 'pods@1' }, attemptCount: 1 });
    expect(workersOf(id)).toEqual([]);
    expect(pods.jobs).toHaveLength(1);
    expect(pods.jobs[0]!.spec).toMatchObject({ completions: 2, completionMode: 'Indexed' });
    await eventually(() => api.objects.size === 0);
  });

  it('is a new Job when a pod is lost, and its cancel ends the pods', async () => {
    const before = pods.jobs.length;
    const { id } = await createJob(client, processGroup({ name: 'lost', overrides: { epochs: 1000 } }));
    const reached = (epoch: number) => async () => ((await getJob(client, id)).progress?.epoch ?? 0) >= epoch;
    await eventually(reached(2), 120_000);
    pods.processes[1]!.kill('SIGKILL');
    await eventually(async () => (await getJob(client, id)).attemptCount === 2, 120_000);
    const { epoch = 0 } = (await getJob(client, id)).progress ?? {};
    await eventually(reached(epoch + 2), 120_000);
    expect(pods.jobs).toHaveLength(before + 2);
    await client.unary('CancelTrainingJob', { id });
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual([...['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'CANCELLING'], 'CANCELLED']);
    const messages = events.flatMap(({ stateChange }) => (stateChange ? [stateChange.message] : []));
    expect(messages[2]).toMatch(/^The process group was lost: .*(pod 1 failed|rank 0 failed)/);
    expect(firstEpochsOf(events)[1]).toBeGreaterThan(1);
    expect(pods.processes.every(({ exitCode, signalCode }) => exitCode !== null || signalCode !== null)).toBe(true);
  });

  it('goes on in the cluster while its API is out of reach, and is found again', async () => {
    const before = pods.jobs.length;
    const { id } = await createJob(client, processGroup({ name: 'unheard', overrides: { epochs: 40 } }));
    await eventually(async () => ((await getJob(client, id)).progress?.epoch ?? 0) >= 2, 120_000);
    api.fail(...Array.from({ length: 15 }, () => 503));
    api.dropWatches();
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'SUCCEEDED']);
    expect(epochsOf(events)).toEqual(upTo(40));
    expect(pods.jobs).toHaveLength(before + 1);
  });

  it('goes on in the cluster while the service is gone, which takes it over when it is back', async () => {
    const before = pods.jobs.length;
    const { id } = await createJob(client, processGroup({ name: 'left', overrides: { epochs: 40 } }));
    await eventually(async () => ((await getJob(client, id)).progress?.epoch ?? 0) >= 2, 120_000);
    await end('SIGKILL');
    await begin(environment);
    const events = await watchToEnd(client, id);
    expect(statesOf(events)).toEqual(['PENDING', 'RUNNING', 'RESUMING', 'RUNNING', 'SUCCEEDED']);
    expect(epochsOf(events)).toEqual(upTo(40));
    expect(pods.jobs).toHaveLength(before + 1);
  });
});
