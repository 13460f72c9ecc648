// Several ranks as processes of their own, over loopback, as the command line and the training service start them. Runs the
// compiled worker.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../../native/lib/native';
import { ModelStore } from '../../../services/store';
import { createBase } from '../../../services/worker/domain/bases/create-base';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { launchProcessGroup, type ProcessGroupOptions } from '../../../services/worker/launch/launch-process-group';
import { LocalLauncher, type LocalLauncherOptions } from '../../../services/worker/launch/local-launcher';
import { launchWorker } from '../../../services/worker/launch/launch-worker';
import type { FinishedEvent, TrainSpecInput, WorkerEvent } from '../../../services/worker/protocol/protocol';
import type { EpochMetrics } from '../../../services/scoring/results/epoch-metrics';
import { initNativeBase } from '../../../services/worker/adapters/native-trainer';
import { temporaryFolder } from '../../support/data';

jest.setTimeout(240_000);

const { collectivesCompiled } = loadAddon().buildInfo();
const suite = collectivesCompiled ? describe : describe.skip;

const root = temporaryFolder();
const store = join(root, 'home');
let data: string;
let jobs = 0;

const spec = (input: Partial<TrainSpecInput> = {}): TrainSpecInput => ({
  task: 'segmentation',
  name: `lesion-${(jobs += 1)}`,
  data,
  store,
  base: 'tiny',
  threads: 1,
  seed: 5,
  jobFolder: join(root, `job-${jobs}`),
  reportImages: false,
  overrides: { epochs: 2, batchSize: 2 },
  ...input,
});

interface Run {
  events: WorkerEvent[];
  finished: FinishedEvent;
}

async function processGroup(
  input: TrainSpecInput,
  options: Partial<LocalLauncherOptions> & Partial<Omit<ProcessGroupOptions, 'launcher'>> = {},
): Promise<Run> {
  const events: WorkerEvent[] = [];
  const { ranks = 2, onEvent, signal, maxRestarts, ...local } = options;
  const finished = await launchProcessGroup(input, {
    ranks,
    launcher: new LocalLauncher({ env: process.env, ...local }),
    onEvent: (event) => {
      events.push(event);
      onEvent?.(event);
    },
    ...(signal ? { signal } : {}),
    ...(maxRestarts === undefined ? {} : { maxRestarts }),
  });
  return { events, finished };
}

const epochsOf = (events: WorkerEvent[]): EpochMetrics[] =>
  events.flatMap((event) => (event.type === 'epoch' ? [event.metrics] : []));

const weightsOf = async (reference: string | undefined): Promise<string> =>
  (await (await ModelStore.open(store)).resolveModel(reference ?? '')).manifest.weights.sha256;

beforeAll(async () => {
  const { segmentation } = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 12, testCount: 0 });
  data = join(segmentation, 'train');
  await createBase(await ModelStore.open(store), { name: 'tiny', arch: 'tiny', seed: 1 }, initNativeBase);
});

