// What a training worker leaves when it is killed, and what becomes of it. Runs the compiled worker on a micro base, so that
// a process is there and gone within a second or two.

import { fork, type ChildProcess } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { initBase } from '../../../native/lib';
import { ModelStore, WEIGHTS_FILE } from '../../../services/store';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { resumePoint, type JobState } from '../../../services/worker/job-folder/job-state';
import { launchWorker } from '../../../services/worker/launch/launch-worker';
import type { TrainSpecInput, WorkerEvent } from '../../../services/worker/protocol/protocol';
import type { EpochMetrics } from '../../../services/scoring/results/epoch-metrics';
import { baseDraft, temporaryFolder } from '../../support/data';
import { MICRO_ARCHITECTURE, MICRO_BASE } from '../../support/micro';

jest.setTimeout(240_000);

const WORKER = join(__dirname, '..', '..', '..', 'dist', 'services', 'worker', 'main.js');
const root = temporaryFolder();
const home = join(root, 'home');
let store: ModelStore;
let data: string;
let jobs = 0;

const specOf = (input: Partial<TrainSpecInput>): TrainSpecInput => ({
  task: 'segmentation',
  name: 'lesion',
  data,
  store: home,
  base: 'micro',
  threads: 1,
  seed: 5,
  jobFolder: join(root, `job-${(jobs += 1)}`),
  head: { mobilenetWidth: 0.25 },
  overrides: { epochs: 3, batchSize: 2, accumulationSteps: 3, warmupSteps: 2, batchNorm: 'reestimate' },
  reportImages: false,
  checkpointSteps: 1,
  ...input,
});

beforeAll(async () => {
  store = await ModelStore.open(home);
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 12, testCount: 0 });
  data = join(segmentation, 'train');
  const draft = baseDraft('micro', { family: 'sam-med2d', architecture: MICRO_ARCHITECTURE });
  await store.registerBase(draft, async (folder) => {
    await initBase(MICRO_BASE, 1, join(folder, WEIGHTS_FILE));
  });
});

interface Ending {
  events: WorkerEvent[];
  signal: NodeJS.Signals | null;
}

/** Runs a worker to its end; `onEvent` may kill it. */
function runWorker(spec: TrainSpecInput, onEvent: (event: WorkerEvent, child: ChildProcess) => void): Promise<Ending> {
  const child = fork(WORKER, [], {
    env: { ...process.env, OMP_NUM_THREADS: '1' },
    stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
  });
  const events: WorkerEvent[] = [];
  child.on('message', (message) => {
    const event = message as WorkerEvent;
    events.push(event);
    onEvent(event, child);
  });
  child.send({ type: 'train', spec });
  return new Promise((resolve) => {
    child.on('exit', (_, signal) => resolve({ events, signal }));
  });
}

/** The state in a job folder, after checking that it names nothing that is not there. */
function stateIn(jobFolder: string): JobState | undefined {
  const path = join(jobFolder, 'state.json');
  if (!existsSync(path)) return undefined;
  const state = JSON.parse(readFileSync(path, 'utf8')) as JobState;
  const best = state.bestEpoch > 0 ? [`checkpoint-${state.bestEpoch}.pt`] : [];
  for (const name of [resumePoint(state) ?? [], best].flat()) expect(readdirSync(jobFolder)).toContain(name);
  return state;
}

const isEpoch = (event: WorkerEvent): event is Extract<WorkerEvent, { type: 'epoch' }> => event.type === 'epoch';

