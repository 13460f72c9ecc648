import type { Table } from './tables';
import { classFigures, TABLE_5, type Figures, type PaperData } from './paper-figures';
import { duration } from '../common/duration';
import type { StepResult } from './progress';
import { isArchitecture, OF_OTHERS, type MeasuredRow, type Settings } from './steps';

/** One line of the table: a row's figures with one kind of prompt. */
export interface ReportLine {
  title: string;
  prompt: string;
  /** Ours, by the name of the measure; empty when nothing was measured. */
  measured: Record<string, number>;
  /** The paper's, by the title of its data set and the name of the measure; null: it has none for this line. */
  paper: Record<string, Figures> | null;
  base: string | null;
  model: string | null;
  seconds: number | null;
  command: string | null;
  /** Why nothing was measured. */
  reason: string | null;
}

export interface TableReport {
  table: string;
  title: string;
  /** What the reader must know before comparing. */
  notes: string[];
  settings: Settings;
  split: { train: number; validation: number; test: number } | null;
  precision: 'float32';
  measures: string[];
  /** Titles of the paper's data sets whose figures are shown: the one that was measured, else all that the table has. */
  paperData: string[];
  lines: ReportLine[];
  /** Of all steps, also those of earlier runs of the command. */
  seconds: number;
  command: string;
  /** What the command did, step by step, as commands; bases that it made included. */
  steps: { command: string; seconds: number }[];
}

const HEADINGS: Readonly<Record<string, string>> = {
  miou: 'mIoU',
  mdsc: 'mDSC',
  accuracy: 'accuracy',
  macroF1: 'macro F1',
  precision: 'precision',
  recall: 'recall',
  f1: 'F1',
};
const NONE = '-';
const NO_SUCH_CLASS = 'no class of this data';

function figures(values: unknown, measures: readonly string[]): Record<string, number> {
  const all = (values ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    measures.flatMap((name) => (typeof all[name] === 'number' ? [[name, all[name]] as const] : [])),
  );
}

/** What a line says besides its figures. */
const common = ({ result, base, reason }: MeasuredRow) => ({
  base: result?.base ?? base ?? null,
  model: result?.model ?? null,
  seconds: result?.seconds ?? null,
  command: result?.command ?? null,
  reason: reason ?? null,
});

type PaperFigures = Record<string, Figures>;

