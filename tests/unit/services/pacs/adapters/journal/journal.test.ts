import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openJournal, type Journal } from '../../../../../../services/pacs/adapters/journal/journal';
import { readSite } from '../../../../../../services/pacs-site/read-site';
import type { JobOutcome, LeasedJob } from '../../../../../../services/pacs/domain/work';
import type { StoredResult } from '../../../../../../services/analysis';
import { arrival } from '../../../../../support/pacs-arrival';

const SITE = readSite(
  `ae_title: AUTOMED
complete: { series_seconds: 10, study_seconds: 60, longest_seconds: 100 }
destinations:
  archive: { kind: folder, path: /archive }
  copy: { kind: folder, path: /copy }
rules:
  - { name: ct, when: { modality: CT }, task: segmentation, model: m, results: [SEG], send_to: [archive, copy] }
  - { name: study, when: { modality: CT }, task: segmentation, model: m, results: [SEG], send_to: copy, wait_for: study }
`,
  'pacs.yaml',
);
const SECOND = 1000;
const HOUR = 3600 * SECOND;

let folder: string;
let journal: Journal;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'automed-journal-'));
  journal = openJournal(join(folder, 'journal.db'));
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const RESULT: StoredResult = {
  kind: 'SEG',
  of: '',
  part: 1,
  sopClass: '1.2.840.10008.5.1.4.1.1.66.4',
  sopInstance: '2.25.1',
  series: '2.25.2',
  file: 'seg.dcm',
  sha256: 'x',
  bytes: 10,
};

const OUTCOME: JobOutcome = {
  model: 'm@1',
  context: '{}',
  results: [RESULT],
  deliveries: ['archive', 'copy'].map((destination) => ({
    destination,
    kind: 'SEG',
    of: '',
    part: 1,
    reason: 'first',
  })),
};

function claimed(now: number, leaseMs = HOUR): LeasedJob {
  const job = journal.jobs.claim(leaseMs, now);
  if (!job) throw new Error('there is no job');
  return job;
}

describe('arrivals', () => {
  it('know the same bytes, and keep other bytes under the same UID apart', () => {
    const { arrivals } = journal;
    expect(arrivals.record(arrival('1.2.1.1'), 0)).toBe('kept');
    expect(arrivals.record(arrival('1.2.1.1'), 1)).toBe('known');
    expect(arrivals.record(arrival('1.2.1.1', {}, 'other'), 2)).toBe('conflict');
    expect(arrivals.files().size).toBe(2);
  });

  it('hold the analyses of a conflict until a person decides which objects hold', () => {
    const { arrivals, completion, jobs, overview, steering } = journal;
    const first = arrival('1.2.1.1');
    arrivals.record(first, 0);
    arrivals.record(arrival('1.2.1.1', {}, 'other'), 1);
    completion.closeDue(SITE, 20 * SECOND);
    expect(jobs.claim(HOUR, HOUR)).toBeUndefined();
    expect(overview.series(1)[0]?.analyses[0]).toMatchObject({ state: 'held', code: 'CONFLICT' });
    expect(steering.resolve(1, { keep: 'first' }, 21 * SECOND)).toBe(1);
    expect(claimed(HOUR).files).toEqual([first.file]);
  });

  it('hold a study whose images name two patients', () => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.arrivals.record(arrival('1.2.1.2', { patient: 'P2' }), 1);
    journal.completion.closeDue(SITE, 20 * SECOND);
    expect(journal.overview.series(1)[0]?.analyses[0]).toMatchObject({ state: 'held', code: 'SEVERAL_PATIENTS' });
  });

  it('say which objects are missing: neither refused ones nor other versions count', () => {
    const { arrivals } = journal;
    arrivals.record(arrival('1.2.1.1'), 0);
    arrivals.record(arrival('1.2.1.1', {}, 'other'), 0);
    expect(arrivals.missing(['1.2.1.1', '1.2.1.2'])).toEqual(['1.2.1.2']);
  });

  it('store no name of a patient', () => {
    journal.arrivals.record(arrival('1.2.1.1', { patient: 'SECRET-ID' }), 0);
    journal.close();
    const written = ['journal.db', 'journal.db-wal'].map((name) => join(folder, name)).filter(existsSync);
    const bytes = written.map((path) => readFileSync(path).toString('latin1'));
    expect(bytes.join('')).not.toContain('SECRET-ID');
    journal = openJournal(join(folder, 'journal.db'));
  });
});

