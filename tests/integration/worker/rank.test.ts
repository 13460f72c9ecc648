// The program of a rank that somebody else started, such as a pod: two of them on loopback, told their places by the environment.

import { spawn, type ChildProcess } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadAddon } from '../../../native/lib/native';
import { ModelStore } from '../../../services/store';
import { launchProcessGroup } from '../../../services/worker/launch/launch-process-group';
import { LocalLauncher } from '../../../services/worker/launch/local-launcher';
import { workerEventSchema, type TrainSpecInput, type WorkerEvent } from '../../../services/worker/protocol/protocol';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { freePort } from '../../support/pods';
import { microStore, writeDiscs } from '../../support/training-service';

const { collectivesCompiled } = loadAddon().buildInfo();
const suite = collectivesCompiled ? describe : describe.skip;
const PROGRAM = join(__dirname, '../../../dist/services/worker/rank/main.js');

const root = temporaryFolder();
const store = join(root, 'home');
const data = join(root, 'discs');
let runs = 0;

/** A specification on the disk, as a launcher leaves it, and where its ranks tell what happens. */
function prepared(changes: Partial<TrainSpecInput> = {}): { spec: TrainSpecInput; path: string; events: string } {
  runs += 1;
  const jobFolder = join(root, `job-${runs}`);
  mkdirSync(jobFolder);
  const spec: TrainSpecInput = {
    task: 'segmentation',
    name: `disc-${runs}`,
    data,
    store,
    base: 'micro',
    threads: 1,
    seed: 3,
    jobFolder,
    jobId: `j${runs}`,
    resume: true,
    ranks: 2,
    reportImages: false,
    validationFraction: 0.25,
    head: { mobilenetWidth: 0.25 },
    overrides: { epochs: 2, batchSize: 2 },
    ...changes,
  };
  const path = join(jobFolder, 'spec.json');
  writeFileSync(path, JSON.stringify(spec));
  return { spec, path, events: join(jobFolder, 'events') };
}

interface Rank {
  child: ChildProcess;
  ended: Promise<number | null>;
  /** What it wrote to standard output and error. */
  said: () => { out: string; err: string };
}

function startRank(args: string[], environment: Record<string, string>): Rank {
  const { RANK: _, WORLD_SIZE: __, MASTER_ADDR: ___, MASTER_PORT: ____, ...inherited } = process.env;
  const child = spawn(process.execPath, [PROGRAM, ...args], { env: { ...inherited, ...environment } });
  const [out, err] = [[] as Buffer[], [] as Buffer[]];
  child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
  return {
    child,
    ended: new Promise((resolve) => child.once('close', (code) => resolve(code))),
    said: () => ({ out: Buffer.concat(out).toString(), err: Buffer.concat(err).toString() }),
  };
}

/** Both ranks, with what an Indexed Job gives its pods or what PyTorch's launcher sets. */
async function startProcessGroup(path: string, events: string, rankVariable = 'RANK'): Promise<Rank[]> {
  const master = { WORLD_SIZE: '2', MASTER_ADDR: '127.0.0.1', MASTER_PORT: String(await freePort()) };
  return [0, 1].map((rank) =>
    startRank(['--spec', path, '--events', events], { ...master, [rankVariable]: String(rank) }),
  );
}

function eventsOf(prefix: string, rank: number): WorkerEvent[] {
  const path = `${prefix}-${rank}.jsonl`;
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
  return lines.map((line) => workerEventSchema.parse(JSON.parse(line)));
}

const weightsOf = async (reference = ''): Promise<string> =>
  (await (await ModelStore.open(store)).resolveModel(reference)).manifest.weights.sha256;

beforeAll(async () => {
  await microStore(store);
  writeDiscs(data, 12);
});

suite(collectivesCompiled ? 'ranks as programs' : 'ranks as programs (skipped: built without Gloo)', () => {
  it('train one model, the same as the ranks of a local process group, and each tells its end', async () => {
    const { path, events } = prepared();
    const ranks = await startProcessGroup(path, events, 'JOB_COMPLETION_INDEX');
    expect(await Promise.all(ranks.map(({ ended }) => ended))).toEqual([0, 0]);
    const told = eventsOf(events, 0);
    expect(told.flatMap((event) => (event.type === 'epoch' ? [event.metrics.epoch] : []))).toEqual([1, 2]);
    expect(told.at(-1)).toMatchObject({ type: 'finished', model: 'disc-1@1' });
    expect(eventsOf(events, 1)).toEqual([{ type: 'finished', metrics: {} }]);
    const { spec } = prepared({ jobId: 'local' });
    const local = await launchProcessGroup(spec, { ranks: 2, launcher: new LocalLauncher({ env: process.env }) });
    expect(await weightsOf(local.model)).toBe(await weightsOf('disc-1'));
  });

  it('stop when they are told to, as a pod that is deleted', async () => {
    const { path, events } = prepared({ overrides: { epochs: 1000, batchSize: 2 } });
    const ranks = await startProcessGroup(path, events);
    await eventually(() => eventsOf(events, 0).some(({ type }) => type === 'epoch'), 120_000);
    for (const { child } of ranks) child.kill('SIGTERM');
    expect(await Promise.all(ranks.map(({ ended }) => ended))).toEqual([1, 1]);
    expect(eventsOf(events, 0).at(-1)).toMatchObject({
      type: 'failed',
      code: expect.stringMatching(/CANCELLED|DEVICE/),
    });
  });

  it('end when one of them is lost, and the next process group goes on from the checkpoint', async () => {
    const { path, events } = prepared({ overrides: { epochs: 12, batchSize: 2 } });
    const [first, second] = (await startProcessGroup(path, events)) as [Rank, Rank];
    await eventually(() => eventsOf(events, 0).some(({ type }) => type === 'epoch'), 120_000);
    second.child.kill('SIGKILL');
    expect(await first.ended).toBe(1);
    expect(eventsOf(events, 0).at(-1)).toMatchObject({ type: 'failed', code: 'DEVICE_UNAVAILABLE' });
    const again = await startProcessGroup(path, events);
    expect(await Promise.all(again.map(({ ended }) => ended))).toEqual([0, 0]);
    const told = eventsOf(events, 0);
    expect(told.find(({ type }) => type === 'started')).toMatchObject({ firstEpoch: expect.any(Number) });
    const begun = told.flatMap((event) => (event.type === 'started' ? [event.firstEpoch] : []))[0];
    expect(begun).toBeGreaterThan(1);
    expect(told.at(-1)).toMatchObject({ type: 'finished' });
  });
});

it('a rank says what is wrong with its place or its specification, in its last event, on standard output without a file', async () => {
  const { path } = prepared();
  const place = { RANK: '0', WORLD_SIZE: '3', MASTER_ADDR: '127.0.0.1', MASTER_PORT: '1' };
  const last = async (args: string[], environment: Record<string, string>): Promise<unknown> => {
    const { ended, said } = startRank(args, environment);
    expect(await ended).toBe(1);
    expect(said().err).not.toBe('');
    return JSON.parse(said().out.trim().split('\n').at(-1) ?? '');
  };
  expect(await last(['--spec', path], place)).toMatchObject({ code: 'INVALID_ARGUMENT', field: 'ranks' });
  expect(await last(['--spec', path], { RANK: '0' })).toMatchObject({ field: 'WORLD_SIZE' });
  expect(await last(['--spec', join(root, 'absent.json')], place)).toMatchObject({ field: 'spec' });
  expect(await last([], place)).toMatchObject({ type: 'failed', field: 'spec' });
});
