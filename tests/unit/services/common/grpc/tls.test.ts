import { copyFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { Client, type ChannelCredentials } from '@grpc/grpc-js';
import { parseAddress } from '../../../../../services/common/address';
import { healthDefinition } from '../../../../../services/common/grpc/health';
import { channelCredentials, serverCredentials, type TlsFiles } from '../../../../../services/common/grpc/tls';
import { makeAuthority, type Authority } from '../../../../support/certificates';
import { eventually, startServer } from '../../../../support/grpc';

const folder = mkdtempSync(join(tmpdir(), 'automed-tls-'));
const cleanUp: (() => unknown)[] = [];
let authority: Authority;
let stranger: Authority;
beforeAll(() => {
  authority = makeAuthority(folder);
  stranger = makeAuthority(folder, 'stranger');
});
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});
afterAll(() => rmSync(folder, { recursive: true }));

async function start(tls: TlsFiles): Promise<string> {
  const { address, server } = await startServer(() => [], { tls });
  cleanUp.push(() => server.drain(0));
  return address;
}

function check(address: string, how: ChannelCredentials): Promise<string> {
  const client = new Client(address, how);
  const { path, requestSerialize, responseDeserialize } = healthDefinition['Check']!;
  const deadline = Date.now() + 5_000;
  return new Promise((resolve) =>
    client.makeUnaryRequest(
      path,
      requestSerialize,
      responseDeserialize,
      { service: '' },
      { deadline },
      (error, answer) => {
        client.close();
        resolve(error ? 'refused' : (answer as { status: string }).status);
      },
    ),
  );
}

test('a client that trusts the authority is answered, any other and plain text are not', async () => {
  const address = await start(authority.issue('server', ['127.0.0.1', 'localhost']));
  expect(await check(address, channelCredentials({ caFile: authority.caFile }))).toBe('SERVING');
  expect(await check(address, channelCredentials({ caFile: stranger.caFile }))).toBe('refused');
  expect(await check(address, channelCredentials({}))).toBe('refused');
});

test('a certificate of another host is refused', async () => {
  const address = await start(authority.issue('elsewhere', ['elsewhere.example.org']));
  expect(await check(address, channelCredentials({ caFile: authority.caFile }))).toBe('refused');
});

test('with mutual TLS a client needs a certificate of the authority', async () => {
  const { caFile } = authority;
  const address = await start({ ...authority.issue('server', ['127.0.0.1']), caFile });
  const client = authority.issue('client', ['client']);
  expect(await check(address, channelCredentials({ caFile, ...client }))).toBe('SERVING');
  expect(await check(address, channelCredentials({ caFile }))).toBe('refused');
  expect(await check(address, channelCredentials({ caFile, ...stranger.issue('other', ['other']) }))).toBe('refused');
});

/** Fingerprint of the certificate that a server shows now. */
function shown(address: string): Promise<string> {
  const { host, port } = parseAddress(address);
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, rejectUnauthorized: false, ALPNProtocols: ['h2'] }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('a renewed certificate is shown without a restart, and a broken one never', async () => {
  const files = authority.issue('renewed', ['127.0.0.1']);
  const problems: string[] = [];
  const { Server } = await import('@grpc/grpc-js');
  const server = new Server();
  const how = serverCredentials(files, { lookMs: 20, onProblem: (error) => problems.push(error.message) });
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', how, (error, bound) => (error ? reject(error) : resolve(bound))),
  );
  cleanUp.push(() => server.forceShutdown());
  const address = `127.0.0.1:${port}`;
  const first = await eventually(() => shown(address).catch(() => undefined));

  writeFileSync(files.keyFile, 'half a k');
  await eventually(() => problems.length > 0);
  expect(await shown(address)).toBe(first);
  const other = authority.issue('other-key', ['127.0.0.1']);
  copyFileSync(other.keyFile, files.keyFile); // not of this certificate
  await eventually(() => problems.some((problem) => problem.includes('is not that of the certificate')));
  expect(await shown(address)).toBe(first);

  copyFileSync(other.certFile, files.certFile);
  await eventually(async () => (await shown(address)) !== first);
});

test('files that cannot be read or do not belong together are refused at the start', async () => {
  const { certFile } = authority.issue('one', ['127.0.0.1']);
  const { keyFile } = authority.issue('two', ['127.0.0.1']);
  expect(() => serverCredentials({ certFile, keyFile })).toThrow('is not that of the certificate');
  expect(() => serverCredentials({ certFile, keyFile: join(folder, 'none') })).toThrow('ENOENT');
  writeFileSync(join(folder, 'text.pem'), 'text');
  expect(() => channelCredentials({ caFile: join(folder, 'text.pem') })).toThrow();
});