describe('completion', () => {
  it('waits until a series grows no more, and for the study where a rule asks for it', () => {
    const { arrivals, completion } = journal;
    arrivals.record(arrival('1.2.1.1'), 0);
    arrivals.record(arrival('1.2.1.2'), 8 * SECOND);
    expect(completion.closeDue(SITE, 15 * SECOND)).toBe(0);
    expect(completion.closeDue(SITE, 18 * SECOND)).toBe(1);
    expect(completion.closeDue(SITE, 60 * SECOND)).toBe(0);
    expect(completion.closeDue(SITE, 68 * SECOND)).toBe(1);
  });

  it('ends the wait of a series that never stops growing', () => {
    const { arrivals, completion } = journal;
    for (let at = 0; at <= 20; at += 1) arrivals.record(arrival(`1.2.1.${at}`), at * 5 * SECOND);
    // One analysis for the series, and one for its study, which has the same longest time.
    expect(completion.closeDue(SITE, 100 * SECOND)).toBe(2);
  });

  it('waits for the objects that are known to come, however long they take, and for no timer after the last', () => {
    const { arrivals, completion } = journal;
    completion.expect('1.2', '1.2.1', 2);
    arrivals.record(arrival('1.2.1.1'), 0);
    expect(completion.closeDue(SITE, 90 * SECOND)).toBe(0);
    arrivals.record(arrival('1.2.1.2'), 91 * SECOND);
    expect(completion.closeDue(SITE, 91 * SECOND)).toBe(1);
    // A late one waits for its timer again.
    arrivals.record(arrival('1.2.1.3'), 92 * SECOND);
    expect(completion.closeDue(SITE, 93 * SECOND)).toBe(0);
  });

  it('waits no longer than the longest time, and for timers where the count is given up', () => {
    const { arrivals, completion } = journal;
    completion.expect('1.2', '1.2.1', 5);
    arrivals.record(arrival('1.2.1.1'), 0);
    expect(completion.closeDue(SITE, 99 * SECOND)).toBe(0);
    completion.expect('1.2', '1.2.1', undefined);
    expect(completion.closeDue(SITE, 99 * SECOND)).toBe(2);
    completion.expect('1.2', '1.2.1', 5);
    arrivals.record(arrival('1.2.1.2'), 100 * SECOND);
    expect(completion.closeDue(SITE, 200 * SECOND)).toBe(2);
  });

  it('makes a new revision of a series that grows again, which overtakes what was not sent', () => {
    const { arrivals, completion, jobs, outbox, overview } = journal;
    arrivals.record(arrival('1.2.1.1'), 0);
    completion.closeDue(SITE, 10 * SECOND);
    jobs.succeed(claimed(11 * SECOND), OUTCOME, 12 * SECOND);
    arrivals.record(arrival('1.2.1.2'), 20 * SECOND);
    completion.closeDue(SITE, 30 * SECOND);
    expect(outbox.claim('archive', 10, HOUR, 30 * SECOND)).toEqual([]);
    expect(claimed(31 * SECOND)).toMatchObject({ revision: 2 });
    expect(overview.series(1)[0]?.analyses.map(({ state }) => state)).toEqual(['done', 'running']);
  });

  it('sends nothing of an analysis that was overtaken while it ran', () => {
    const { arrivals, completion, jobs, outbox } = journal;
    arrivals.record(arrival('1.2.1.1'), 0);
    completion.closeDue(SITE, 10 * SECOND);
    const first = claimed(11 * SECOND);
    arrivals.record(arrival('1.2.1.2'), 12 * SECOND);
    completion.closeDue(SITE, 30 * SECOND);
    expect(jobs.succeed(first, OUTCOME, 31 * SECOND)).toBe(false);
    expect(outbox.dueDestinations(HOUR)).toEqual([]);
  });

  it.each(['fail', 'die'] as const)('does not begin again what was overtaken while it ran: its attempts %s', (how) => {
    const { arrivals, completion, jobs, outbox, overview } = journal;
    arrivals.record(arrival('1.2.1.1'), 0);
    completion.closeDue(SITE, 10 * SECOND);
    jobs.succeed(claimed(11 * SECOND), OUTCOME, 12 * SECOND);
    const [sending] = outbox.claim('archive', 1, HOUR, 13 * SECOND);
    arrivals.record(arrival('1.2.1.2'), 20 * SECOND);
    completion.closeDue(SITE, 30 * SECOND);
    const second = claimed(31 * SECOND);
    arrivals.record(arrival('1.2.1.3'), 32 * SECOND);
    completion.closeDue(SITE, 50 * SECOND);
    if (!sending) throw new Error('nothing is sent');
    const away = { code: 'UNREACHABLE', message: '' };
    if (how === 'die') jobs.releaseAll(60 * SECOND);
    else {
      outbox.fail(sending, away, { again: SECOND }, 60 * SECOND);
      jobs.fail(second, away, 'dead', 60 * SECOND);
    }
    expect(outbox.dueDestinations(HOUR)).toEqual([]);
    expect(overview.totals().deliveries).toEqual({ superseded: 2 });
    expect(claimed(HOUR).revision).toBe(3);
    expect(overview.series(1)[0]?.analyses.map(({ state }) => state)).toEqual(['done', 'superseded', 'running']);
  });

  it('makes nothing by rules on a dry run, and says for what they would', () => {
    const { arrivals, completion } = journal;
    const rules = SITE.rules.map((rule) => ({ ...rule, dry_run: true }));
    arrivals.record(arrival('1.2.1.1'), 0);
    expect(completion.closeDue({ ...SITE, rules }, 100 * SECOND)).toBe(0);
    expect(completion.explain(1, rules)[0]).toMatchObject({ rule: 'ct', fits: true, dryRun: true });
  });

  it('makes nothing of results that come back', () => {
    const sopClass = '1.2.840.10008.5.1.4.1.1.66.4';
    journal.arrivals.record(arrival('2.25.1', { sopClass, modality: 'CT' }), 0);
    expect(journal.completion.closeDue(SITE, 100 * SECOND)).toBe(0);
  });
});

