// `automed serve` where other machines reach it: with authentication and TLS it starts, without either it says what is missing.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ModelStore } from '../../../services/store';
import { makeAuthority } from '../../support/certificates';
import { temporaryFolder } from '../../support/data';
import { slice } from '../../support/dicom-slices';
import { makeStore } from '../../support/stack-store';
import { startAutomed } from './automed-process';

jest.setTimeout(120_000);

const root = temporaryFolder();
const keys = join(root, 'keys.json');
const serve = ['serve', '--host', '0.0.0.0', '--home', join(root, 'store'), '--port', '0', '--roles', 'training'];
const quiet = [...serve, '--no-http', '--no-metrics', '--quiet'];

test('keys without TLS are refused before anything starts', async () => {
  const { code, err } = await startAutomed(quiet, { AUTOMED_KEYS_FILE: keys }).ended;
  expect(code).toBe(2);
  expect(err).toMatch(/0\.0\.0\.0:0 .*keys would travel in the clear.*AUTOMED_TLS_CERT_FILE/);
});

test('with keys and TLS it starts without --insecure, and asks who calls', async () => {
  const authority = makeAuthority(root);
  const { caFile } = authority;
  const { certFile, keyFile } = authority.issue('gateway', ['127.0.0.1', 'localhost']);
  const created = await startAutomed(['keys', 'create', 'clinic', '--role', 'admin', '--file', keys]).ended;
  const token = created.out.trim();
  const server = startAutomed(quiet, {
    AUTOMED_KEYS_FILE: keys,
    AUTOMED_TLS_CERT_FILE: certFile,
    AUTOMED_TLS_KEY_FILE: keyFile,
  });
  const [, port = ''] = /^listening on [^:]+:(\d+)/.exec(await server.line(/^listening on /)) ?? [];
  const list = ['jobs', 'list', '--address', `127.0.0.1:${port}`];
  const stranger = await startAutomed(list, { AUTOMED_GATEWAY_CA_FILE: caFile }).ended;
  expect(stranger).toMatchObject({ code: 1, err: expect.stringMatching(/key|token/i) as string });
  const caller = await startAutomed(list, { AUTOMED_GATEWAY_CA_FILE: caFile, AUTOMED_TOKEN: token }).ended;
  expect(caller).toMatchObject({ code: 0 });
  server.child.kill('SIGTERM');
  expect((await server.ended).code).toBe(0);
});

/** What takes files of a folder and puts results into another. */
const analysing = (folder: string): string => `ae_title: AUTOMED
watch: [{ path: ${folder}/in, settle_seconds: 0 }]
complete: { series_seconds: 0.1, study_seconds: 0.1 }
storage: { most_percent: 100, reserve: 0 }
destinations:
  kept: { kind: folder, path: ${folder}/out }
rules:
  - { name: all, when: {}, task: segmentation, model: polyp, results: [SEG], send_to: kept }
`;

describe("with TLS in the environment, which is the served gateway's", () => {
  const home = join(root, 'own');
  const environment = (): Record<string, string> => {
    const authority = makeAuthority(root, 'other');
    const { certFile, keyFile } = authority.issue('served', ['gateway.example.org']);
    return {
      AUTOMED_TLS_CERT_FILE: certFile,
      AUTOMED_TLS_KEY_FILE: keyFile,
      AUTOMED_GATEWAY_CA_FILE: authority.caFile,
      AUTOMED_HTTP_ADDRESS: '127.0.0.1:1',
    };
  };
  beforeAll(async () => {
    await ModelStore.open(home);
    writeFileSync(join(root, 'pacs.yaml'), 'ae_title: AUTOMED\n');
  });

  test('a command reaches the services that it starts for itself', async () => {
    expect(await startAutomed(['jobs', 'list', '--home', home], environment()).ended).toMatchObject({ code: 0 });
  });

  test('the bridge that `automed pacs serve` starts answers commands, alone and with models', async () => {
    for (const gateway of [[], ['--address', '127.0.0.1:1']]) {
      const folder = join(root, `pacs${gateway.length}`);
      const site = ['--site', join(root, 'pacs.yaml'), '--folder', folder, '--home', home, '--port', '0', '--quiet'];
      const bridge = startAutomed(['pacs', 'serve', ...site, ...gateway], environment());
      await bridge.line(/^the bridge runs/);
      const asked = await startAutomed(['pacs', 'status', '--folder', folder], environment()).ended;
      expect(asked).toMatchObject({ code: 0 });
      bridge.child.kill('SIGTERM');
      expect((await bridge.ended).code).toBe(0);
    }
  });

  test('the bridge reaches the models that are started with it', async () => {
    const folder = join(root, 'analysing');
    const site = join(root, 'analysing.yaml');
    await (await makeStore(home)).addSegmentation('polyp');
    const manifest = join(home, 'models', 'polyp', '1', 'model.json');
    const terms = { polyp: { type: { value: '52988006', scheme: 'SCT', meaning: 'Lesion' } } };
    writeFileSync(manifest, JSON.stringify({ ...(JSON.parse(readFileSync(manifest, 'utf8')) as object), terms }));
    mkdirSync(join(folder, 'in'), { recursive: true });
    writeFileSync(join(folder, 'in', 'image.dcm'), slice({ more: { '0020000e': ['UI', '1.2.3.9'] } }));
    writeFileSync(site, analysing(folder));
    const args = ['--site', site, '--folder', folder, '--home', home, '--port', '0'];
    const bridge = startAutomed(['pacs', 'serve', ...args], { ...environment(), AUTOMED_LOG_LEVEL: 'info' });
    const told = await bridge.says(/"event":"(job-done|job-again|job-dead|file-refused)"/);
    bridge.child.kill('SIGTERM');
    expect(told).toContain('job-done');
    expect((await bridge.ended).code).toBe(0);
  });
});
