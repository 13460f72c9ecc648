// What people decide: work that waits for a person is never begun by trying it again.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase } from '../../../../../../services/common/database';
import { PACS_MIGRATIONS } from '../../../../../../services/pacs/adapters/journal/migrations';
import { openJournal, type Journal } from '../../../../../../services/pacs/adapters/journal/journal';
import { readSite } from '../../../../../../services/pacs-site/read-site';
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
    expect(journal.steering.retry(1, SITE.rules, 22 * SECOND)).toEqual({ analyses: 0, deliveries: 0, held: 1 });
    expect(states()).toEqual([`held ${code}`]);
    expect(journal.overview.series(1)[0]?.analyses[0]?.message).not.toBe('');
    expect(journal.jobs.claim(HOUR, 2 * HOUR)).toBeUndefined();
  });

  it('is tried again once a person has decided, though it was discarded meanwhile', () => {
    conflicting();
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.steering.discard(1, 21 * SECOND);
    expect(journal.steering.resolve(1, { keep: 'first' }, 22 * SECOND)).toBe(1);
    expect(states()).toEqual(['discarded CONFLICT']);
    expect(journal.steering.retry(1, SITE.rules, 23 * SECOND)).toEqual({ analyses: 1, deliveries: 0, held: 0 });
    expect(states()).toEqual(['queued']);
  });

  it('stays held by its other reason when one is resolved', () => {
    conflicting();
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', patient: 'P2' }), 21 * SECOND);
    journal.steering.resolve(1, { keep: 'last' }, 22 * SECOND);
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });

  it('holds, too, what failed before the images of another patient came', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    const job = journal.jobs.claim(HOUR, 20 * SECOND);
    if (!job) throw new Error('there is no job');
    journal.jobs.fail(job, { code: 'INTERNAL', message: '' }, 'dead', 21 * SECOND);
    journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', patient: 'P2' }), 22 * SECOND);
    expect(journal.steering.retry(1, SITE.rules, 23 * SECOND)).toEqual({ analyses: 0, deliveries: 0, held: 1 });
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });
});

describe('a study of several patients', () => {
  const of = (patient: string) => ({ patient: `${patient}\\` });
  const files = (): string[] | undefined => journal.jobs.claim(HOUR, HOUR)?.files;
  const three = (): void => {
    journal.arrivals.record(arrival('1.2.1.1', of('P1')), 0);
    journal.arrivals.record(arrival('1.2.1.2', of('P2')), 0);
    journal.arrivals.record(arrival('1.2.1.3', of('P1')), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
  };

  it('names the images that are of another one than most', () => {
    three();
    const message = journal.overview.series(1)[0]?.analyses[0]?.message ?? '';
    expect(message).toContain('of another patient than most: 1.2.1.2.');
    expect(message).not.toContain('P2');
  });

  it('goes on with the images of the one whom a person names', () => {
    three();
    expect(journal.steering.resolve(1, of('P3'), 21 * SECOND)).toBeUndefined();
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
    expect(journal.steering.resolve(1, of('P1'), 22 * SECOND)).toBe(1);
    expect(states()).toEqual(['queued']);
    expect(files()).toHaveLength(2);
  });

  it('goes on with images that came again, corrected', () => {
    three();
    journal.arrivals.record(arrival('1.2.1.2', of('P1'), 'corrected'), 21 * SECOND);
    journal.completion.closeDue(SITE, 40 * SECOND);
    expect(states()).toEqual(['superseded SEVERAL_PATIENTS', 'held SEVERAL_PATIENTS']);
    expect(journal.steering.resolve(1, { keep: 'last' }, 41 * SECOND)).toBe(1);
    expect(states()).toEqual(['superseded SEVERAL_PATIENTS', 'queued']);
    expect(files()).toHaveLength(3);
  });

  it('needs no other decision where the image that is left of a conflict is of the one named', () => {
    three();
    journal.arrivals.record(arrival('1.2.1.2', of('P1'), 'corrected'), 21 * SECOND);
    journal.completion.closeDue(SITE, 40 * SECOND);
    expect(journal.steering.resolve(1, of('P1'), 41 * SECOND)).toBe(1);
    expect(files()).toHaveLength(3);
  });

  it('drops the analyses of series of which nothing is left, for good, and takes the right image as the first', () => {
    journal.arrivals.record(arrival('1.2.1.1', of('P1')), 0);
    journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', ...of('P2') }), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    expect(states()).toEqual(['held SEVERAL_PATIENTS', 'held SEVERAL_PATIENTS']);
    expect(journal.steering.resolve(1, of('P1'), 21 * SECOND)).toBe(1);
    expect(journal.steering.retry(1, SITE.rules, 22 * SECOND)).toEqual({ analyses: 1, deliveries: 0, held: 0 });
    expect(states().map((state) => state.split(' ')[0])).toEqual(['queued', 'discarded']);
    expect(journal.arrivals.record(arrival('1.2.2.1', { series: '1.2.2', ...of('P1') }, 'right'), HOUR)).toBe('kept');
    journal.completion.closeDue(SITE, 2 * HOUR);
    expect(states().map((state) => state.split(' ')[0])).toEqual(['queued', 'discarded', 'queued']);
  });

  it('is held where it came before the patient of each image was kept, until it is discarded', () => {
    three();
    journal.close();
    const database = openDatabase(join(folder, 'journal.db'), PACS_MIGRATIONS);
    database.exec('UPDATE instances SET patient = NULL');
    database.close();
    journal = openJournal(join(folder, 'journal.db'));
    expect(journal.steering.resolve(1, of('P1'), 21 * SECOND)).toBeUndefined();
    expect(journal.steering.resolve(1, { keep: 'first' }, 21 * SECOND)).toBe(0);
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });

  it('is held again when another image of the other one comes', () => {
    three();
    journal.steering.resolve(1, of('P1'), 21 * SECOND);
    journal.arrivals.record(arrival('1.2.1.4', of('P2')), 22 * SECOND);
    journal.completion.closeDue(SITE, 40 * SECOND);
    expect(states()).toEqual(['superseded', 'held SEVERAL_PATIENTS']);
  });
});

describe('what was discarded', () => {
  it('is not begun again where a later revision of its series has taken its place', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.steering.discard(1, 21 * SECOND);
    journal.arrivals.record(arrival('1.2.1.2'), 22 * SECOND);
    journal.completion.closeDue(SITE, 40 * SECOND);
    expect(journal.steering.retry(1, SITE.rules, 41 * SECOND)).toEqual({ analyses: 1, deliveries: 0, held: 0 });
    expect(states()).toEqual(['discarded', 'queued']);
  });
});

