// Pages of other hosts before a gateway on loopback that asks nobody for a key.

import { request } from 'node:http';
import { startProgram, type Program } from '../../support/stack';

const LIST = '/v1/automed.models.v1.ModelService/ListModels';
let gateway: Program;

async function start(origins: string): Promise<void> {
  gateway = await startProgram('gateway', {
    AUTOMED_SEGMENTATION_BACKENDS: '127.0.0.1:1',
    AUTOMED_CLASSIFICATION_BACKENDS: '',
    AUTOMED_TRAINING_BACKENDS: '',
    AUTOMED_HTTP_ADDRESS: '127.0.0.1:0',
    AUTOMED_HTTP_ORIGINS: origins,
  });
}
afterEach(() => gateway.stop());

/** fetch() chooses Host and Sec-Fetch-Site itself. */
function status(method: string, path: string, headers: Record<string, string>): Promise<number | undefined> {
  return new Promise((resolve, reject) => {
    const sent = request(`http://${gateway.httpAddress}${path}`, { method, headers }, (response) => {
      response.resume();
      resolve(response.statusCode);
    });
    sent.once('error', reject);
    sent.end(method === 'POST' ? '{}' : undefined);
  });
}

const post = (headers: Record<string, string>): Promise<number | undefined> =>
  status('POST', LIST, { 'content-type': 'application/json', ...headers });

test('start nothing and read nothing, whatever their name is made to mean', async () => {
  await start('');
  const port = gateway.httpAddress.split(':')[1] ?? '';
  // 503: the call passed, and no backend runs.
  expect(await post({})).toBe(503);
  expect(await post({ origin: `http://${gateway.httpAddress}` })).toBe(503);
  expect(await post({ origin: `http://localhost:${port}`, host: `localhost:${port}` })).toBe(503);
  expect(await post({ origin: 'https://changed.by.a.proxy', 'sec-fetch-site': 'same-origin' })).toBe(503);
  expect(await post({ origin: 'https://evil.example.org' })).toBe(403);
  expect(await post({ origin: 'null' })).toBe(403);
  expect(await post({ origin: `http://localhost:1`, 'sec-fetch-site': 'same-site' })).toBe(403);
  // Its name leads to loopback, and so its page is of the same origin.
  const rebound = { host: `evil.example.org:${port}`, origin: `http://evil.example.org:${port}` };
  expect(await post({ ...rebound, 'sec-fetch-site': 'same-origin' })).toBe(403);
  expect(await status('GET', '/', { host: `evil.example.org:${port}` })).toBe(403);
  expect(await status('GET', '/', {})).toBe(200);
});

test('may call where the setting names them, and so may a proxy of that name', async () => {
  await start('https://viewer.example.org');
  expect(await post({ origin: 'https://viewer.example.org' })).toBe(503);
  expect(await post({ origin: 'https://viewer.example.org', host: 'viewer.example.org' })).toBe(503);
  expect(await post({ origin: 'https://evil.example.org' })).toBe(403);
});
