// What becomes of deliveries that a destination refuses, in a real journal.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredResult } from '../../../../../services/analysis';
import { createLogger } from '../../../../../services/common/logging';
import { openJournal, type Journal } from '../../../../../services/pacs/adapters/journal/journal';
import { failed, type Courier } from '../../../../../services/pacs/domain/delivery';
import { Dispatcher, type DispatcherDeps } from '../../../../../services/pacs/domain/dispatcher';
import { readSite } from '../../../../../services/pacs-site/read-site';

const SITE = readSite(
  `{ ae_title: A, destinations: { a: { kind: folder, path: /a } },
     rules: [{ name: r, task: segmentation, model: m, results: [SEG], send_to: a }] }`,
  'pacs.yaml',
);
const HOUR = 3_600_000;
const refusing: Courier = {
  send: (objects) => Promise.resolve(objects.map(() => failed('permanent', 'NOT_SUPPORTED', 'No captures here.'))),
};

let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-dispatcher-'));
  journal = openJournal(join(folder, 'journal.db'));
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

/** An analysis whose results are three captures, all of them due. */
function threeCaptures(): void {
  const header = {
    ...{ sopClass: '1.2.840.10008.5.1.4.1.1.2', sopInstance: '1.2.1.1', transferSyntax: '1.2.840.10008.1.2.1' },
    ...{ study: '1.2', series: '1.2.1', patient: 'P', modality: 'CT', bodyPart: '', seriesDescription: '' },
    ...{ imageType: [], rows: 8, columns: 8, frames: 1, orientation: [1, 0, 0, 0, 1, 0] },
  };
  const source = { way: 'dicom' as const, calling: 'S', called: 'A' };
  const at = Date.now() - 2 * HOUR;
  journal.arrivals.record({ header, source, file: 'a.dcm', sha256: 'x', bytes: 1 }, at);
  journal.completion.closeDue(SITE, at + HOUR);
  const job = journal.jobs.claim(HOUR, at + HOUR);
  if (!job) throw new Error('there is no job');
  const results = [1, 2, 3].map((part): StoredResult => {
    const uids = { sopClass: '1.2', sopInstance: `2.25.${part}`, series: '2.25' };
    return { kind: 'SC', of: '', part, ...uids, file: `${part}.dcm`, sha256: 'x', bytes: 1 };
  });
  const deliveries = results.map(({ part }) => ({ destination: 'a', kind: 'SC' as const, of: '' as const, part }));
  const planned = deliveries.map((each) => ({ ...each, reason: '' }));
  journal.jobs.succeed(job, { model: 'm@1', context: '', results, deliveries: planned }, at + HOUR);
}

async function deliver(replace: DispatcherDeps['replace']): Promise<void> {
  const dispatcher = new Dispatcher({
    ...{ site: () => SITE, outbox: journal.outbox, courier: () => refusing, path: (file: string) => file, replace },
    log: createLogger('test', 'silent'),
  });
  expect(await dispatcher.deliver()).toBe(true);
  await dispatcher.idle();
}

it.each([
  ['dead', 'no other encoding', () => Promise.resolve(failed('permanent', 'NOT_SUPPORTED', 'Takes none.'))],
  ['dead', 'a study that is gone', () => Promise.reject(Object.assign(new Error('gone'), { code: 'ENOENT' }))],
  ['queued', 'a fault of ours', () => Promise.reject(new Error('broken'))],
] as const)('all captures of a series are %s together for %s', async (state, _, replace) => {
  threeCaptures();
  const replacing = jest.fn(replace);
  await deliver(replacing);
  expect(replacing).toHaveBeenCalledTimes(1);
  expect(journal.overview.totals().deliveries).toEqual({ [state]: 3 });
});
