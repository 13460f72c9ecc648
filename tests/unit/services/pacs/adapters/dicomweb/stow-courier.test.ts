// What the answers of a STOW-RS service mean.

import { createServer, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { AddressInfo } from 'node:net';
import { makeAuthority } from '../../../../../support/certificates';
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

const object = (name: string, sopInstance = UID) => ({ sopClass: '1.2', sopInstance, path: join(folder, name) });

it('a file of ours that is gone is no fault of the receiver, and ends no other delivery', async () => {
  answer = { status: 200, body: listed('00081199') };
  const { port } = server.address() as AddressInfo;
  const courier = new StowCourier({ url: `http://127.0.0.1:${port}`, timeoutMs: 5_000 });
  expect(await courier.send([object('gone.dcm', '2.25.2'), object('a.dcm')])).toEqual([
    expect.objectContaining({ stored: false, code: 'FILE_MISSING', class: 'permanent' }),
    { stored: true },
  ]);
});

it('certificates that do not hold, or cannot be read, are for a person to mend', async () => {
  const [ours, others] = [makeAuthority(folder), makeAuthority(folder, 'others')];
  const { certFile, keyFile } = ours.issue('service', ['127.0.0.1']);
  const secure = createTlsServer({ cert: readFileSync(certFile), key: readFileSync(keyFile) });
  await new Promise<void>((resolve) => secure.listen(0, '127.0.0.1', resolve));
  const url = `https://127.0.0.1:${(secure.address() as AddressInfo).port}`;
  const outcome = async (tls: { ca: string; cert?: string; key?: string; name?: string }) =>
    (await new StowCourier({ url, timeoutMs: 5_000, tls }).send([object('a.dcm')]))[0];
  const permanent = expect.objectContaining({ code: 'NOT_TRUSTED', class: 'permanent' }) as object;
  const [ca, none, noPem] = [ours.caFile, join(folder, 'none.pem'), join(folder, 'a.dcm')];
  expect(await outcome({ ca: others.caFile })).toEqual(permanent);
  expect(await outcome({ ca, name: 'elsewhere.example' })).toEqual(permanent);
  expect(await outcome({ ca: none })).toEqual(permanent);
  expect(await outcome({ ca, cert: certFile, key: none })).toEqual(permanent);
  expect(await outcome({ ca, cert: noPem, key: noPem })).toEqual(permanent);
  secure.close();
});