describe('work', () => {
  beforeEach(() => {
    journal.arrivals.record(arrival('1.2.1.1'), 0);
    journal.completion.closeDue(SITE, 10 * SECOND);
  });

  it('is taken by another when its lease ends', () => {
    expect(claimed(11 * SECOND, 5 * SECOND).attempts).toBe(1);
    expect(journal.jobs.claim(HOUR, 15 * SECOND)).toBeUndefined();
    expect(claimed(16 * SECOND).attempts).toBe(2);
  });

  it('is taken up by the next process at once, and its results are there once', () => {
    const job = claimed(11 * SECOND);
    journal.close();
    journal = openJournal(join(folder, 'journal.db'));
    const again = claimed(Date.now() + HOUR);
    expect(again.number).toBe(job.number);
    expect(journal.jobs.succeed(again, OUTCOME, 20 * SECOND)).toBe(true);
    journal.jobs.succeed(again, OUTCOME, 21 * SECOND);
    expect(journal.outbox.claim('archive', 10, HOUR, HOUR)).toHaveLength(1);
    expect(journal.outbox.claim('copy', 10, HOUR, HOUR)).toHaveLength(1);
  });

  it('waits after a failure, ends as a dead letter, and begins anew when a person says so', () => {
    const failure = { code: 'SERVICE_UNAVAILABLE', message: 'away' };
    journal.jobs.fail(claimed(11 * SECOND), failure, { again: 5 * SECOND }, 11 * SECOND);
    expect(journal.jobs.claim(HOUR, 15 * SECOND)).toBeUndefined();
    journal.jobs.fail(claimed(16 * SECOND), failure, 'dead', 17 * SECOND);
    expect(journal.overview.totals().analyses).toEqual({ dead: 1 });
    expect(journal.steering.retry(1, SITE.rules, 18 * SECOND)).toEqual({ analyses: 1, deliveries: 0, held: 0 });
    expect(claimed(19 * SECOND).attempts).toBe(1);
  });

  it('uses up no attempt while who it needs is away', () => {
    const failure = { code: 'SERVICE_UNAVAILABLE', message: 'away' };
    const away = { again: SECOND, uncounted: true };
    journal.jobs.fail(claimed(11 * SECOND), failure, away, 11 * SECOND);
    expect(claimed(13 * SECOND).attempts).toBe(1);
    journal.jobs.succeed(claimed(HOUR + 14 * SECOND), OUTCOME, HOUR + 15 * SECOND);
    const sent = (now: number): number[] => journal.outbox.claim('archive', 10, HOUR, now).map((each) => each.attempts);
    expect(sent(2 * HOUR)).toEqual([1]);
    journal.outbox.fail({ number: 1 }, { code: 'UNREACHABLE', message: 'away' }, away, 2 * HOUR);
    expect(sent(3 * HOUR)).toEqual([1]);
  });

  it('is discarded by a person', () => {
    expect(journal.steering.discard(1)).toEqual({ analyses: 1, deliveries: 0 });
    expect(journal.jobs.claim(HOUR, HOUR)).toBeUndefined();
  });

  it('is listed by its state, the newest study first', () => {
    journal.arrivals.record(arrival('1.3.1.1', { study: '1.3', series: '1.3.1' }), 20 * SECOND);
    const { overview } = journal;
    expect(overview.studies(10, undefined, undefined).map(({ study }) => study)).toEqual(['1.3', '1.2']);
    expect(overview.studies(10, undefined, 'queued').map(({ study }) => study)).toEqual(['1.2']);
    expect(overview.studies(10, { time: 20 * SECOND, number: 2 }, undefined)).toHaveLength(1);
    expect(overview.numberOf('1.3')).toBe(2);
    expect(overview.numberOf('2')).toBe(2);
  });
});
