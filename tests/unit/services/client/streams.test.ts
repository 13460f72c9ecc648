import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ListModelsRequest__Output } from '../../../../proto/gen/automed/models/v1/ListModelsRequest';
import type { SegmentRequest__Output } from '../../../../proto/gen/automed/segmentation/v1/SegmentRequest';
import type { WatchTrainingJobRequest__Output } from '../../../../proto/gen/automed/training/v1/WatchTrainingJobRequest';
import {
  CancelledError,
  collect,
  IllegalStateError,
  InternalError,
  InvalidInputError,
  NotFoundError,
  UnavailableError,
} from '../../../../services/client';
import { alive } from '../../../../services/client/core/alive';
import { automedError } from '../../../../services/common/errors';
import { bidi, serverStream, unary } from '../../../../services/common/grpc/handlers';
import { serveSeries, type SeriesAnswer } from '../../../../services/common/grpc/series';
import { temporaryFolder } from '../../../support/data';
import { served } from './server';

const JOBS = 'automed.training.v1.TrainingJobService';
const REPORTS = 'automed.reports.v1.ReportService';
const folder = temporaryFolder();

test('a series answers in order, an image that fails with its typed error', async () => {
  const client = await served({
    'automed.segmentation.v1.SegmentationService': (log) => ({
      SegmentStream: bidi<SegmentRequest__Output, SeriesAnswer<{ threshold: number }>>(log, (call, context) =>
        serveSeries(call, context, {
          maxInFlight: 2,
          prepare: async (request) => request,
          acquire: async (model) => ({ model, release: () => undefined }),
          identify: (model) => model,
          answer: async (_model: string, { threshold = 0 }) => {
            if (threshold === 0.5) throw automedError('UNSUPPORTED_IMAGE', 'Not an image.', { field: 'image' });
            return { threshold };
          },
        }),
      ),
    }),
  });
  const requests = [0.25, 0.5, 0.75].map((threshold) => ({ model: 'polyp', threshold }));
  const answers = await collect(client.segmentation.segmentStream(requests));
  expect(answers.map(({ index }) => index)).toEqual([0, 1, 2]);
  expect(answers[0]).toMatchObject({ result: { threshold: 0.25 } });
  expect(answers[2]).toMatchObject({ result: { threshold: 0.75 } });
  expect(answers[1]).toMatchObject({ error: { code: 'UNSUPPORTED_IMAGE', field: 'image', message: 'Not an image.' } });
  expect((answers[1] as { error: unknown }).error).toBeInstanceOf(InvalidInputError);
});

test('a list goes from page to page, and no further than it is read', async () => {
  const tokens: string[] = [];
  const client = await served({
    'automed.models.v1.ModelService': (log) => ({
      ListModels: unary(log, ({ pageToken }: ListModelsRequest__Output) => {
        tokens.push(pageToken);
        const page = Number(pageToken || 0);
        return { models: [{ name: `m${page}` }, { name: `n${page}` }], nextPageToken: page < 2 ? `${page + 1}` : '' };
      }),
    }),
  });
  const names = (await collect(client.models.list())).map(({ name }) => name);
  expect(names).toEqual(['m0', 'n0', 'm1', 'n1', 'm2', 'n2']);
  tokens.length = 0;
  for await (const { name } of client.models.list()) if (name === 'n1') break;
  expect(tokens).toEqual(['', '1']);
});

test('a watch that breaks goes on behind the last event', async () => {
  const begun: string[] = [];
  const breaks: number[] = [];
  const client = await served({
    [JOBS]: (log) => ({
      WatchTrainingJob: serverStream(
        log,
        async function* ({ fromSequence, resumeToken }: WatchTrainingJobRequest__Output) {
          begun.push(resumeToken || fromSequence);
          const first = resumeToken === '' ? Number(fromSequence) : Number(resumeToken.slice(6)) + 1;
          yield { event: { sequence: first }, resumeToken: `behind${first}` };
          yield { heartbeat: true };
          yield { event: { sequence: first + 1 }, resumeToken: `behind${first + 1}` };
          if (first < 3) throw automedError('SERVICE_UNAVAILABLE', 'The service restarts.');
        },
      ),
    }),
  });
  const events = await collect(client.trainingJobs.watch('a', { onBroken: (count) => breaks.push(count) }));
  expect(events.map(({ sequence }) => sequence)).toEqual(['1', '2', '3', '4']);
  expect(begun).toEqual(['1', 'behind2']);
  expect(breaks).toEqual([1]);
});

test('patience begins with a break, however long the stream had nothing to say before', async () => {
  let begun = 0;
  const client = await served({
    [JOBS]: (log) => ({
      WatchTrainingJob: serverStream(log, async function* () {
        begun += 1;
        yield { event: { sequence: begun }, resumeToken: `behind${begun}` };
        if (begun === 3) return;
        for (let beat = 0; beat < 5; beat += 1) {
          await new Promise((resolve) => setTimeout(resolve, 100));
          yield { heartbeat: true };
        }
        throw automedError('SERVICE_UNAVAILABLE', 'The service restarts.');
      }),
    }),
  });
  const events = await collect(client.trainingJobs.watch('a', { patienceMs: 400 }));
  expect(events.map(({ sequence }) => sequence)).toEqual(['1', '2', '3']);
});

