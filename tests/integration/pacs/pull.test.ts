// Pulls over gRPC, from an archive of the test.

import { AutomedClient } from '../../../services/client';
import type { Archive } from '../../../services/pacs/domain/pull';
import { pacsService, type PacsServiceDeps } from '../../../services/pacs/handlers/pacs-service';
import { readSite } from '../../../services/pacs-site/read-site';
import { startServer, type TestServer } from '../../support/grpc';
import { receiving, type Receiving } from '../../support/pacs-receiver';

let at: Receiving;
let server: TestServer;
let client: AutomedClient;
/** Names of archives that were asked for. */
let asked: string[];

beforeEach(async () => {
  at = await receiving();
  asked = [];
  const empty: Archive = { list: () => Promise.resolve([]), fetch: () => Promise.resolve() };
  const deps: Omit<PacsServiceDeps, 'log'> = {
    journal: at.journal,
    site: () => readSite('ae_title: AUTOMED\n', 'pacs.yaml'),
    dicomAddress: () => '',
    hasRoom: () => at.room.value,
    away: () => [],
    archive: (name) => {
      asked.push(name);
      return empty;
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

const pull = async (): Promise<unknown> => {
  for await (const progress of client.pacs.pull({ study: '1.2.3', archive: 'archive' })) void progress;
  return undefined;
};

it('is refused as busy at its start while the disk has no room, and asks the archive nothing', async () => {
  at.room.value = false;
  await expect(pull()).rejects.toMatchObject({ code: 'QUEUE_FULL' });
  expect(asked).toEqual([]);
  at.room.value = true;
  await expect(pull()).rejects.toMatchObject({ code: 'NOT_FOUND' });
  expect(asked).toEqual(['archive']);
});
