// Reports over the wire, through a gateway.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ReportServiceDefinition } from '../../../proto/gen/automed/reports/v1/ReportService';
import type { ReportSubject } from '../../../proto/gen/automed/reports/v1/ReportSubject';
import { ApiClient } from '../../../services/common/grpc/client';
import { temporaryFolder } from '../../support/data';
import { startProgram, startTrainingGateway, type Program } from '../../support/stack';
import {
  createJob,
  microSpec,
  microStore,
  watchToEnd,
  writeDiscs,
  type TrainingClient,
} from '../../support/training-service';
import { trainingJobClient } from '../../support/api-clients';

const root = temporaryFolder();
const home = join(root, 'home');
const data = join(root, 'discs');
let service: Program;
let gateway: Program;
let jobs: TrainingClient;
let reports: ApiClient<ReportServiceDefinition>;
/** Trained with and without pictures of the data. */
let [pictured, plain] = ['', ''];

const filesOf = async (subject: ReportSubject) => (await reports.unary('ListReportFiles', { subject })).files;
const namesOf = async (subject: ReportSubject) => (await filesOf(subject)).map(({ name }) => name);

async function read(subject: ReportSubject, name = '') {
  const pieces: Buffer[] = [];
  let file;
  for await (const piece of reports.serverStream('ReadReportFile', { subject, name })) {
    file ??= piece.file;
    if (piece.data.length > 0) pieces.push(piece.data);
  }
  return { file, pieces, content: Buffer.concat(pieces) };
}

beforeAll(async () => {
  await microStore(home);
  writeDiscs(data, 8);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  gateway = await startTrainingGateway(service);
  jobs = trainingJobClient(gateway.address);
  reports = new ApiClient('automed.reports.v1.ReportService', gateway.address);
  pictured = (await createJob(jobs, microSpec(data, { name: 'pictured', reportImages: true }))).id;
  plain = (await createJob(jobs, microSpec(data, { name: 'plain' }))).id;
  for (const id of [pictured, plain]) await watchToEnd(jobs, id);
});

afterAll(async () => {
  jobs.close();
  reports.close();
  await gateway.stop();
  await service.stop();
});

test('a job, its model by version and by name have the same report, figures and card', async () => {
  const folder = join(home, 'models', 'pictured', '1');
  const expected = [...readdirSync(join(folder, 'report')), 'MODEL_CARD.md'].sort();
  for (const subject of [{ trainingJobId: pictured }, { model: 'pictured@1' }, { model: 'pictured' }]) {
    expect(await namesOf(subject)).toEqual(expected);
  }
  for (const { name, sizeBytes, mediaType } of await filesOf({ trainingJobId: pictured })) {
    const { content, file } = await read({ trainingJobId: pictured }, name);
    expect(content).toEqual(readFileSync(name === 'MODEL_CARD.md' ? join(folder, name) : join(folder, 'report', name)));
    expect([file?.name, Number(sizeBytes)]).toEqual([name, content.length]);
    if (name.endsWith('.png')) expect(mediaType).toBe('image/png');
  }
  const { content, file } = await read({ trainingJobId: pictured });
  expect(file).toMatchObject({ name: 'report.html', mediaType: 'text/html' });
  expect(content.toString()).toMatch(/^<!doctype html>/i);
});

test('a report of a training without pictures of the data holds none', async () => {
  expect(await namesOf({ trainingJobId: pictured })).toContain('gallery.png');
  expect(await namesOf({ trainingJobId: plain })).not.toContain('gallery.png');
  const pictures = async (id: string) =>
    (await read({ trainingJobId: id })).content.toString().match(/<h2>Worst and best images/g);
  expect(await pictures(pictured)).not.toBeNull();
  expect(await pictures(plain)).toBeNull();
});

test('a large file comes in pieces', async () => {
  const content = Buffer.alloc(1_000_000, 'automed ');
  writeFileSync(join(home, 'models', 'plain', '1', 'report', 'large.json'), content);
  const answer = await read({ model: 'plain@1' }, 'large.json');
  expect(answer.content.equals(content)).toBe(true);
  expect(answer.pieces.map(({ length }) => length)).toEqual([262_144, 262_144, 262_144, 213_568]);
});

test('what is not there is NOT_FOUND, and nothing outside of the report is', async () => {
  const notFound = { code: 'NOT_FOUND' };
  for (const subject of [{ trainingJobId: 'f'.repeat(16) }, { evaluationId: '../models' }, { model: 'absent' }]) {
    await expect(filesOf(subject)).rejects.toMatchObject(notFound);
    await expect(read(subject)).rejects.toMatchObject(notFound);
  }
  // Of random weights: nobody trained it.
  await expect(filesOf({ base: 'micro' })).rejects.toMatchObject(notFound);
  for (const name of ['absent.png', '../model.json', '../weights.safetensors', 'report']) {
    await expect(read({ model: 'plain@1' }, name)).rejects.toMatchObject({ ...notFound, field: 'name' });
  }
  await expect(reports.unary('ListReportFiles', {})).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    field: 'subject',
  });
});

test('a job that has not succeeded says so, and a deleted report is gone', async () => {
  const { id } = await createJob(jobs, microSpec(data, { name: 'long', overrides: { epochs: 1000 } }));
  await expect(filesOf({ trainingJobId: id })).rejects.toMatchObject({ code: 'ILLEGAL_STATE', field: 'state' });
  await jobs.unary('CancelTrainingJob', { id });
  rmSync(join(home, 'models', 'pictured', '1', 'report'), { recursive: true });
  await expect(read({ trainingJobId: pictured })).rejects.toMatchObject({ code: 'NOT_FOUND' });
});
