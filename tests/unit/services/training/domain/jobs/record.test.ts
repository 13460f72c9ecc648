import type { Job } from '../../../../../../services/training/domain/jobs/job';
import { recorded } from '../../../../../../services/training/domain/jobs/record';
import type { WorkerEvent } from '../../../../../../services/worker/protocol/protocol';
import type { EpochMetrics } from '../../../../../../services/scoring/results/epoch-metrics';

const metrics = (epoch: number, score: number): EpochMetrics => ({
  epoch,
  trainLoss: 1 / epoch,
  validationLoss: 2 / epoch,
  learningRate: 1e-3,
  score,
});
const epoch = (number: number, score: number): WorkerEvent => ({
  type: 'epoch',
  metrics: metrics(number, score),
  best: true,
  seconds: 1,
});
const started = (firstEpoch: number, history: EpochMetrics[]): WorkerEvent => ({
  type: 'started',
  samples: { train: 1, validation: 1, test: 0 },
  skipped: 0,
  classes: [],
  trainableParameters: 1,
  epochs: 9,
  firstEpoch,
  history,
});

/** The job and its events after a worker told all of this. */
function after(...told: WorkerEvent[]): { job: Job; events: string[] } {
  let job = { kind: 'training', progress: null } as unknown as Job;
  const events: string[] = [];
  for (const event of told) {
    if (event.type === 'finished' || event.type === 'failed') continue;
    const change = recorded(job, event);
    if (!change) continue;
    job = { ...job, ...change.patch };
    events.push(...change.events.map((each) => (each.type === 'epoch' ? `epoch ${each.metrics.epoch}` : each.type)));
  }
  return { job, events };
}

test("a job's record keeps the newest and the best epoch", () => {
  const { job } = after(epoch(1, 0.4), epoch(2, 0.9), epoch(3, 0.5));
  expect(job.progress).toMatchObject({ epoch: 3, latest: { epoch: 3 }, best: { epoch: 2, score: 0.9 } });
});

test("a job's record tells an epoch once, though a worker that goes on repeats it", () => {
  const { events } = after(epoch(1, 0.4), epoch(2, 0.9), started(2, [metrics(1, 0.4)]), epoch(2, 0.9), epoch(3, 0.5));
  expect(events).toEqual(['epoch 1', 'epoch 2', 'started', 'epoch 3']);
});

test("a job's record makes up for epochs that were lost with the service, before the worker goes on", () => {
  const history = [metrics(1, 0.4), metrics(2, 0.9), metrics(3, 0.5)];
  const { job, events } = after(epoch(1, 0.4), started(4, history), epoch(4, 0.6));
  expect(events).toEqual(['epoch 1', 'epoch 2', 'epoch 3', 'started', 'epoch 4']);
  expect(job.progress).toMatchObject({ epochs: 9, latest: { epoch: 4 }, best: { epoch: 2 } });
});

test("a job's record does not repeat the history in the event of the start", () => {
  const change = recorded({ progress: null } as unknown as Job, started(2, [metrics(1, 0.4)]) as never);
  expect(change?.events.at(-1)).not.toHaveProperty('history');
});