/** The paper's figures of the data sets that are shown. */
function shownFigures(paper: Readonly<PaperFigures>, data: readonly PaperData[]): PaperFigures | null {
  const found = data.flatMap(({ title }) => {
    const figuresOf = paper[title];
    return figuresOf === undefined || Object.keys(figuresOf).length === 0 ? [] : [[title, figuresOf] as const];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}

function linesOf(measured: MeasuredRow, measures: readonly string[], data: readonly PaperData[]): ReportLine[] {
  const { row, result } = measured;
  const test = result?.metrics['test'] as Record<string, unknown> | undefined;
  const line = (prompt: string, values: unknown): ReportLine => ({
    title: row.title,
    prompt,
    measured: figures(values, measures),
    paper: shownFigures(row.paper, data),
    ...common(measured),
  });
  if (row.system !== undefined || row.base === undefined) return [line('none', test)];
  return [line('true box', test), line('one point', test?.['point'])];
}

/** A line for each class, those of the paper that the data does not have included, and one for the accuracy. */
function classLines(measured: MeasuredRow, measures: readonly string[], data: readonly PaperData[]): ReportLine[] {
  const test = measured.result?.metrics['test'] as { classes?: { name: string }[] } | undefined;
  const line = (title: string, values: unknown, paper: Readonly<PaperFigures>): ReportLine => ({
    title,
    prompt: 'none',
    measured: figures(values, measures),
    paper: shownFigures(paper, data),
    ...common(measured),
  });
  const own = (test?.classes ?? []).map((each) => {
    const paper = data.map((set) => [set.title, classFigures(set, each.name) ?? {}] as const);
    return line(each.name, each, Object.fromEntries(paper));
  });
  const others = data.flatMap((set) => {
    const known = new Set((test?.classes ?? []).map(({ name }) => classFigures(set, name)));
    const missing = TABLE_5[set.title]?.classes.filter((each) => !known.has(each.figures)) ?? [];
    return missing.map((each) => ({
      ...line(each.title, {}, { [set.title]: each.figures }),
      reason: NO_SUCH_CLASS,
    }));
  });
  return [
    ...own,
    ...others,
    line('accuracy', { accuracy: (test as { accuracy?: number })?.accuracy }, measured.row.paper),
  ];
}

function notesOf(table: Table, settings: Settings, shown: readonly PaperData[], matches: boolean): string[] {
  const titles = shown.map(({ title }) => title).join(', ');
  const notes = [
    `Measured by this project on the data named below. The columns of the paper hold its own figures, of ${titles} (Sun et al. 2024, doi 10.1186/s12880-024-01401-6), as shares of 1; a dash says that it states none.`,
    ...(matches ? [] : [`The data is not recognised as ${titles}: the columns are of different images.`]),
    ...(table.notes ?? []),
  ];
  if (table.rows.some(({ base, system }) => base !== undefined && system === undefined)) {
    notes.push(
      'SAM and SAM-Med2D are given prompts made from the true masks: the box, and in the other line one random foreground point, the same for both. The other systems are given the image alone.',
    );
  }
  if (isArchitecture(settings.base)) {
    notes.push(
      table.task === 'segmentation'
        ? `Not the paper's setting: the bases have the architecture ${settings.base} and no published weights. They began with random ones and were taught to follow prompts on the same training images; the heads stand on them, frozen.`
        : `Not the paper's setting: the base has the architecture ${settings.base} and random weights, and was trained together with each head that uses it.`,
    );
  }
  if (settings.epochs !== undefined || settings.limit !== undefined) {
    notes.push("Not the paper's setting: fewer epochs or images than it used. Do not compare the columns.");
  }
  return notes;
}

export function makeReport(
  table: Table,
  settings: Settings,
  rows: readonly MeasuredRow[],
  run: { steps: readonly StepResult[]; command: string; layout?: string | undefined },
): TableReport {
  const { steps, command, layout } = run;
  const measures = [...table.measures];
  const matching = table.data.filter((each) => each.layout === layout);
  const shown = matching.length > 0 ? matching : table.data;
  const toLines = table.byClass ? classLines : linesOf;
  return {
    table: settings.table,
    title: table.title,
    notes: notesOf(table, settings, shown, matching.length > 0),
    settings,
    split: rows.flatMap(({ result }) => result?.samples ?? [])[0] ?? null,
    precision: 'float32',
    measures,
    paperData: shown.map(({ title }) => title),
    lines: rows.flatMap((row) => toLines(row, measures, shown)),
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    command,
    steps: steps.map((step) => ({ command: step.command, seconds: step.seconds })),
  };
}

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;

/** What was measured, or why nothing was; a dash where the line has no such measure. */
function measuredCell({ measured, reason, prompt }: ReportLine, measure: string): string {
  const value = measured[measure];
  if (value !== undefined) return value.toFixed(4);
  if ((prompt === 'none' && reason === null) || reason === OF_OTHERS || reason === NO_SUCH_CLASS) return NONE;
  return `not measured: ${reason ?? 'no such prompt'}`;
}

export function reportMarkdown(report: TableReport): string {
  const { measures, lines, settings, split, paperData } = report;
  const prompted = lines.some(({ prompt }) => prompt !== 'none');
  const heading = [
    'system',
    ...(prompted ? ['prompt'] : []),
    ...measures.map((name) => `${HEADINGS[name] ?? name}, measured`),
    ...paperData.flatMap((data) => measures.map((name) => `${HEADINGS[name] ?? name}, the paper's (${data})`)),
    'time',
  ];
  const rows = lines.map((line) => [
    line.title,
    ...(prompted ? [line.prompt] : []),
    ...measures.map((name) => measuredCell(line, name)),
    ...paperData.flatMap((data) => measures.map((name) => line.paper?.[data]?.[name]?.toFixed(3) ?? NONE)),
    line.seconds === null ? NONE : duration(line.seconds),
  ]);
  return [
    `# ${report.table}: ${report.title}`,
    '',
    ...report.notes.map((note) => `- ${note}`),
    '',
    cells(heading),
    cells(heading.map(() => '---')),
    ...rows.map(cells),
    '',
    `- Data: ${settings.data}; ${split ? `${split.train} training, ${split.validation} validation and ${split.test} test images` : 'its split is unknown'}, seed ${settings.seed}. Figures are of the test images${report.measures.includes('mdsc') ? ', per image at the original size, averaged' : ''}.`,
    `- Base: ${settings.base}; recipe ${settings.recipe}${settings.epochs === undefined ? '' : `, ${settings.epochs} ${settings.epochs === 1 ? 'epoch' : 'epochs'}`}; precision ${report.precision}; ${duration(report.seconds)} in all.`,
    '',
    'Commands:',
    '',
    '```sh',
    report.command,
    ...report.steps.map(({ command, seconds }) => `# ${command}   (${duration(seconds)})`),
    '```',
    '',
  ].join('\n');
}