suite(
  collectivesCompiled
    ? 'a process group of local processes'
    : 'a process group of local processes (skipped: built without Gloo)',
  () => {
    it('registers one model, with the curve of one process that has the whole batch', async () => {
      const { events, finished } = await processGroup(spec());
      const alone: WorkerEvent[] = [];
      await launchWorker(
        { type: 'train', spec: spec({ overrides: { epochs: 2, batchSize: 4 } }) },
        { env: process.env, onEvent: (event) => alone.push(event) },
      );
      const [curve, expected] = [epochsOf(events), epochsOf(alone)];
      expect(curve.map(({ epoch }) => epoch)).toEqual([1, 2]);
      // Steps multiply rounding: one process alone moves by 4e-6 in its first epoch and by 1.1e-4 in its second from one set of
      // LibTorch's kernels to another (ATEN_CPU_CAPABILITY default and avx2). Sums over two ranks round differently, too.
      const bounds = [3e-5, 3e-4];
      curve.forEach((metrics, index) => {
        expect(Math.abs(metrics.trainLoss - expected[index]!.trainLoss)).toBeLessThan(bounds[index]!);
        expect(Math.abs(metrics.validationLoss - expected[index]!.validationLoss)).toBeLessThan(1e-3);
      });
      expect(events.filter(({ type }) => type === 'started')).toHaveLength(1);
      const models = await ModelStore.open(store);
      expect((await models.resolveModel(finished.model!)).manifest.version).toBe(1);
    });

    it('shows previews of its first rank while the others wait', async () => {
      const { events, finished } = await processGroup(spec({ reportImages: true, jobId: 'previewed' }));
      expect(events.flatMap((event) => (event.type === 'preview' ? [event.epoch] : []))).toEqual([1, 2]);
      expect(readdirSync(join(store, 'previews', 'previewed')).sort()).toEqual(['epoch-1.png', 'epoch-2.png']);
      expect(finished.model).toMatch(/@1$/);
    });

    it('starts again from its last checkpoint when a rank is killed, and ends as if nothing had happened', async () => {
      const overrides = { epochs: 3, batchSize: 2, horizontalFlip: true };
      const whole = await processGroup(spec({ overrides }));
      const pids = new Map<number, number | undefined>();
      let killed = false;
      const { events, finished } = await processGroup(spec({ overrides }), {
        onRank: (rank, pid) => pids.set(rank, pid),
        onEvent: (event) => {
          if (killed || event.type !== 'step' || event.epoch !== 2) return;
          killed = true;
          process.kill(pids.get(1)!, 'SIGKILL');
        },
      });
      const log = events.flatMap((event) => (event.type === 'log' ? [event.message] : []));
      expect(log).toContain(
        'rank 1 was ended by SIGKILL; the process group starts again from its last checkpoint (1 of 3)',
      );
      expect(events.flatMap((event) => (event.type === 'started' ? [event.firstEpoch] : []))).toEqual([1, 2]);
      const last = new Map(epochsOf(events).map((metrics) => [metrics.epoch, metrics]));
      expect([...last.values()]).toEqual(epochsOf(whole.events));
      expect(await weightsOf(finished.model)).toBe(await weightsOf(whole.finished.model));
    });

    it('gives up after as many losses as it may make up for, and leaves no process behind', async () => {
      const pids: number[] = [];
      const lost = processGroup(spec(), {
        maxRestarts: 1,
        onRank: (_, pid) => {
          pids.push(pid!);
          if (pids.length % 2 === 0) process.kill(pid!, 'SIGKILL');
        },
        graceMs: 3_000,
      });
      await expect(lost).rejects.toMatchObject({
        code: 'SERVICE_UNAVAILABLE',
        message: 'The process group was lost: rank 1 was ended by SIGKILL, 2 times without an epoch in between.',
      });
      expect(pids).toHaveLength(4);
      for (const pid of pids) expect(existsSync(`/proc/${pid}`)).toBe(false);
    });

    it('fails with the error of the run, without trying again', async () => {
      const events: WorkerEvent[] = [];
      const failed = processGroup(spec({ base: 'absent' }), { onEvent: (event) => events.push(event) });
      await expect(failed).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'base' });
      expect(events.filter(({ type }) => type === 'log')).toEqual([]);
    });

    it('stops when it is asked to, and its checkpoint stays for a resume', async () => {
      const cancellation = new AbortController();
      const input = spec({ overrides: { epochs: 500, batchSize: 2 } });
      const stopped = processGroup(input, {
        signal: cancellation.signal,
        onEvent: (event) => {
          if (event.type === 'epoch') cancellation.abort();
        },
      });
      await expect(stopped).rejects.toMatchObject({ code: 'CANCELLED' });
      expect(JSON.parse(readFileSync(join(input.jobFolder, 'state.json'), 'utf8'))).toMatchObject({ epochs: 1 });
      expect(readdirSync(input.jobFolder)).toContain('checkpoint-1.pt');
    });
  },
);

it('a run for several ranks that is started as one process says what is missing', async () => {
  const { RANK: _, WORLD_SIZE: __, ...env } = process.env;
  await expect(launchWorker({ type: 'train', spec: spec({ ranks: 2 }) }, { env })).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('RANK is missing'),
  });
});
