// Keys, tokens and roles at a gateway that runs as a process, before a backend that counts what reaches it.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, credentials, status as Code } from '@grpc/grpc-js';
import type { CryptoKey, JWK } from 'jose' with { 'resolution-mode': 'import' };
import { createKey, formatKeys, type ApiKey } from '../../../services/access/api-keys';
import { AutomedClient } from '../../../services/client';
import { automedError, type AutomedError } from '../../../services/common/errors';
import { unary } from '../../../services/common/grpc/handlers';
import { serviceDefinition } from '../../../services/common/grpc/proto';
import { channelCredentials, type TlsFiles } from '../../../services/common/grpc/tls';
import { makeAuthority } from '../../support/certificates';
import { eventually, startServer } from '../../support/grpc';
import { startProgram, type Program } from '../../support/stack';

const SEGMENTATION = 'automed.segmentation.v1.SegmentationService';
const INFERENCE = 'inference.GRPCInferenceService';
const MODELS = 'automed.models.v1.ModelService';
const folder = mkdtempSync(join(tmpdir(), 'automed-access-'));
const keysFile = join(folder, 'keys.json');
const cleanUp: (() => unknown)[] = [];
afterEach(async () => {
  for (const task of cleanUp.splice(0).reverse()) await task();
});
afterAll(() => rmSync(folder, { recursive: true }));

const clinic = createKey('clinic', ['predict']);
const boss = createKey('boss', ['admin']);
const writeKeys = (...entries: ApiKey[]): void => writeFileSync(keysFile, formatKeys(entries));

interface Seen {
  authorization: string | undefined;
  principal: string | undefined;
}

/** A backend that segments nothing, and says what it was told of who calls. */
async function startBackend(tls: TlsFiles = {}): Promise<{ address: string; seen: Seen[] }> {
  const seen: Seen[] = [];
  const running = await startServer(
    (log) => {
      const answer = unary<{ model: string }, object>(log, () => {
        throw automedError('NOT_FOUND', 'reached');
      });
      const spied: typeof answer = (call, callback) => {
        const header = (name: string): string | undefined => call.metadata.get(name)[0]?.toString();
        seen.push({ authorization: header('authorization'), principal: header('automed-principal') });
        answer(call, callback);
      };
      return [
        { name: SEGMENTATION, definition: serviceDefinition(SEGMENTATION), implementation: { Segment: spied } },
        { name: MODELS, definition: serviceDefinition(MODELS), implementation: { DeleteModel: spied } },
      ];
    },
    { tls },
  );
  cleanUp.push(() => running.server.drain(0));
  return { address: running.address, seen };
}

async function startGateway(backend: string, settings: Record<string, string>): Promise<Program> {
  const backends = { AUTOMED_SEGMENTATION_BACKENDS: backend, AUTOMED_CLASSIFICATION_BACKENDS: backend };
  const gateway = await startProgram('gateway', { ...backends, AUTOMED_TRAINING_BACKENDS: ',', ...settings });
  cleanUp.push(() => gateway.stop());
  return gateway;
}

/** What becomes of a call: the code of its error, REACHED when the backend had it. */
async function outcome(
  gateway: Program,
  token: string | undefined,
  call: 'segment' | 'delete' | 'traffic' = 'segment',
  options: { metadata?: Record<string, string>; tls?: TlsFiles } = {},
): Promise<string> {
  const client = new AutomedClient(gateway.address, {
    attempts: 1,
    timeoutMs: 10_000,
    metadata: { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...options.metadata },
    credentials: channelCredentials(options.tls ?? {}),
  });
  try {
    if (call === 'segment')
      await client.segmentation.segment({ model: 'polyp@3', image: { encoded: Buffer.from('x') } });
    else if (call === 'traffic') await client.gateway.traffic();
    else await client.models.delete('polyp@3');
    return 'OK';
  } catch (error) {
    const { code, message } = error as AutomedError;
    return message.includes('reached') ? 'REACHED' : code;
  } finally {
    client.close();
  }
}

