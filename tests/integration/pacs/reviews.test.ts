// What a rule puts into a review queue: the images on which something was drawn, with what was drawn, once.

import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  dicomResults,
  FileImages,
  GatewayReviews,
  keptText,
  resultPool,
  type StoredResult,
} from '../../../services/analysis';
import { AutomedClient } from '../../../services/client';
import { decodeRle } from '../../../services/common/coco-rle';
import { createLogger } from '../../../services/common/logging';
import { readSource } from '../../../services/dicom-results';
import { openJournal, type Journal } from '../../../services/pacs/adapters/journal/journal';
import { ReviewSender } from '../../../services/pacs/adapters/review-sender';
import { readSite } from '../../../services/pacs-site/read-site';
import { temporaryFolder } from '../../support/data';
import { startServer } from '../../support/grpc';
import { ctFiles } from '../../support/dicom-series';
import { contextOf, drawnOnStack } from '../../support/drawn-masks';
import { arrival } from '../../support/pacs-arrival';
import { startProgram, type Program } from '../../support/stack';

const siteOf = (more: string) =>
  readSite(
    `ae_title: AUTOMED
delivery: { attempts: 1, first_seconds: 60, longest_seconds: 60 }
destinations: { archive: { kind: folder, path: /archive } }
rules:
  - { name: abdomen, model: m, send_to: archive, ${more} }
`,
    'pacs.yaml',
  );
const SITE = siteOf('task: segmentation, results: [SEG], review: abdomen');
const SLICES = 3;
const FILES = ctFiles({ rows: 7, columns: 9, slices: SLICES });
const SOURCES = FILES.map((bytes) => readSource(bytes));
/** Nothing is drawn on the first slice. */
const DRAWN = drawnOnStack(SOURCES);
const MASKS = {
  ...DRAWN,
  structures: DRAWN.structures.map((each) => ({
    ...each,
    slices: each.slices.map((mask, at) => (at === 0 ? undefined : mask)),
  })),
};

const root = temporaryFolder();
const home = join(root, 'home');
const fileAt = (name: string): string => join(root, name);
let service: Program;
let client: AutomedClient;
let journal: Journal;

beforeAll(async () => {
  mkdirSync(home);
  service = await startProgram('training', { AUTOMED_HOME: home, AUTOMED_TRAINING_THREADS: '1' });
  client = new AutomedClient(service.address, { timeoutMs: 60_000 });
  journal = openJournal(fileAt('journal.db'));
  await analysed();
});
afterAll(async () => {
  journal.close();
  client.close();
  await resultPool.close();
  expect(await service.stop()).toBe(0);
});

/** A series whose segmentation is on the disk. */
async function analysed(): Promise<void> {
  for (const [at, { studyUid: study, seriesUid: series, sopInstanceUid }] of SOURCES.entries()) {
    writeFileSync(fileAt(`${at}.dcm`), FILES[at] ?? '');
    journal.arrivals.record({ ...arrival(sopInstanceUid, { study, series }), file: `${at}.dcm` }, 0);
  }
  journal.completion.closeDue(SITE);
  const job = journal.jobs.claim(60_000);
  const context = contextOf(SOURCES);
  const object = await dicomResults.segmentation(context, MASKS);
  if (!job || !object) throw new Error('there is no analysis');
  writeFileSync(fileAt('seg.dcm'), object.bytes);
  const { sopClassUid: sopClass, sopInstanceUid: sopInstance, seriesUid: series } = object;
  const uids = { sopClass, sopInstance, series };
  const result: StoredResult = { kind: 'SEG', of: '', part: 1, ...uids, file: 'seg.dcm', sha256: '', bytes: 1 };
  const outcome = { model: 'abdomen@3', context: keptText({ context, masks: MASKS }), results: [result] };
  expect(journal.jobs.succeed(job, { ...outcome, deliveries: [] })).toBe(true);
}

function senderTo(address: string): { sender: ReviewSender; close: () => void } {
  const reviews = new GatewayReviews(address, 20_000);
  const read = (name: string): Promise<Buffer> => Promise.resolve(readFileSync(fileAt(name)));
  const sender = new ReviewSender({
    site: () => SITE,
    reviews: journal.reviews,
    done: (job) => journal.parcels.done(job),
    images: new FileImages(fileAt, 1),
    received: read,
    result: read,
    add: (request, signal) => reviews.add(request, signal),
    inFlight: 2,
    log: createLogger('test', 'fatal'),
  });
  return { sender, close: () => reviews.close() };
}

const signal = new AbortController().signal;

test('waits for a review service that is away, ends where there is none, and when tried again adds every image that was drawn on, once', async () => {
  const away = senderTo('127.0.0.1:1');
  expect(await away.sender.step(signal)).toBe(true);
  away.close();
  expect(journal.reviews.next(Date.now() + 60_000)).toMatchObject({ job: 1, attempts: 0 });

  journal.reviews.later({ job: 1, attempts: 0, patient: '' }, -1);
  const other = await startServer(() => []);
  const refused = senderTo(other.address);
  expect(await refused.sender.step(signal)).toBe(true);
  refused.close();
  await other.server.drain(1_000);
  expect(journal.reviews.next(Number.MAX_SAFE_INTEGER)).toBeUndefined();

  const { sender, close } = senderTo(service.address);
  expect(await sender.step(signal)).toBe(false);
  expect(journal.steering.retry(1, SITE.rules)).toEqual({ analyses: 0, deliveries: 0, held: 0 });
  expect(await sender.step(signal)).toBe(true);
  expect(await sender.step(signal)).toBe(false);
  close();

  const listed = [];
  for await (const review of client.reviews.list({ queue: 'abdomen' })) listed.push(review);
  expect(listed.map(({ name }) => name).sort()).toEqual(
    MASKS.frames
      .slice(1)
      .map(({ sopInstanceUid, frame }) => `${sopInstanceUid}/${frame}`)
      .sort(),
  );
  for (const { id, name, group, origin, model } of listed) {
    expect({ group, origin, model }).toEqual({
      group: expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      origin: 'pacs rule abdomen',
      model: 'abdomen@3',
    });
    const at = MASKS.frames.findIndex(({ sopInstanceUid }) => name === `${sopInstanceUid}/1`);
    const { review, image } = await client.reviews.get(id);
    expect(review?.finding?.segmentation?.masks.map(({ structure }) => structure)).toEqual(['liver', 'lesion']);
    for (const [of, mask] of (review?.finding?.segmentation?.masks ?? []).entries()) {
      const drawn = MASKS.structures[of]?.slices[at] ?? new Uint8Array(7 * 9);
      expect(decodeRle(mask.cocoRle ?? '', 9, 7)).toEqual(drawn);
    }
    const source = SOURCES.findIndex(({ sopInstanceUid }) => name === `${sopInstanceUid}/1`);
    expect(Buffer.from(image?.encoded ?? '').equals(FILES[source] ?? Buffer.alloc(0))).toBe(true);
  }
});

test('a rule without a segmentation has nothing for a queue', () => {
  expect(() => siteOf('task: classification, results: [SR], review: abdomen')).toThrow(
    'pacs.yaml:5: rules.0.review: needs task: segmentation, and SEG among the results',
  );
});
