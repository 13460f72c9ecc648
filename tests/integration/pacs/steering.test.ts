// A study that no rule fitted, over gRPC and as the command line tells it.

import { AutomedClient } from '../../../services/client';
import { readSite } from '../../../services/pacs-site/read-site';
import { pacsService, type PacsServiceDeps } from '../../../services/pacs/handlers/pacs-service';
import { explanation } from '../../../services/terminal/pacs';
import { startServer, type TestServer } from '../../support/grpc';
import { arrival } from '../../support/pacs-arrival';
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
