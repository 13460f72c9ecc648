// Mutual TLS, tokens and a canary under load, while certificates are renewed, the provider signs with a new key, the alias moves
// to another version and models are unloaded: no call fails, and what changed is in use.

import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { mkdirSync, readFileSync } from 'node:fs';
import { Metadata, type ServiceDefinition } from '@grpc/grpc-js';
import type { JWK } from 'jose' with { 'resolution-mode': 'import' };
import type { ModelServiceDefinition } from '../../../proto/gen/automed/models/v1/ModelService';
import type { SegmentResponse__Output } from '../../../proto/gen/automed/segmentation/v1/SegmentResponse';
import { ApiClient } from '../../../services/common/grpc/client';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { channelCredentials } from '../../../services/common/grpc/tls';
import { sleepMs } from '../../../services/common/timers';
import { makeAuthority, type Authority } from '../../support/certificates';
import { temporaryFolder } from '../../support/data';
import { eventually } from '../../support/grpc';
import { LoadClient, summarize } from '../../support/open-loop';
import { startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const ISSUER = 'https://id.example.org';
const HOSTS = ['127.0.0.1', 'localhost'];
const SECONDS = 30;
const PER_SECOND = 4;

const folder = temporaryFolder();
const cleanUp: (() => unknown)[] = [];
afterAll(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});

