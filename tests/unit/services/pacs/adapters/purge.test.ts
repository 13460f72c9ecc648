// What is deleted, and what never is.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredResult } from '../../../../../services/analysis';
import { createLogger } from '../../../../../services/common/logging';
import { openJournal, type Journal } from '../../../../../services/pacs/adapters/journal/journal';
import { Purge } from '../../../../../services/pacs/adapters/purge';
import { Spool } from '../../../../../services/pacs/adapters/spool';
import { readSite } from '../../../../../services/pacs-site/read-site';

const DAY = 86_400_000;
const HOUR = 3_600_000;
const NOW = Date.now();

let folder: string;
let journal: Journal;
let spool: Spool;
let outbox: Spool;
let hasRoom: boolean;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-purge-'));
  journal = openJournal(join(folder, 'journal.db'));
  spool = await Spool.open(join(folder, 'received'));
  outbox = await Spool.open(join(folder, 'results'));
  hasRoom = true;
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const siteOf = (storage: string) =>
  readSite(
    `{ ae_title: A, storage: { ${storage} }, destinations: { a: { kind: folder, path: /a } },
       rules: [{ name: r, task: segmentation, model: m, results: [SEG], send_to: a }] }`,
    'pacs.yaml',
  );

async function file(of: Spool): Promise<{ name: string; sha256: string; bytes: number }> {
  const begun = await of.create(Buffer.alloc(0));
  begun.write(Buffer.alloc(1000, 7));
  return begun.finish();
}

/** A study that came so many days ago, was analysed, and whose result is where `end` says. */
async function study(uid: string, days: number, end: 'delivered' | 'dead' | 'waiting' | 'held'): Promise<void> {
  const at = NOW - days * DAY;
  const { name, ...received } = await file(spool);
  const header = {
    ...{ sopClass: '1.2.840.10008.5.1.4.1.1.2', sopInstance: `${uid}.1.1`, transferSyntax: '1.2.840.10008.1.2.1' },
    ...{ study: uid, series: `${uid}.1`, patient: 'P', modality: 'CT', bodyPart: '', seriesDescription: '' },
    ...{ imageType: [], rows: 8, columns: 8, frames: 1, orientation: [1, 0, 0, 0, 1, 0] },
  };
  const source = { way: 'dicom' as const, calling: 'S', called: 'A' };
  journal.arrivals.record({ header, source, file: name, ...received, sha256: uid }, at);
  if (end === 'held') journal.arrivals.record({ header, source, file: 'other', ...received, sha256: `${uid}x` }, at);
  journal.completion.closeDue(siteOf(''), at + 2 * HOUR);
  const job = journal.jobs.claim(HOUR, at + 2 * HOUR);
  if (!job) return;
  const made = await file(outbox);
  const uids = { sopClass: '1.2', sopInstance: `2.25.${uid}`, series: '2.25.2' };
  const result: StoredResult = { kind: 'SEG', of: '', part: 1, ...uids, ...made, file: made.name };
  const deliveries = [{ destination: 'a', kind: 'SEG' as const, of: '' as const, part: 1, reason: '' }];
  journal.jobs.succeed(job, { model: 'm@1', context: '', results: [result], deliveries }, at + 2 * HOUR);
  if (end === 'waiting') return;
  const [delivery] = journal.outbox.claim('a', 1, HOUR, at + 2 * HOUR);
  if (!delivery) throw new Error('nothing to deliver');
  if (end === 'delivered') journal.outbox.delivered(delivery, at + 2 * HOUR);
  else journal.outbox.fail(delivery, { code: 'REFUSED', message: '' }, 'dead', at + 2 * HOUR);
}

/** As the audit trail does, for all that it has told. */
function audit(): void {
  const { auditable } = journal;
  auditable.series().forEach((each) => auditable.tellSeries(each));
  auditable.jobs().forEach((each) => auditable.tellJob(each));
  auditable.deliveries().forEach((each) => auditable.tellDelivery(each));
}