test('a key opens what its roles allow, and reaches no backend itself', async () => {
  writeKeys(clinic.entry, boss.entry);
  const { address, seen } = await startBackend();
  const gateway = await startGateway(address, { AUTOMED_KEYS_FILE: keysFile });
  expect(await outcome(gateway, undefined)).toBe('UNAUTHENTICATED');
  expect(await outcome(gateway, 'amk_aaaaaaaa_' + 'A'.repeat(43))).toBe('UNAUTHENTICATED');
  expect(await outcome(gateway, 'some.jwt.token')).toBe('UNAUTHENTICATED');
  expect(await outcome(gateway, clinic.key, 'delete')).toBe('PERMISSION_DENIED');
  // What the gateway answers itself is no less guarded.
  expect(await outcome(gateway, undefined, 'traffic')).toBe('UNAUTHENTICATED');
  expect(await outcome(gateway, clinic.key, 'traffic')).toBe('PERMISSION_DENIED');
  expect(await outcome(gateway, boss.key, 'traffic')).toBe('OK');
  expect(seen).toEqual([]);
  const forged = { metadata: { 'automed-principal': 'key:boss' } };
  expect(await outcome(gateway, clinic.key, 'segment', forged)).toBe('REACHED');
  expect(await outcome(gateway, boss.key, 'delete')).toBe('REACHED');
  expect(seen).toEqual([
    { authorization: undefined, principal: 'key:clinic' },
    { authorization: undefined, principal: 'key:boss' },
  ]);
  const callers = gateway.lines.filter(({ event }) => event === 'call').map(({ caller }) => caller);
  expect(new Set(callers)).toEqual(new Set([undefined, 'key:clinic', 'key:boss']));
  expect(JSON.stringify(gateway.lines)).not.toContain(clinic.key);
});

test('a key that is revoked in the file is refused without a restart, and a broken file changes nothing', async () => {
  writeKeys(clinic.entry, boss.entry);
  const { address } = await startBackend();
  const gateway = await startGateway(address, { AUTOMED_KEYS_FILE: keysFile });
  expect(await outcome(gateway, clinic.key)).toBe('REACHED');
  writeFileSync(keysFile, 'no JSON');
  await eventually(() => gateway.lines.some(({ event }) => event === 'access'));
  expect(await outcome(gateway, clinic.key)).toBe('REACHED');
  writeKeys({ ...clinic.entry, revoked: new Date().toISOString() }, boss.entry);
  await eventually(async () => (await outcome(gateway, clinic.key)) === 'UNAUTHENTICATED');
  expect(await outcome(gateway, boss.key)).toBe('REACHED');
});

test('a policy file says which models a role may ask', async () => {
  writeKeys(clinic.entry);
  const policyFile = join(folder, 'policy.yaml');
  const allowing = (model: string): void =>
    writeFileSync(policyFile, `roles: {predict: [{methods: ['automed.segmentation.v1.*'], models: [${model}]}]}\n`);
  allowing('brain');
  const { address } = await startBackend();
  const gateway = await startGateway(address, { AUTOMED_KEYS_FILE: keysFile, AUTOMED_POLICY_FILE: policyFile });
  expect(await outcome(gateway, clinic.key)).toBe('PERMISSION_DENIED');
  allowing('pol*');
  await eventually(async () => (await outcome(gateway, clinic.key)) === 'REACHED');
});

test('limits of a policy hold for each caller, in gRPC and HTTP, and change without a restart', async () => {
  writeKeys(clinic.entry, boss.entry);
  const policyFile = join(folder, 'limits.yaml');
  const allowing = (perDay: number): void =>
    writeFileSync(
      policyFile,
      `limits: [{callers: ['key:clinic'], methods: ['automed.segmentation.*'], perDay: ${perDay}}]\n`,
    );
  allowing(2);
  const { address, seen } = await startBackend();
  const settings = {
    AUTOMED_KEYS_FILE: keysFile,
    AUTOMED_POLICY_FILE: policyFile,
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
  };
  const gateway = await startGateway(address, settings);
  expect([await outcome(gateway, clinic.key), await outcome(gateway, clinic.key)]).toEqual(['REACHED', 'REACHED']);
  expect(await outcome(gateway, clinic.key)).toBe('LIMIT_EXCEEDED');
  expect(seen).toHaveLength(2);
  expect(await outcome(gateway, boss.key)).toBe('REACHED');
  const response = await fetch(`http://${gateway.httpAddress}/v1/${SEGMENTATION}/Segment`, {
    method: 'POST',
    headers: { authorization: `Bearer ${clinic.key}`, 'content-type': 'application/json' },
    body: '{"model": "polyp"}',
  });
  expect(response.status).toBe(429);
  expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
  expect(await response.json()).toMatchObject({ error: { status: 'RESOURCE_EXHAUSTED', reason: 'LIMIT_EXCEEDED' } });
  allowing(1_000);
  await eventually(async () => (await outcome(gateway, clinic.key)) === 'REACHED');
});

