// What people decide: work that waits for a person is never begun by trying it again.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal, type Journal } from '../../../../../../services/pacs/adapters/journal/journal';
import { readSite } from '../../../../../../services/pacs/domain/site/read-site';
import { arrival } from '../../../../../support/pacs-arrival';

const SECOND = 1000;
const HOUR = 3600 * SECOND;

const siteOf = (...rules: string[]) =>
  readSite(
    `ae_title: AUTOMED
complete: { series_seconds: 10, study_seconds: 60, longest_seconds: 100 }
destinations: { archive: { kind: folder, path: /archive } }
rules:
${rules.map((rule) => `  - { ${rule}, task: segmentation, results: [SEG], send_to: archive }`).join('\n')}
`,
    'pacs.yaml',
  );
const SITE = siteOf('name: ct, when: { modality: CT }, model: m');

let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-steering-'));
  journal = openJournal(join(folder, 'journal.db'));
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const states = (): string[] =>
  journal.overview.series(1).flatMap(({ analyses }) => analyses.map(({ state, code }) => `${state} ${code}`.trim()));

describe('what is held', () => {
  const conflicting = (): void => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.arrivals.record(arrival('1.2.1.1', {}, 'other'), 1);
  };
  const mixed = (): void => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.arrivals.record(arrival('1.2.1.2', { patient: 'P2' }), 1);
  };

  it.each([
    ['CONFLICT', conflicting],
    ['SEVERAL_PATIENTS', mixed],
  ])('comes back held after it was discarded and is tried again: %s', (code, arrive) => {
    arrive();
    journal.completion.closeDue(SITE, 20 * SECOND);
    expect(journal.steering.discard(1, 21 * SECOND)).toEqual({ analyses: 1, deliveries: 0 });
    expect(states()).toEqual([`discarded ${code}`]);
    expect(journal.steering.retry(1, 22 * SECOND)).toEqual({ analyses: 0, deliveries: 0 });
    expect(states()).toEqual([`held ${code}`]);
    expect(journal.overview.series(1)[0]?.analyses[0]?.message).not.toBe('');
    expect(journal.jobs.claim(HOUR, 2 * HOUR)).toBeUndefined();
  });

  it('is tried again once a person has decided, though it was discarded meanwhile', () => {
    conflicting();
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.steering.discard(1, 21 * SECOND);
    expect(journal.steering.resolve(1, 'first', 22 * SECOND)).toBe(1);
    expect(states()).toEqual(['discarded CONFLICT']);
    expect(journal.steering.retry(1, 23 * SECOND)).toEqual({ analyses: 1, deliveries: 0 });
    expect(states()).toEqual(['queued']);
  });

  it('stays held by its other reason when one is resolved', () => {
    conflicting();
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', patient: 'P2' }), 21 * SECOND);
    journal.steering.resolve(1, 'last', 22 * SECOND);
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });

  it('holds, too, what failed before the images of another patient came', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    const job = journal.jobs.claim(HOUR, 20 * SECOND);
    if (!job) throw new Error('there is no job');
    journal.jobs.fail(job, { code: 'INTERNAL', message: '' }, 'dead', 21 * SECOND);
    journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', patient: 'P2' }), 22 * SECOND);
    expect(journal.steering.retry(1, 23 * SECOND)).toEqual({ analyses: 0, deliveries: 0 });
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });
});

describe('what was discarded', () => {
  it('is not begun again where a later revision of its series has taken its place', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.steering.discard(1, 21 * SECOND);
    journal.arrivals.record(arrival('1.2.1.2'), 22 * SECOND);
    journal.completion.closeDue(SITE, 40 * SECOND);
    expect(journal.steering.retry(1, 41 * SECOND)).toEqual({ analyses: 1, deliveries: 0 });
    expect(states()).toEqual(['discarded', 'queued']);
  });
});
