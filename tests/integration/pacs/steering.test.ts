// A study that no rule fitted, over gRPC and as the command line tells it.

import { AutomedClient } from '../../../services/client';
import { readSite } from '../../../services/pacs-site/read-site';
import { pacsService, type PacsServiceDeps } from '../../../services/pacs/handlers/pacs-service';
import { explanation, statusLines } from '../../../services/terminal/pacs';
import { startServer, type TestServer } from '../../support/grpc';
import { arrival } from '../../support/pacs-arrival';
import { startProgram } from '../../support/stack';
import { receiving, type Receiving } from '../../support/pacs-receiver';

const siteOf = (modality: string) =>
  readSite(
    `ae_title: AUTOMED
destinations: { archive: { kind: folder, path: /archive } }
rules:
  - { name: r, when: { modality: ${modality} }, task: segmentation, model: m, results: [SR], send_to: archive }
`,
    'pacs.yaml',
  );

let at: Receiving;
let server: TestServer;
let client: AutomedClient;
let site: ReturnType<typeof siteOf>;

beforeEach(async () => {
  site = siteOf('MR');
  at = await receiving();
  const deps: Omit<PacsServiceDeps, 'log'> = {
    journal: at.journal,
    site: () => site,
    dicomAddress: () => '',
    hasRoom: () => true,
    away: () => [],
    archive: () => {
      throw new Error('no archive is asked');
    },
    verification: {} as PacsServiceDeps['verification'],
    onSteered: () => Promise.resolve(),
  };
  server = await startServer((log) => [pacsService({ ...deps, log })]);
  client = new AutomedClient(server.address, { timeoutMs: 60_000 });
});
afterEach(async () => {
  client.close();
  await server.server.drain(1_000);
  at.end();
});

const explained = async (): Promise<string> => explanation(await client.pacs.get('1')).join('\n');

it('is explained with how to make up for it, and analysed once by trying it again', async () => {
  at.journal.arrivals.record(arrival('1.2.1.1'), 0);
  expect(at.journal.completion.closeDue(site)).toBe(0);
  expect(await explained()).toContain('r: no: modality is CT, not MR');
  site = siteOf('CT');
  expect(await explained()).toContain('not analysed: fits only now; automed pacs retry 1 makes up for it');
  expect(await client.pacs.retry('1')).toEqual({ analysisCount: 1, deliveryCount: 0, heldCount: 0 });
  expect(await explained()).not.toContain('automed pacs retry');
  const { series } = await client.pacs.get('1');
  expect(series.flatMap(({ analyses }) => analyses.map(({ rule, state }) => [rule, state]))).toEqual([
    ['r', 'WORK_STATE_QUEUED'],
  ]);
});

it('says how many analyses wait for a person instead', async () => {
  at.journal.arrivals.record(arrival('1.2.1.1'), 0);
  at.journal.arrivals.record(arrival('1.2.1.2', { patient: 'P2' }), 0);
  at.journal.completion.closeDue(site);
  site = siteOf('CT');
  expect(await client.pacs.retry('1.2')).toEqual({ analysisCount: 0, deliveryCount: 0, heldCount: 1 });
});

it('goes on with the patient whom a person names, with the issuer of the ID or without one', async () => {
  at.journal.arrivals.record(arrival('1.2.1.1', { patient: 'P1\\' }), 0);
  at.journal.arrivals.record(arrival('1.2.1.2', { patient: 'P1\\HOSPITAL' }), 0);
  site = siteOf('CT');
  at.journal.completion.closeDue(site);
  await expect(client.pacs.resolve('1', {})).rejects.toMatchObject({
    code: 'INVALID_ARGUMENT',
    message: expect.stringContaining('whose objects') as string,
  });
  await expect(client.pacs.resolve('1', { patient: 'P2' })).rejects.toMatchObject({
    message: expect.stringContaining('names this patient') as string,
  });
  expect(await client.pacs.resolve('1', { patient: 'P1^^^HOSPITAL' })).toBe(1);
  const { series } = await client.pacs.get('1');
  expect(series[0]).toMatchObject({ instanceCount: 1, analyses: [{ state: 'WORK_STATE_QUEUED' }] });
});

it('counts reviews that wait or were refused', async () => {
  at.journal.arrivals.record(arrival('1.2.1.1'), 0);
  site = siteOf('CT');
  site = { ...site, rules: site.rules.map((rule) => ({ ...rule, review: 'lesions' })) };
  at.journal.completion.closeDue(site);
  const job = at.journal.jobs.claim(60_000);
  if (!job) throw new Error('there is no analysis');
  at.journal.jobs.succeed(job, { model: 'm v1', context: '', results: [], deliveries: [] });
  expect(statusLines(await client.pacs.status())).toContain('reviews:    1 waiting');
  at.journal.reviews.giveUp({ job: job.number, patient: '', attempts: 1 });
  const status = await client.pacs.status();
  expect(status).toMatchObject({ waitingReviewCount: 0, deadReviewCount: 1 });
  expect(statusLines(status)).toContain('reviews:    0 waiting, 1 dead');
});

it('is told, and steered, through a gateway', async () => {
  at.journal.arrivals.record(arrival('1.2.1.1'), 0);
  at.journal.completion.closeDue(site);
  site = siteOf('CT');
  const gateway = await startProgram('gateway', { AUTOMED_PACS_BACKENDS: server.address });
  const through = new AutomedClient(gateway.address, { timeoutMs: 60_000 });
  try {
    expect((await through.pacs.status()).studyCount).toBe('1');
    for await (const { studyUid } of through.pacs.list()) expect(studyUid).toBe('1.2');
    expect(await through.pacs.retry('1.2')).toMatchObject({ analysisCount: 1 });
    await expect(through.pacs.get('9.9')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  } finally {
    through.close();
    await gateway.stop();
  }
});
