// What the answers of a STOW-RS service mean.

import { createServer, type Server } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { StowCourier } from '../../../../../../services/pacs/adapters/dicomweb/stow-courier';

const UID = '2.25.1';
let folder: string;
let server: Server;
let answer: { status: number; body: object };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-stow-'));
  writeFileSync(join(folder, 'a.dcm'), 'an object');
  server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(answer.status).end(JSON.stringify(answer.body)));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});
afterAll(() => {
  server.close();
  rmSync(folder, { recursive: true, force: true });
});

const listed = (sequence: string, reason?: number): object => ({
  [sequence]: {
    Value: [{ '00081155': { Value: [UID] }, ...(reason === undefined ? {} : { '00081197': { Value: [reason] } }) }],
  },
});

it.each<[string, number, object, object]>([
  ['listed as stored', 200, listed('00081199'), { stored: true }],
  ['listed as stored beside failures', 400, listed('00081199'), { stored: true }],
  ['not listed at all', 200, {}, { stored: false, code: 'NOT_LISTED', class: 'suspect' }],
  ['of a class that is not taken', 202, listed('00081198', 0x0122), { code: 'NOT_SUPPORTED', class: 'permanent' }],
  ['without room', 202, listed('00081198', 0xa700), { code: 'OUT_OF_RESOURCES', class: 'away' }],
  ['refused', 409, listed('00081198', 0xc000), { code: 'REFUSED', class: 'permanent' }],
  ['of an unknown user', 401, {}, { code: 'NOT_AUTHORISED', class: 'permanent' }],
  ['of a service that fails', 500, {}, { code: 'SERVER', class: 'transient' }],
  ['of a service that is busy', 503, {}, { code: 'BUSY', class: 'away' }],
])('an object %s', async (_, status, body, expected) => {
  answer = { status, body };
  const { port } = server.address() as AddressInfo;
  const courier = new StowCourier({ url: `http://127.0.0.1:${port}`, timeoutMs: 5_000 });
  const object = { sopClass: '1.2', sopInstance: UID, path: join(folder, 'a.dcm') };
  expect(await courier.send([object])).toEqual([expect.objectContaining(expected)]);
});
