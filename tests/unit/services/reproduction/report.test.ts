import { Progress, type StepResult } from '../../../../services/reproduction/progress';
import { makeReport, reportMarkdown } from '../../../../services/reproduction/report';
import type { MeasuredRow, Settings } from '../../../../services/reproduction/steps';
import { tableOf } from '../../../../services/reproduction/tables';
import { temporaryFolder } from '../../../support/data';

const folder = temporaryFolder();
const settings: Settings = {
  table: 'table4',
  data: '/data/skin',
  base: 'tiny',
  epochs: 3,
  limit: 60,
  recipe: 'default',
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

  it("has the paper's own figures in columns of their own, of the data set that was measured", () => {
    const options = { steps: [step({}), step({})], command: 'automed reproduce', layout: 'ham10000' };
    const skin = makeReport(tableOf('table4'), settings, rowsOf('table4'), options);
    expect(skin.paperData).toEqual(['HAM10000']);
    expect(skin.lines.map(({ title, prompt, paper }) => [title, prompt, paper])).toEqual([
      ['SAM', 'true box', { HAM10000: { mdsc: 0.871, miou: 0.775 } }],
      ['SAM', 'one point', { HAM10000: { mdsc: 0.871, miou: 0.775 } }],
      ['SAM-Med2D', 'true box', { HAM10000: { mdsc: 0.931, miou: 0.872 } }],
      ['SAM-Med2D', 'one point', { HAM10000: { mdsc: 0.931, miou: 0.872 } }],
      ['AutoSAM', 'none', { HAM10000: { mdsc: 0.933, miou: 0.883 } }],
      ['SAM-AutoMed', 'none', { HAM10000: { mdsc: 0.942, miou: 0.899 } }],
    ]);
    const text = reportMarkdown(skin);
    expect(text).toContain("| mIoU, the paper's (HAM10000) | mDSC, the paper's (HAM10000) |");
    expect(text).toMatch(/\| AutoSAM \| none \| 0\.5000 \| 0\.7500 \| 0\.883 \| 0\.933 \|/);
    expect(skin.notes.join(' ')).not.toContain('not recognised');
  });

  it('shows every data set of the table where the data is none of them, and says why a row has no figure of ours', () => {
    expect(report.paperData).toEqual(['REFUGE2', 'CVC-ClinicDB', 'HAM10000']);
    const text = reportMarkdown(report);
    expect(text).toMatch(
      /\| AutoSAM \| none \| 0\.5000 \| 0\.7500 \| 0\.856 \| 0\.920 \| 0\.753 \| 0\.835 \| 0\.883 \| 0\.933 \|/,
    );
    expect(report.notes.join(' ')).toContain('The data is not recognised as REFUGE2, CVC-ClinicDB, HAM10000');
    expect(text).toContain('# automed train segmentation   (61 s)');
    expect(report.seconds).toBe(122);
    expect(text).toContain('not measured: no base of SAM was given');
  });

  it('lists methods of others beside the system, with nothing measured', () => {
    const { lines } = makeReport(tableOf('table2'), { ...settings, table: 'table2' }, rowsOf('table2'), {
      steps: [],
      command: '',
      layout: 'cvc-clinicdb',
    });
    expect(lines).toHaveLength(13);
    expect(lines[0]).toMatchObject({ title: 'U-Net', measured: {}, paper: { 'CVC-ClinicDB': { mdsc: 0.823 } } });
    expect(lines.at(-1)).toMatchObject({
      title: 'SAM-AutoMed',
      paper: { 'CVC-ClinicDB': { mdsc: 0.922, miou: 0.865 } },
    });
    expect(lines.at(-1)?.measured).toEqual({ mdsc: 0.75, miou: 0.5 });
  });

  it("says that reduced runs are not the paper's setting", () => {
    expect(report.notes.join(' ')).toMatch(
      /Not the paper's setting: the bases .* Not the paper's setting: fewer epochs/,
    );
  });
});

describe('the report of table 5', () => {
  const classes = ['glioma', 'meningioma', 'notumor', 'Pituitary'].map((name, index) => ({
    name,
    precision: 0.5 + index / 10,
    recall: index === 3 ? null : 0.5,
    f1: 0.5,
    support: 9,
  }));
  const [row] = tableOf('table5').rows;
  const made = (names: typeof classes, layout?: string) =>
    makeReport(
      tableOf('table5'),
      { ...settings, table: 'table5' },
      [{ row: row!, base: 'b@1', result: step({ test: { accuracy: 0.8, classes: names } }) }],
      { steps: [], command: '', layout },
    );

  it('has precision, recall and F1 of SAM-MedCls by class, and the accuracy', () => {
    const { lines, measures } = made(classes, 'brain-mri');
    expect(measures).toEqual(['precision', 'recall', 'f1', 'accuracy']);
    expect(lines.map(({ title, measured, paper }) => [title, measured, paper?.['Brain Tumor MRI']])).toEqual([
      ['glioma', { precision: 0.5, recall: 0.5, f1: 0.5 }, { precision: 0.977, recall: 0.983, f1: 0.98 }],
      ['meningioma', { precision: 0.6, recall: 0.5, f1: 0.5 }, { precision: 0.955, recall: 0.974, f1: 0.964 }],
      ['notumor', { precision: 0.7, recall: 0.5, f1: 0.5 }, { precision: 0.998, recall: 0.998, f1: 0.998 }],
      ['Pituitary', { precision: 0.8, f1: 0.5 }, { precision: 0.993, recall: 0.967, f1: 0.98 }],
      ['accuracy', { accuracy: 0.8 }, { accuracy: 0.982 }],
    ]);
    expect(reportMarkdown(made(classes, 'brain-mri'))).toMatch(
      /\| Pituitary \| 0\.8000 \| - \| 0\.5000 \| - \| 0\.993 \| 0\.967 \| 0\.980 \| - \|/,
    );
  });

  it("keeps the paper's classes that the data does not have", () => {
    const { lines } = made(classes.slice(0, 2), 'brain-mri');
    expect(lines.map(({ title }) => title)).toEqual(['glioma', 'meningioma', 'no tumor', 'pituitary', 'accuracy']);
    expect(lines[2]).toMatchObject({ measured: {}, reason: 'no class of this data' });
    expect(made(classes).lines).toHaveLength(4 + 4 + 5 + 1);
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
