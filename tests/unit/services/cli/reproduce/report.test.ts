import { Progress, type StepResult } from '../../../../../services/cli/reproduce/progress';
import { makeReport, reportMarkdown } from '../../../../../services/cli/reproduce/report';
import type { MeasuredRow, Settings } from '../../../../../services/cli/reproduce/steps';
import { tableOf } from '../../../../../services/training/domain/tables';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();
const settings: Settings = {
  table: 'table4',
  data: '/data/skin',
  base: 'tiny',
  epochs: 3,
  limit: 60,
  preset: 'default',
  seed: 0,
};

const step = (metrics: Record<string, unknown>): StepResult => ({
  metrics,
  seconds: 61,
  command: 'automed train segmentation',
  samples: { train: 38, validation: 10, test: 12 },
});

function rowsOf(table: string): MeasuredRow[] {
  return tableOf(table).rows.map((row) => {
    if (row.id === 'sam') return { row, reason: 'no base of SAM was given (--sam-base)' };
    const test = { mdsc: 0.75, miou: 0.5, ...(row.system ? {} : { point: { mdsc: 0.25, miou: 0.125 } }) };
    return { row, base: 'b@1', result: step({ test }) };
  });
}

describe('a report', () => {
  const report = makeReport(tableOf('table4'), settings, rowsOf('table4'), {
    steps: [step({}), step({})],
    command: 'automed reproduce',
  });

  it('gives prompted systems a line for the box and one for the point', () => {
    const med2d = report.lines.filter(({ title }) => title === 'SAM-Med2D');
    expect(med2d.map(({ prompt, measured }) => [prompt, measured])).toEqual([
      ['true box', { miou: 0.5, mdsc: 0.75 }],
      ['one point', { miou: 0.125, mdsc: 0.25 }],
    ]);
    expect(report.lines.filter(({ title }) => title === 'SAM-AutoMed')).toMatchObject([{ prompt: 'none' }]);
  });

  it("never fills in the paper's figures, and says why a row has none of ours", () => {
    expect(report.lines.every(({ paper }) => paper === null)).toBe(true);
    const text = reportMarkdown(report);
    expect(text).toContain("| mIoU, the paper's | mDSC, the paper's |");
    expect(text).toContain('| not at hand | not at hand |');
    expect(text).toContain('# automed train segmentation   (61 s)');
    expect(report.seconds).toBe(122);
    expect(text).toContain('not measured: no base of SAM was given');
  });

  it("says that reduced runs are not the paper's setting, and what is assumed of a table", () => {
    expect(report.notes.join(' ')).toMatch(
      /Not the paper's setting: the bases .* Not the paper's setting: fewer epochs/,
    );
    const assumed = makeReport(tableOf('table2'), { ...settings, table: 'table2' }, rowsOf('table2'), {
      steps: [],
      command: '',
    });
    expect(assumed.notes.join(' ')).toContain('What table2 of the paper compares was not at hand');
    expect(report.notes.join(' ')).not.toContain('was not at hand;');
  });
});

describe('progress', () => {
  it('runs a step once, also after a restart, and refuses other settings', async () => {
    let runs = 0;
    const run = async (): Promise<StepResult> => {
      runs += 1;
      return step({ test: { mdsc: runs } });
    };
    const first = await Progress.open(folder, settings);
    await first.step('teach', run);
    const again = await Progress.open(folder, settings);
    expect(await again.step('teach', run)).toEqual(step({ test: { mdsc: 1 } }));
    expect(runs).toBe(1);
    await expect(again.step('fails', () => Promise.reject(new Error('stopped')))).rejects.toThrow('stopped');
    await (await Progress.open(folder, settings)).step('fails', run);
    expect(runs).toBe(2);
    await expect(Progress.open(folder, { ...settings, seed: 1 })).rejects.toThrow(/other settings/);
  });
});
