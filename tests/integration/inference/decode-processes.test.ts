// A service whose images are decoded in other processes.

import { setTimeout as sleep } from 'node:timers/promises';
import { segmentationClient } from '../../support/api-clients';
import { temporaryFolder } from '../../support/data';
import { childrenOf, startProgram, type Program } from '../../support/stack';
import { discImage } from '../../support/stack-images';
import { makeStore } from '../../support/stack-store';

const home = temporaryFolder();
let here: Program;
let there: Program;
const clients: ReturnType<typeof segmentationClient>[] = [];

beforeAll(async () => {
  const store = await makeStore(home);
  await store.addSegmentation('polyp');
  here = await startProgram('inference', { AUTOMED_HOME: home });
  there = await startProgram('inference', { AUTOMED_HOME: home, AUTOMED_DECODE_PROCESSES: '2' });
});

afterAll(async () => {
  for (const client of clients) client.close();
  expect([await here.stop(), await there.stop()]).toEqual([0, 0]);
});

function clientOf({ address }: Program): ReturnType<typeof segmentationClient> {
  const client = segmentationClient(address);
  clients.push(client);
  return client;
}

async function ended({ metricsAddress }: Program): Promise<number> {
  const answer = await fetch(`http://${metricsAddress}/metrics`, { headers: { connection: 'close' } });
  const line = /^automed_image_decoders_ended_total\S* (\d+)$/m.exec(await answer.text());
  return Number(line?.[1]);
}

test('answers are the same, also after all of them have ended', async () => {
  const request = { model: 'polyp', image: { encoded: (await discImage()).png } };
  const expected = await clientOf(here).unary('Segment', request);
  const client = clientOf(there);
  const { masks } = await client.unary('Segment', request);
  expect(masks).toEqual(expected.masks);
  expect(childrenOf(here)).toEqual([]);
  const pids = childrenOf(there);
  expect(pids).toHaveLength(2);
  pids.forEach((pid) => process.kill(pid, 'SIGSEGV'));
  while (childrenOf(there).some((pid) => pids.includes(pid))) await sleep(5);
  expect((await client.unary('Segment', request)).masks).toEqual(expected.masks);
  expect(await ended(there)).toBe(0); // none had an image
});

test('a damaged image is an error of whoever sent it', async () => {
  const encoded = (await discImage()).png.subarray(0, -30);
  await expect(clientOf(there).unary('Segment', { model: 'polyp', image: { encoded } })).rejects.toMatchObject({
    code: 'UNSUPPORTED_IMAGE',
    field: 'image',
  });
});