describe('what no rule fitted', () => {
  const MISTAKEN = siteOf('name: ct, when: { modality: MR }, model: m');
  const missed = (site = SITE): boolean | undefined => journal.completion.explain(1, site.rules)[0]?.missed;
  const unfitting = (): void => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    expect(journal.completion.closeDue(MISTAKEN, 100 * SECOND)).toBe(0);
  };

  it('is analysed, once, when it is tried again with the rule that fits', () => {
    unfitting();
    expect(missed(MISTAKEN)).toBe(false);
    expect(journal.steering.retry(1, MISTAKEN.rules, HOUR)).toEqual({ analyses: 0, deliveries: 0, held: 0 });
    // Sending it again changes nothing: the bytes are known.
    expect(journal.arrivals.record(arrival('1.2.1.1'), HOUR)).toBe('known');
    expect(journal.completion.closeDue(SITE, 2 * HOUR)).toBe(0);
    expect(missed()).toBe(true);
    expect(journal.steering.retry(1, SITE.rules, 3 * HOUR)).toEqual({ analyses: 1, deliveries: 0, held: 0 });
    expect(missed()).toBe(false);
    expect(states()).toEqual(['queued']);
    const job = journal.jobs.claim(HOUR, 3 * HOUR);
    if (!job) throw new Error('there is no job');
    expect(journal.steering.retry(1, SITE.rules, 3 * HOUR + 1)).toMatchObject({ analyses: 0 });
    journal.jobs.succeed(job, { model: 'm@1', context: '{}', results: [], deliveries: [] }, 3 * HOUR + 2);
    expect(journal.steering.retry(1, SITE.rules, 4 * HOUR)).toMatchObject({ analyses: 0 });
    expect(states()).toEqual(['done']);
  });

  it('is judged for what is complete alone: the series, or its study where a rule waits for it', () => {
    const site = siteOf('name: ct, when: { modality: CT }, model: m', 'name: all, wait_for: study, model: m');
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    expect(journal.steering.retry(1, site.rules, SECOND)).toMatchObject({ analyses: 0 });
    journal.completion.closeDue(MISTAKEN, 20 * SECOND);
    const explained = journal.completion.explain(1, site.rules);
    expect(explained.map(({ rule, fits, missed }) => ({ rule, fits, missed }))).toEqual([
      { rule: 'ct', fits: true, missed: true },
      { rule: 'all', fits: true, missed: false },
    ]);
    expect(journal.steering.retry(1, site.rules, 21 * SECOND)).toMatchObject({ analyses: 1 });
    journal.completion.closeDue(MISTAKEN, 70 * SECOND);
    // The one that waits is tried again, and the other comes to it.
    expect(journal.steering.retry(1, site.rules, 71 * SECOND)).toMatchObject({ analyses: 2 });
    expect(states()).toEqual(['queued', 'queued']);
  });

  it('is held where a person has to decide', () => {
    journal.arrivals.record(arrival('1.2.1.2', { patient: 'P2' }), 0);
    unfitting();
    expect(journal.steering.retry(1, SITE.rules, HOUR)).toEqual({ analyses: 0, deliveries: 0, held: 1 });
    expect(states()).toEqual(['held SEVERAL_PATIENTS']);
  });

  it('stays undone by a rule on a dry run', () => {
    unfitting();
    const dry = siteOf('name: ct, dry_run: true, model: m');
    expect(missed(dry)).toBe(false);
    expect(journal.steering.retry(1, dry.rules, HOUR)).toMatchObject({ analyses: 0 });
  });

  it('is analysed as it is now where only an earlier revision was', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 20 * SECOND);
    journal.arrivals.record(arrival('1.2.1.2'), 21 * SECOND);
    journal.completion.closeDue(MISTAKEN, 200 * SECOND);
    expect(states()).toEqual(['queued']);
    expect(journal.steering.retry(1, SITE.rules, HOUR)).toMatchObject({ analyses: 1 });
    expect(states()).toEqual(['superseded', 'queued']);
  });
});

it('what was given up is tried again by its rule as it is now, and as it was where that fits no more', () => {
  journal.arrivals.record(arrival('1.2.1.1'), 0);
  journal.completion.closeDue(siteOf('name: ct, model: mistaken'), 20 * SECOND);
  const modelAfter = (site: typeof SITE, now: number): string | undefined => {
    journal.steering.retry(1, site.rules, now);
    const job = journal.jobs.claim(HOUR, now);
    if (job) journal.jobs.fail(job, { code: 'MODEL_NOT_FOUND', message: '' }, 'dead', now);
    return job?.rule.model;
  };
  expect(modelAfter(siteOf('name: ct, when: { modality: MR }, model: other'), HOUR)).toBe('mistaken');
  expect(modelAfter(siteOf('name: ct, model: right'), 2 * HOUR)).toBe('right');
});