test('who changed what, and who was not allowed to, is written down apart from the log', async () => {
  writeKeys(clinic.entry, boss.entry);
  const auditFile = join(folder, 'audit.jsonl');
  const { address } = await startBackend();
  const gateway = await startGateway(address, { AUTOMED_KEYS_FILE: keysFile, AUTOMED_AUDIT_FILE: auditFile });
  expect(await outcome(gateway, clinic.key)).toBe('REACHED');
  expect(await outcome(gateway, clinic.key, 'delete')).toBe('PERMISSION_DENIED');
  expect(await outcome(gateway, 'amk_aaaaaaaa_' + 'A'.repeat(43))).toBe('UNAUTHENTICATED');
  expect(await outcome(gateway, boss.key, 'delete')).toBe('REACHED');
  const text = readFileSync(auditFile, 'utf8');
  const lines = text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
  const DELETE = `${MODELS}/DeleteModel`;
  expect(lines).toMatchObject([
    { caller: 'key:clinic', roles: ['predict'], method: DELETE, code: 'PERMISSION_DENIED' },
    { caller: 'nobody', method: `${SEGMENTATION}/Segment`, code: 'UNAUTHENTICATED' },
    { caller: 'key:boss', method: DELETE, code: 'NOT_FOUND', model: 'polyp@3', request: { model: 'polyp@3' } },
  ]);
  for (const line of lines)
    expect(line).toMatchObject({ peer: expect.stringMatching(/^127/), requestId: expect.any(String) });
  for (const { key } of [clinic, boss]) expect(text).not.toContain(key.slice(13));
});

test('whichever protocol a call came by, its audit line says from where, and nobody can say otherwise', async () => {
  writeKeys(clinic.entry);
  const auditFile = join(folder, 'peers.jsonl');
  const { address } = await startBackend();
  const gateway = await startGateway(address, {
    AUTOMED_KEYS_FILE: keysFile,
    AUTOMED_AUDIT_FILE: auditFile,
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
  });
  const forged = { 'automed-peer': '10.9.9.9:1' };
  const post = (path: string, type: string, body: string): Promise<Response> =>
    fetch(`http://${gateway.httpAddress}${path}`, {
      method: 'POST',
      headers: { 'content-type': type, ...forged },
      body,
    });
  await outcome(gateway, undefined, 'segment', { metadata: forged });
  await post(`/v1/${SEGMENTATION}/Segment`, 'application/json', '{}');
  await (await post(`/${SEGMENTATION}/Segment`, 'application/grpc-web', '\0\0\0\0\0')).text();
  // Not even decoded.
  const infer = new Client(gateway.address, credentials.createInsecure());
  const same = (bytes: Buffer): Buffer => bytes;
  const code = await new Promise((resolve) =>
    infer.makeUnaryRequest(`/${INFERENCE}/ModelInfer`, same, same, Buffer.from([0xff]), (error) =>
      resolve(error?.code),
    ),
  );
  infer.close();
  expect(code).toBe(Code.UNAUTHENTICATED);
  const lines = readFileSync(auditFile, 'utf8').trim().split('\n');
  expect(lines.map((line) => JSON.parse(line) as object)).toEqual(
    [SEGMENTATION, SEGMENTATION, SEGMENTATION, INFERENCE].map((service): unknown =>
      expect.objectContaining({
        method: expect.stringContaining(`${service}/`),
        code: 'UNAUTHENTICATED',
        peer: expect.stringMatching(/^127[.]/),
      }),
    ),
  );
});