async function purgeAll(storage: string, told = audit): Promise<string[]> {
  told();
  const purge = new Purge({
    site: () => siteOf(storage),
    retention: journal.retention,
    room: { hasRoom: () => hasRoom },
    spool,
    outbox,
    log: createLogger('test', 'silent'),
  });
  while (await purge.step());
  return journal.overview.studies(100, undefined, undefined).map((each) => each.study);
}

it('deletes what was delivered longer ago than the site keeps it, with its files', async () => {
  await study('1.1', 40, 'delivered');
  await study('1.2', 20, 'delivered');
  expect(await purgeAll('keep_days: 30')).toEqual(['1.2']);
  expect([await spool.names(), await outbox.names()].map((names) => names.length)).toEqual([1, 1]);
  expect(journal.retention.usedBytes()).toBe(2000);
});

it.each(['dead', 'waiting', 'held'] as const)('never deletes what is %s, however old', async (end) => {
  await study('1.1', 400, end);
  hasRoom = false;
  expect(await purgeAll('keep_days: 1, most: 1')).toEqual(['1.1']);
});

it('deletes what a person has discarded', async () => {
  await study('1.1', 400, 'dead');
  journal.steering.discard(1, NOW - 390 * DAY);
  expect(await purgeAll('keep_days: 30')).toEqual([]);
});

it('deletes the oldest finished ones earlier where they take more than the site allows', async () => {
  for (const [at, days] of [3, 2, 1].entries()) await study(`1.${at + 1}`, days, 'delivered');
  expect(await purgeAll("most: '4 KB'")).toEqual(['1.3', '1.2']);
});

it('deletes finished ones before senders are refused for good', async () => {
  await study('1.1', 1, 'delivered');
  hasRoom = false;
  expect(await purgeAll('keep_days: 30')).toEqual([]);
});

it.each(['came', 'was analysed', 'was sent'])(
  'deletes nothing before the audit trail tells that it %s',
  async (what) => {
    await study('1.1', 40, 'delivered');
    const { auditable } = journal;
    const told = (): void => {
      if (what !== 'came') auditable.series().forEach((each) => auditable.tellSeries(each));
      if (what !== 'was analysed') auditable.jobs().forEach((each) => auditable.tellJob(each));
      if (what !== 'was sent') auditable.deliveries().forEach((each) => auditable.tellDelivery(each));
    };
    expect(await purgeAll('keep_days: 30', told)).toEqual(['1.1']);
    expect(await purgeAll('keep_days: 30')).toEqual([]);
  },
);

it('deletes what senders were told to be kept when its days are over, and no earlier', async () => {
  await study('1.1', 40, 'delivered');
  await study('1.2', 2, 'delivered');
  journal.arrivals.commit(['1.1.1.1'], NOW - 29 * DAY);
  journal.arrivals.commit(['1.2.1.1', 'nobody'], NOW - DAY);
  hasRoom = false;
  expect(await purgeAll('keep_days: 30')).toEqual(['1.2', '1.1']);
  expect(await purgeAll('keep_days: 28')).toEqual(['1.2']);
});

it('tells of a deletion before it, and that a study stays to which something came meanwhile', async () => {
  await study('1.1', 40, 'delivered');
  audit();
  const told: string[] = [];
  const purge = new Purge({
    ...{ site: () => siteOf('keep_days: 30'), retention: journal.retention, spool, outbox },
    room: { hasRoom: () => true },
    log: createLogger('test', 'silent'),
    tell: async ({ study: number }, outcome) => {
      told.push(`${outcome} ${journal.overview.study(number).study}`);
      if (told.length === 1) await study('1.1', 0, 'held');
      audit();
    },
  });
  expect(await purge.step()).toBe(true);
  expect(told).toEqual(['success 1.1', 'failure 1.1']);
  expect(await spool.names()).not.toEqual([]);
});
