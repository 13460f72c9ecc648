// On real sockets and real files: a comparison whose caller loses its stream.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { AutomedClient } from '../../../../../services/client';
import { verifyResult } from '../../../../../services/pacs/handlers/verify-result';
import { temporaryFolder } from '../../../../support/data';
import { cutProxy, type CutProxy } from '../../../../support/cut-proxy';
import { eventually } from '../../../../support/grpc';
import { served } from '../../client/server';

const home = temporaryFolder();
const PARTS = ['result', 'image'].map((text) => ({ data: Buffer.from(text), endsFile: true }));
const cleanUp: (() => unknown)[] = [];
afterEach(() => cleanUp.splice(0).forEach((task) => task()));
const EQUAL = { equal: true, agreements: [], differences: [], images: 1 };

/** A bridge that compares until it is let. */
async function bridge() {
  let proceed: () => void = () => undefined;
  const compared: string[][] = [];
  let proxy: CutProxy | undefined;
  const client: AutomedClient = await served(
    {
      'automed.pacs.v1.PacsService': (log) => ({
        VerifyResult: verifyResult(log, {
          home,
          hasRoom: () => true,
          kept: () => [],
          verify: async (result, paths, signal) => {
            compared.push([Buffer.from(result).toString(), ...paths.map((path) => readFileSync(path, 'utf8'))]);
            await new Promise<void>((resolve, reject) => {
              proceed = resolve;
              signal.addEventListener('abort', () => reject(new Error('nobody waits')));
            });
            return EQUAL;
          },
        }),
      }),
    },
    {},
    async (address) => {
      proxy = await cutProxy(address, []);
      cleanUp.push(() => proxy?.close());
      return proxy.address;
    },
  );
  return { client, compared, cut: () => proxy?.cut(), finish: () => proceed() };
}

test('it goes on, files and all, and answers who comes back', async () => {
  const { client, compared, cut, finish } = await bridge();
  let breaks = 0;
  const answer = client.pacs.verify(PARTS, { onBroken: () => (breaks += 1) });
  await eventually(() => Promise.resolve(compared.length === 1));
  cut();
  await eventually(() => Promise.resolve(breaks === 1));
  expect(readdirSync(join(home, 'verify'))).toHaveLength(1);
  finish();
  expect(await answer).toMatchObject({ equal: true, imageCount: 1 });
  expect(compared).toEqual([['result', 'image']]);
  await eventually(() => Promise.resolve(readdirSync(join(home, 'verify')).length === 0));
});

test('one that the bridge does not know is refused by its token', async () => {
  const { client } = await bridge();
  const answer = client.pacs.verify([{ resumeToken: `${'0'.repeat(32)}.0` }]);
  await expect(answer).rejects.toMatchObject({ code: 'NOT_FOUND', field: 'resume_token' });
});