/** An identity provider whose keys can be replaced. */
async function startProvider() {
  const { exportJWK, generateKeyPair, SignJWT } = await import('jose');
  const published: JWK[] = [];
  let sign: (roles: string[]) => Promise<string>;
  const rotate = async (): Promise<void> => {
    const { publicKey, privateKey } = await generateKeyPair('ES256');
    const kid = `key-${published.length}`;
    published.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
    sign = (roles) =>
      new SignJWT({ iss: ISSUER, aud: 'automed', roles })
        .setProtectedHeader({ alg: 'ES256', kid })
        .setSubject('dr-who')
        .setExpirationTime('5 minutes')
        .sign(privateKey);
  };
  await rotate();
  const server = createServer((_request, response) => {
    response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  cleanUp.push(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
  return { url, rotate, token: (roles: string[]) => sign(roles) };
}

async function startServing(authority: Authority, jwks: string, home: string) {
  const backend = authority.issue('backend', HOSTS);
  const front = authority.issue('gateway', HOSTS);
  const inference = await startProgram('inference', {
    AUTOMED_HOME: home,
    AUTOMED_TLS_CERT_FILE: backend.certFile,
    AUTOMED_TLS_KEY_FILE: backend.keyFile,
    AUTOMED_TLS_CLIENT_CA_FILE: authority.caFile,
    AUTOMED_EMBEDDING_CACHE_BYTES: '0',
    AUTOMED_RESOLVE_TTL_MS: '200',
  });
  const split = [
    { model: 'polyp@production', weight: 90 },
    { model: 'polyp@candidate', weight: 10 },
  ];
  const backends = [inference.address];
  const rules = [
    { service: SEGMENTATION, model: 'polyp', alias: 'production', split, backends },
    { service: '*', backends },
  ];
  const gateway = await startProgram('gateway', {
    AUTOMED_ROUTES: JSON.stringify({ rules }),
    AUTOMED_TLS_CERT_FILE: front.certFile,
    AUTOMED_TLS_KEY_FILE: front.keyFile,
    AUTOMED_TLS_CLIENT_CA_FILE: authority.caFile,
    AUTOMED_BACKEND_TLS_CA_FILE: authority.caFile,
    AUTOMED_BACKEND_TLS_CERT_FILE: front.certFile,
    AUTOMED_BACKEND_TLS_KEY_FILE: front.keyFile,
    AUTOMED_JWT_JWKS: jwks,
    AUTOMED_JWT_ISSUER: ISSUER,
    AUTOMED_AUDIT_FILE: join(folder, 'audit.jsonl'),
  });
  cleanUp.push(
    () => inference.stop(),
    () => gateway.stop(),
  );
  return { inference, gateway };
}

/** Serial number of the certificate that a server shows. */
function serialOf(
  { address }: Program,
  { caFile, certFile, keyFile }: Record<'caFile' | 'certFile' | 'keyFile', string>,
) {
  const [host, port] = address.split(':');
  return new Promise<string>((resolve, reject) => {
    const files = { ca: readFileSync(caFile), cert: readFileSync(certFile), key: readFileSync(keyFile) };
    const socket = connect({ host, port: Number(port), ALPNProtocols: ['h2'], ...files }, () => {
      resolve(socket.getPeerCertificate().serialNumber);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

test('no call fails while certificates, keys, versions and loaded models change under load', async () => {
  const home = join(folder, 'home');
  mkdirSync(home);
  const made = await makeStore(home);
  for (const seed of [2, 3, 4]) await made.addSegmentation('polyp', seed);
  await made.store.setAlias('polyp', 'production', 1);
  await made.store.setAlias('polyp', 'candidate', 2);
  const authority = makeAuthority(folder);
  const provider = await startProvider();
  const { inference, gateway } = await startServing(authority, provider.url, home);

  const own = { ...authority.issue('client', ['client']), caFile: authority.caFile };
  const credentials = channelCredentials(own);
  const { Segment: described } = serviceDefinition<ServiceDefinition>(SEGMENTATION);
  if (!described) throw new Error('there is no Segment');
  const versions: Record<number, number> = {};
  let token = await provider.token(['predict']);
  const image = { encoded: (await discImage()).png };
  const client = new LoadClient({
    address: gateway.address,
    path: `/${SEGMENTATION}/Segment`,
    requests: [described.requestSerialize({ model: 'polyp@production', image })],
    deadlineMs: 60_000,
    credentials,
    metadata: () => {
      const metadata = new Metadata();
      metadata.set('authorization', `Bearer ${token}`);
      return metadata;
    },
    onAnswer: (bytes) => {
      const { model } = described.responseDeserialize(bytes) as SegmentResponse__Output;
      versions[model?.version ?? 0] = (versions[model?.version ?? 0] ?? 0) + 1;
    },
  });
  cleanUp.push(() => client.close());
  const models = new ApiClient<ModelServiceDefinition>('automed.models.v1.ModelService', gateway.address, {
    credentials,
  });
  cleanUp.push(() => models.close());
  const admin = async () => ({ metadata: { authorization: `Bearer ${await provider.token(['admin'])}` } });

  const before = [await serialOf(gateway, own), await serialOf(inference, own)];
  const running = client.openLoop(PER_SECOND, SECONDS * 1000);
  const change = async (): Promise<void> => {
    await sleepMs(4_000);
    for (const name of ['gateway', 'backend']) authority.issue(name, HOSTS);
    await sleepMs(4_000);
    await provider.rotate();
    token = await provider.token(['predict']);
    await sleepMs(4_000);
    await models.unary('SetAlias', { model: 'polyp', alias: 'production', version: 3 }, await admin());
    await sleepMs(4_000);
    await models.unary('UnloadModel', { model: 'polyp@2' }, await admin()).catch(() => undefined); // it may be in use
  };
  const [outcomes] = await Promise.all([running, change()]);

  const summary = summarize(outcomes, SECONDS * 1000);
  expect(summary.byCode).toEqual({ OK: outcomes.length });
  // The current version before and after the alias moved, and the candidate's tenth.
  expect(Object.keys(versions).sort()).toEqual(['1', '2', '3']);
  expect(Math.abs((versions[2] ?? 0) - outcomes.length / 10)).toBeLessThanOrEqual(1);
  await eventually(async () => {
    const now = [await serialOf(gateway, own), await serialOf(inference, own)];
    return now.every((serial, at) => serial !== before[at]);
  });
  process.stdout.write(
    `${outcomes.length} calls, versions ${JSON.stringify(versions)}, p99 ${summary.p99.toFixed(0)} ms\n`,
  );

  const audit = readFileSync(join(folder, 'audit.jsonl'), 'utf8');
  expect(audit).toContain('"method":"automed.models.v1.ModelService/SetAlias","code":"OK"');
  expect(audit).toContain('"caller":"user:dr-who"');
});
