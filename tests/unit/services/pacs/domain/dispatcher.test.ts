// What becomes of deliveries that a destination refuses, in a real journal.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { StoredResult } from '../../../../../services/analysis';
import { createLogger } from '../../../../../services/common/logging';
import { openJournal, type Journal } from '../../../../../services/pacs/adapters/journal/journal';
import { waitMs } from '../../../../../services/pacs/domain/backoff';
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

describe('a destination that does not answer', () => {
  const away = failed('away', 'UNREACHABLE', 'The receiver cannot be reached.');
  const dispatcherOf = (send: Courier['send'], site = SITE): Dispatcher =>
    new Dispatcher({
      ...{ site: () => site, outbox: journal.outbox, courier: () => ({ send }), path: (file: string) => file },
      replace: () => Promise.resolve(undefined),
      log: createLogger('test', 'silent'),
    });

  it('is left alone for a while, all that waits for it together, and uses up no attempts', async () => {
    threeCaptures();
    const send = jest.fn((objects: readonly unknown[]) => Promise.resolve(objects.map(() => away)));
    const dispatcher = dispatcherOf(send);
    expect(await dispatcher.deliver()).toBe(true);
    await dispatcher.idle();
    expect(dispatcher.away).toEqual(['a']);
    expect(await dispatcher.deliver()).toBe(false);
    expect(send).toHaveBeenCalledTimes(1);
    const [result] = journal.overview.series(1)[0]?.analyses[0]?.results ?? [];
    expect(result?.deliveries[0]).toMatchObject({ state: 'queued', attempts: 0, code: 'UNREACHABLE' });
  });

  const HASTY = { ...SITE, delivery: { ...SITE.delivery, attempts: 4, first_seconds: 0, longest_seconds: 0 } };

  it.each([
    ['away', away, 20, 'queued'],
    ['a fault that may pass', failed('transient', 'SERVER', 'Broken.'), 4, 'dead'],
    ['what looks like a refusal', failed('suspect', 'ABORTED', 'It hangs up.'), 3, 'dead'],
    ['a refusal', failed('permanent', 'REFUSED', 'No.'), 1, 'dead'],
  ] as const)('is tried as often as its failure deserves: %s', async (_, failure, attempts, state) => {
    threeCaptures();
    const send = jest.fn((objects: readonly unknown[]) => Promise.resolve(objects.map(() => failure)));
    const dispatcher = dispatcherOf(send, HASTY);
    for (let round = 0; round < 20; round += 1) {
      await dispatcher.deliver();
      await dispatcher.idle();
    }
    expect(send).toHaveBeenCalledTimes(attempts);
    expect(journal.overview.totals().deliveries).toEqual({ [state]: 3 });
  });
});

test('waits double up to the longest, and are spread over their upper half', () => {
  const policy = { attempts: 12, firstMs: 2_000, longestMs: 60_000 };
  const least = [1, 2, 3, 4, 5, 6, 60].map((attempts) => waitMs(policy, attempts, () => 0));
  const most = [1, 2, 3, 4, 5, 6, 60].map((attempts) => waitMs(policy, attempts, () => 1));
  expect(least).toEqual([1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
  expect(most).toEqual([2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]);
});