test('a watch that breaks tells no event twice where the server has no resume tokens', async () => {
  let begun = 0;
  const client = await served({
    [JOBS]: (log) => ({
      WatchTrainingJob: serverStream(log, async function* () {
        begun += 1;
        for (let sequence = 1; sequence <= 2 * begun; sequence += 1) yield { event: { sequence } };
        if (begun === 1) throw automedError('SERVICE_UNAVAILABLE', 'The service restarts.');
      }),
    }),
  });
  const events = await collect(client.trainingJobs.watch('a'));
  expect(events.map(({ sequence }) => sequence)).toEqual(['1', '2', '3', '4']);
});

test('a break is told with how many there were since the server was last heard of', async () => {
  let begun = 0;
  const client = await served({
    [JOBS]: (log) => ({
      WatchTrainingJob: serverStream(log, async function* () {
        begun += 1;
        if (begun === 1 || begun === 4) yield { event: { sequence: begun }, resumeToken: `behind${begun}` };
        if (begun < 5) throw automedError('SERVICE_UNAVAILABLE', 'The service restarts.');
      }),
    }),
  });
  const breaks: number[] = [];
  await collect(client.trainingJobs.watch('a', { onBroken: (count) => breaks.push(count) }));
  expect(breaks).toEqual([1, 2, 3, 1]);
});

test('a server that is at fault itself is not asked forever', async () => {
  let begun = 0;
  const client = await served({
    [JOBS]: (log) => ({
      WatchTrainingJob: serverStream(log, async function* () {
        begun += 1;
        yield { event: { sequence: 1 }, resumeToken: 'one' };
        throw new Error('a fault');
      }),
    }),
  });
  await expect(collect(client.trainingJobs.watch('a'))).rejects.toBeInstanceOf(InternalError);
  expect(begun).toBe(4);
});

test('work whose place a restarted server does not know begins again', async () => {
  const begun: string[] = [];
  const client = await served({
    'automed.bases.v1.BaseService': (log) => ({
      EvaluateBase: serverStream(log, async function* ({ resumeToken }: { resumeToken: string }) {
        begun.push(resumeToken);
        if (resumeToken !== '') throw automedError('NOT_FOUND', 'Gone.', { field: 'resume_token' });
        yield { resumeToken: 'begun' };
        if (begun.length === 1) throw automedError('SERVICE_UNAVAILABLE', 'The service restarts.');
        yield { result: { base: 'tiny@1' }, resumeToken: 'done' };
      }),
    }),
  });
  expect(await client.bases.evaluate({ base: 'tiny', data: '/data' })).toMatchObject({ base: 'tiny@1' });
  expect(begun).toEqual(['', 'begun', '']);
});

test('a stream that falls silent counts as broken', async () => {
  const silent = alive(
    async function* (signal) {
      yield 'first';
      await new Promise((_, reject) =>
        signal.addEventListener('abort', () => reject(new CancelledError('CANCELLED', ''))),
      );
    },
    { silenceMs: 30 },
  );
  expect((await silent.next()).value).toBe('first');
  await expect(silent.next()).rejects.toBeInstanceOf(UnavailableError);
});

test('a watch of a job that is not there ends at once', async () => {
  const client = await served({
    [JOBS]: (log) => ({
      // eslint-disable-next-line require-yield -- it refuses before it yields
      WatchTrainingJob: serverStream(log, async function* () {
        throw automedError('NOT_FOUND', 'There is no such job.');
      }),
    }),
  });
  await expect(collect(client.trainingJobs.watch('a'))).rejects.toBeInstanceOf(NotFoundError);
});

test('a report file appears when it is complete, and not at all when it is not', async () => {
  const client = await served({
    [REPORTS]: (log) => ({
      ReadReportFile: serverStream(log, async function* ({ name }: { name: string }) {
        yield { file: { name, sizeBytes: 6 }, data: Buffer.from('abc') };
        if (name === 'whole') yield { data: Buffer.from('def') };
      }),
    }),
  });
  const [whole, short] = [join(folder, 'whole'), join(folder, 'short')];
  expect(await client.reports.save({ trainingJobId: 'a' }, whole, 'whole')).toMatchObject({ name: 'whole' });
  expect(readFileSync(whole, 'utf8')).toBe('abcdef');
  await expect(client.reports.save({ trainingJobId: 'a' }, short, 'short')).rejects.toBeInstanceOf(IllegalStateError);
  expect(existsSync(short)).toBe(false);
  expect(readdirSync(folder)).toEqual(['whole']);
});

test('a wait looks until the check is done', async () => {
  const states = ['DATASET_STATE_CHECKING', 'DATASET_STATE_CHECKING', 'DATASET_STATE_READY'];
  const seen: number[] = [];
  let looks = 0;
  const client = await served({
    'automed.datasets.v1.DatasetService': (log) => ({
      GetDataset: unary(log, () => ({ dataset: { state: states[looks], checkedCount: (looks += 1) } })),
    }),
  });
  const ready = await client.datasets.wait('polyps', { onProgress: ({ checkedCount }) => seen.push(checkedCount) });
  expect(ready.state).toBe('DATASET_STATE_READY');
  expect(seen).toEqual([1, 2, 3]);
});