describe('a training worker that is killed', () => {
  it('again and again, at any moment, ends with the weights and the curve of one that was not', async () => {
    const curve: EpochMetrics[] = [];
    const waits: [wait: number, of: number][] = [];
    const keep = (event: WorkerEvent): void => {
      if (!isEpoch(event)) return;
      curve.push(event.metrics);
      waits.push([event.dataWaitSeconds ?? NaN, event.seconds]);
    };
    const whole = await launchWorker(
      { type: 'train', spec: specOf({ name: 'whole', checkpointSeconds: 0, checkpointSteps: 1000 }) },
      { env: process.env, onEvent: keep },
    );
    for (const [wait, of] of waits) expect(wait > 0 && wait < of).toBe(true);
    const expected = await store.resolveModel(whole.model!);

    const spec = specOf({ name: 'pieces', resume: true, jobId: 'job-of-pieces' });
    const reached: number[] = [];
    let ending: Ending | undefined;
    // Checkpoints after every batch and a death a few milliseconds after the news of one: most deaths fall into the writing of
    // one, of the state, or of the model. Each life gets a little further than the one before it.
    for (let life = 0; life < 30 && !ending?.events.some(({ type }) => type === 'finished'); life += 1) {
      ending = await runWorker(spec, (event, child) => {
        if (life > 8 || (event.type !== 'started' && event.type !== 'epoch')) return;
        setTimeout(() => child.kill('SIGKILL'), event.type === 'epoch' ? 5 + 9 * (life % 4) : 60 + 37 * life);
      });
      expect(ending.events.filter(({ type }) => type === 'failed')).toEqual([]);
      const state = stateIn(spec.jobFolder);
      if (state) reached.push(state.epochs * 100 + (state.partial?.steps ?? 0));
    }
    expect(reached.length).toBeGreaterThan(1);
    expect(reached).toEqual([...reached].sort((a, b) => a - b));
    const { model } = await store.findByJob('job-of-pieces');
    expect(model?.manifest.weights.sha256).toBe(expected.manifest.weights.sha256);
    expect(model?.manifest.version).toBe(1);
    await expect(store.resolveModel('pieces@2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
    const history = (folder: string): unknown =>
      (JSON.parse(readFileSync(join(folder, 'report', 'metrics.json'), 'utf8')) as { history: unknown }).history;
    expect(history(model!.folder)).toEqual(history(expected.folder));
    expect(history(model!.folder)).toEqual(curve);
    // Nothing of the run is left; what belongs to the job goes with its folder.
    expect(readdirSync(spec.jobFolder).sort()).toEqual(['.lock', 'pinned.json']);
  });

  it('after it registered its model says so when it is started again, and registers nothing more', async () => {
    const spec = specOf({ name: 'once', jobId: 'job-of-once', resume: true, overrides: { epochs: 1, batchSize: 4 } });
    const first = await launchWorker({ type: 'train', spec }, { env: process.env });
    const second = await launchWorker({ type: 'train', spec }, { env: process.env });
    expect(second).toEqual(first);
    await expect(store.resolveModel('once@2')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('a training worker that is asked to stop', () => {
  it('writes a checkpoint of the step it was at, and goes on from there', async () => {
    const overrides = { epochs: 6, batchSize: 1, learningRate: 1e-3 };
    const spec = specOf({ name: 'stopped', overrides, checkpointSeconds: 0, checkpointSteps: 1000 });
    const { events } = await runWorker(spec, (event, child) => {
      if (event.type === 'step' && child.connected) child.send({ type: 'cancel' });
    });
    expect(events.at(-1)).toMatchObject({ type: 'failed', code: 'CANCELLED' });
    const state = stateIn(spec.jobFolder);
    expect(state).toMatchObject({ phase: 'training' });
    expect((state?.epochs ?? 0) * 1000 + (state?.partial?.steps ?? 0)).toBeGreaterThan(0);
    const resumed = await launchWorker({ type: 'train', spec: { ...spec, resume: true } }, { env: process.env });
    const whole = await launchWorker(
      { type: 'train', spec: specOf({ name: 'straight', overrides }) },
      { env: process.env },
    );
    const sha = async (name: string): Promise<string> => (await store.resolveModel(name)).manifest.weights.sha256;
    expect(await sha(resumed.model!)).toBe(await sha(whole.model!));
  });
});
