// Storage commitment, both sides the bridge's own: over the association that asks, and over one that reports.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askCommitment, CommitmentReports, type CommitmentReport } from '../../../services/dicom-net/commitment';
import type { StorageServer } from '../../../services/dicom-net/storage-server';
import { StoreScu } from '../../../services/pacs/adapters/dimse/store-scu';
import { CommitmentReporter } from '../../../services/pacs/adapters/commitment-reporter';
import { openJournal } from '../../../services/pacs/adapters/journal/journal';
import { ProvenCourier } from '../../../services/pacs/adapters/proven-courier';
import { readSite } from '../../../services/pacs-site/read-site';
import type { Site } from '../../../services/pacs-site/schema';
import type { Courier } from '../../../services/pacs/domain/delivery';
import { pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { imageUid, seriesFiles } from '../../support/scanned-series';
import { committingPort } from '../../support/storage-port';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const STUDY = '1.2.3';

let at: Receiving;
let servers: StorageServer[];

beforeEach(async () => {
  at = await receiving();
  servers = [];
});
afterEach(async () => {
  for (const server of servers) await server.close(0);
  at.end();
});

/** A port of the bridge. @param accept lines of the site's file */
async function listen(title: string, accept: string, reports = new CommitmentReports()): Promise<number> {
  const site = readSite(`ae_title: ${title}\naccept: ${accept}\n`, 'pacs.yaml');
  const server = committingPort(at, () => site, reports);
  servers.push(server);
  return server.listen();
}

const target = (port: number, timeoutMs = 10_000) => ({
  host: '127.0.0.1',
  port,
  callingAe: 'SCANNER',
  calledAe: 'AUTOMED',
  timeoutMs,
});

async function stored(port: number): Promise<void> {
  const path = join(at.folder, 'sent.dcm');
  writeFileSync(path, seriesFiles(pictures(1), { study: STUDY })[0] ?? '');
  const object = { sopClass: CT, sopInstance: imageUid(STUDY, 0), path };
  expect(await new StoreScu(target(port)).send([object])).toEqual([{ stored: true }]);
}

const KEPT = { sopClass: CT, sopInstance: imageUid(STUDY, 0) };
const MADE_UP = { sopClass: CT, sopInstance: '1.2.3.4.5' };
const OTHER_CLASS = { sopClass: '1.2.840.10008.5.1.4.1.1.4', sopInstance: imageUid(STUDY, 0) };

describe('storage commitment', () => {
  it('is answered over the association that asks', async () => {
    const port = await listen('AUTOMED', '[{ ae: SCANNER }]');
    await stored(port);
    const commit = jest.spyOn(at.journal.arrivals, 'commit');
    const report = await askCommitment(target(port), [KEPT, MADE_UP, OTHER_CLASS], new CommitmentReports());
    expect(report).toMatchObject({
      kept: [KEPT],
      failed: [
        { ...MADE_UP, reason: 0x0112 },
        { ...OTHER_CLASS, reason: 0x0119 },
      ],
    });
    expect(commit.mock.calls).toEqual([[[KEPT.sopInstance]]]);
  });

  it('is answered over an association of its own to those who listen, after a restart as well', async () => {
    const reports = new CommitmentReports();
    const own = await listen('SCANNER', '[{ ae: AUTOMED }]', reports);
    const accept = `[{ ae: SCANNER, address: 127.0.0.1, port: ${own} }]`;
    const port = await listen('AUTOMED', accept);
    await stored(port);
    const asked = askCommitment(target(port), [KEPT], reports);
    while (at.journal.reports.due().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    // What another process finds in the journal.
    const journal = openJournal(join(at.folder, 'journal.db'));
    const site = (): Site => readSite(`ae_title: AUTOMED\naccept: ${accept}\n`, 'pacs.yaml');
    const reporter = new CommitmentReporter({ site, reports: journal.reports, log: at.log });
    expect(await reporter.step()).toBe(true);
    await reporter.idle();
    expect(await asked).toMatchObject({ kept: [KEPT], failed: [] });
    expect(await reporter.step()).toBe(false);
    journal.close();
  });

  it('is tried again for a day where a sender is away, and no longer', async () => {
    const accept = '[{ ae: SCANNER, address: 127.0.0.1, port: 1 }]';
    const site = (): Site => readSite(`ae_title: AUTOMED\naccept: ${accept}\n`, 'pacs.yaml');
    const { reports } = at.journal;
    const reporter = new CommitmentReporter({ site, reports, log: at.log });
    const report: CommitmentReport = { transaction: '1.2', kept: [KEPT], failed: [] };
    reports.add('SCANNER', 'AUTOMED', report);
    await reporter.step();
    await reporter.idle();
    expect(reports.due()).toEqual([]);
    expect(reports.due(Date.now() + 60_000)).toMatchObject([{ report, attempts: 1 }]);
    reports.add('SCANNER', 'AUTOMED', report, Date.now() - 25 * 60 * 60 * 1000);
    await reporter.step();
    await reporter.idle();
    expect(reports.due(Infinity)).toEqual([]);
  });

  it('that nobody answers in time ends', async () => {
    const port = await listen('AUTOMED', '[{ ae: SCANNER, address: 127.0.0.1, port: 1 }]');
    await stored(port);
    expect(await askCommitment(target(port, 500), [KEPT], new CommitmentReports())).toBeUndefined();
  });

  it('tells reports apart by their transaction', () => {
    const reports = new CommitmentReports();
    const report: CommitmentReport = { transaction: '1.2', kept: [], failed: [] };
    expect(reports.take(report)).toBe(false);
    const waiting = reports.expect('1.2', 10_000);
    expect(reports.take(report)).toBe(true);
    return expect(waiting).resolves.toBe(report);
  });
});

describe('a delivery with proof', () => {
  const sender: Courier = { send: (objects) => Promise.resolve(objects.map(() => ({ stored: true as const }))) };
  const object = { sopClass: CT, sopInstance: '1.2', path: 'x' };

  it('counts when the destination says that it keeps the object', async () => {
    const proven = new ProvenCourier(sender, () => Promise.resolve(new Set(['1.2'])), at.log);
    expect(await proven.send([object])).toEqual([{ stored: true }]);
  });

  it.each([
    ['does not say so', () => Promise.resolve(new Set<string>())],
    ['cannot be asked', () => Promise.reject(new Error('away'))],
  ])('is tried again when the destination %s', async (_, prove) => {
    const [sent] = await new ProvenCourier(sender, prove, at.log).send([object]);
    expect(sent).toMatchObject({ stored: false, code: 'NOT_PROVEN', class: 'transient' });
  });
});
