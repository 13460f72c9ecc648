// A training service whose bases and models are in an S3-compatible store: its folder holds jobs and a cache, and no model.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportServiceDefinition } from '../../../proto/gen/automed/reports/v1/ReportService';
import { ApiClient } from '../../../services/common/grpc/client';
import { auditStore, ModelStore } from '../../../services/store';
import type { ObjectSettings } from '../../../services/store/objects/remote-store';
import { trainingJobClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { runCommand } from '../../support/cli';
import { startObjectStore, type ObjectStore } from '../../support/object-store';
import { startProgram, type Program } from '../../support/stack';
import { createJob, getJob, microSpec, microStore, watchToEnd, writeDiscs } from '../../support/training-service';

jest.setTimeout(180_000);

const root = temporaryFolder();
const home = join(root, 'home');
const before = { ...process.env };
const objects: ObjectSettings = { bucket: 'models', prefix: 'site/', forcePathStyle: true, cacheBytes: 1_000_000_000 };
let server: ObjectStore;
let service: Program;

beforeAll(async () => {
  server = await startObjectStore(join(root, 'served'), ['models']);
  Object.assign(process.env, server.env);
  await microStore(join(root, 'origin'));
  await server.upload('models', 'site/', join(root, 'origin'));
  service = await startProgram('training', {
    AUTOMED_HOME: home,
    AUTOMED_MODEL_STORE: 's3://models/site',
    AUTOMED_TRAINING_THREADS: '1',
  });
});

afterAll(async () => {
  process.env = before;
  expect(await service.stop()).toBe(0);
  await server.stop();
});

test('a training registers its model there, with its report, and other machines find both', async () => {
  const client = trainingJobClient(service.address);
  const job = await createJob(client, microSpec(writeDiscs(join(root, 'discs'), 8)));
  await watchToEnd(client, job.id);
  const { state, error, result } = await getJob(client, job.id);
  client.close();
  expect({ state, error }).toEqual({ state: 'TRAINING_JOB_STATE_SUCCEEDED', error: null });
  expect(result).toMatchObject({ model: 'disc@1', report: 's3://models/site/models/disc/1/report' });
  expect(existsSync(join(home, 'models'))).toBe(false);

  const elsewhere = await ModelStore.open(join(root, 'elsewhere'), { objects });
  expect((await elsewhere.resolveModel('disc')).manifest.training).toMatchObject({ job: job.id });
  expect((await auditStore(elsewhere.root, objects)).problems).toEqual([]);

  const reports = new ApiClient<ReportServiceDefinition>('automed.reports.v1.ReportService', service.address);
  const { files } = await reports.unary('ListReportFiles', { subject: { trainingJobId: job.id } });
  expect(files.map(({ name }) => name)).toEqual(expect.arrayContaining(['MODEL_CARD.md', 'report.html']));
  reports.close();
});

test('the command line reads the same store', async () => {
  Object.assign(process.env, { AUTOMED_MODEL_STORE: 's3://models/site', AUTOMED_HOME: join(root, 'operator') });
  const file = join(root, 'disc.safetensors');
  const exported = await runCommand('models', 'export', 'disc@1', '--out', file);
  expect(exported).toMatchObject({ code: 0 });
  expect(existsSync(file)).toBe(true);
  expect(await runCommand('store', 'verify')).toMatchObject({ code: 0 });
  const backup = await runCommand('store', 'backup', join(root, 'backup'));
  expect(backup.code).not.toBe(0);
  expect(backup.err).toContain('s3://models/site');
});