describe('tokens of an identity provider', () => {
  interface Provider {
    url: string;
    issuer: string;
    /** Signs with the newest key. */
    token: (claims?: Record<string, unknown>, subject?: string) => Promise<string>;
    rotate: () => Promise<void>;
    fetched: () => number;
  }

  async function startProvider(): Promise<Provider> {
    const { exportJWK, generateKeyPair, SignJWT } = await import('jose');
    const published: JWK[] = [];
    let current: { kid: string; privateKey: CryptoKey };
    let fetched = 0;
    const rotate = async (): Promise<void> => {
      const { publicKey, privateKey } = await generateKeyPair('ES256');
      const kid = `key-${published.length}`;
      published.push({ ...(await exportJWK(publicKey)), kid, alg: 'ES256', use: 'sig' });
      current = { kid, privateKey };
    };
    await rotate();
    const server: Server = createServer((_request, response) => {
      fetched += 1;
      response.setHeader('content-type', 'application/json').end(JSON.stringify({ keys: published }));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    cleanUp.push(() => server.close());
    const issuer = 'https://id.example.org';
    const token = (claims: Record<string, unknown> = { roles: ['predict'] }, subject = 'dr-who'): Promise<string> =>
      new SignJWT({ iss: issuer, aud: 'automed', ...claims })
        .setProtectedHeader({ alg: 'ES256', kid: current.kid })
        .setSubject(subject)
        .setExpirationTime((claims['exp'] as number | undefined) ?? '5 minutes')
        .sign(current.privateKey);
    return {
      url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`,
      issuer,
      token,
      rotate,
      fetched: () => fetched,
    };
  }

  test('one that holds opens what its roles allow; expired, foreign, unsigned and role-less ones do not', async () => {
    const provider = await startProvider();
    const { address, seen } = await startBackend();
    const gateway = await startGateway(address, {
      AUTOMED_JWT_JWKS: provider.url,
      AUTOMED_JWT_ISSUER: provider.issuer,
    });
    expect(await outcome(gateway, await provider.token())).toBe('REACHED');
    expect(seen).toEqual([{ authorization: undefined, principal: 'user:dr-who' }]);
    expect(await outcome(gateway, await provider.token({ roles: 'predict audit' }))).toBe('REACHED');
    expect(await outcome(gateway, await provider.token(), 'delete')).toBe('PERMISSION_DENIED');
    expect(await outcome(gateway, await provider.token({}))).toBe('PERMISSION_DENIED');
    const seconds = Math.floor(Date.now() / 1000);
    expect(await outcome(gateway, await provider.token({ roles: ['admin'], exp: seconds - 60 }))).toBe(
      'UNAUTHENTICATED',
    );
    // Clocks differ: 30 s are forgiven.
    expect(await outcome(gateway, await provider.token({ roles: ['predict'], exp: seconds - 10 }))).toBe('REACHED');
    expect(await outcome(gateway, await provider.token({ roles: ['admin'], aud: 'other' }))).toBe('UNAUTHENTICATED');
    expect(await outcome(gateway, await provider.token({ roles: ['admin'], iss: 'https://evil.example' }))).toBe(
      'UNAUTHENTICATED',
    );
    const stranger = await startProvider();
    expect(await outcome(gateway, await stranger.token({ roles: ['admin'] }))).toBe('UNAUTHENTICATED');
    const [, body] = (await provider.token({ roles: ['admin'] })).split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${body}.`;
    expect(await outcome(gateway, unsigned)).toBe('UNAUTHENTICATED');
  });

  test('keys are fetched once, and again when the provider signs with a new one', async () => {
    const provider = await startProvider();
    const { address } = await startBackend();
    const gateway = await startGateway(address, {
      AUTOMED_JWT_JWKS: provider.url,
      AUTOMED_JWT_ISSUER: provider.issuer,
    });
    for (let call = 0; call < 3; call += 1) expect(await outcome(gateway, await provider.token())).toBe('REACHED');
    expect(provider.fetched()).toBe(1);
    await provider.rotate();
    await eventually(async () => (await outcome(gateway, await provider.token())) === 'REACHED');
    expect(provider.fetched()).toBe(2);
  });
});

test('TLS from the client to the gateway and, mutual, from the gateway to its backend', async () => {
  writeKeys(clinic.entry);
  const authority = makeAuthority(folder);
  const { caFile } = authority;
  const backend = await startBackend({ ...authority.issue('backend', ['localhost', '127.0.0.1']), caFile });
  const own = authority.issue('gateway', ['127.0.0.1']);
  const gateway = await startGateway(backend.address, {
    AUTOMED_KEYS_FILE: keysFile,
    AUTOMED_TLS_CERT_FILE: own.certFile,
    AUTOMED_TLS_KEY_FILE: own.keyFile,
    AUTOMED_BACKEND_TLS_CA_FILE: caFile,
    AUTOMED_BACKEND_TLS_CERT_FILE: own.certFile,
    AUTOMED_BACKEND_TLS_KEY_FILE: own.keyFile,
  });
  expect(await outcome(gateway, clinic.key, 'segment', { tls: { caFile } })).toBe('REACHED');
  expect(await outcome(gateway, clinic.key)).toBe('SERVICE_UNAVAILABLE');
});
