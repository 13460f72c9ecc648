import type { Task } from '../../store';
import type { Table } from '../../training/domain/tables';
import { duration } from '../output/table';
import type { StepResult } from './progress';
import { isArchitecture, type MeasuredRow, type Settings } from './steps';

/** One line of the table: a row's figures with one kind of prompt. */
export interface ReportLine {
  title: string;
  prompt: string;
  /** Ours, by the name of the measure; empty when nothing was measured. */
  measured: Record<string, number>;
  /** The paper's, which this project does not have at hand: never filled in from elsewhere. */
  paper: null;
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
  lines: ReportLine[];
  /** Of all steps, also those of earlier runs of the command. */
  seconds: number;
  command: string;
  /** What the command did, step by step, as commands; bases that it made included. */
  steps: { command: string; seconds: number }[];
}

const MEASURES: Readonly<Record<Task, readonly string[]>> = {
  segmentation: ['miou', 'mdsc'],
  classification: ['accuracy', 'macroF1'],
};
const HEADINGS: Readonly<Record<string, string>> = {
  miou: 'mIoU',
  mdsc: 'mDSC',
  accuracy: 'accuracy',
  macroF1: 'macro F1',
};
const NOT_AT_HAND = 'not at hand';

function figures(values: unknown, measures: readonly string[]): Record<string, number> {
  const all = (values ?? {}) as Record<string, unknown>;
  return Object.fromEntries(
    measures.flatMap((name) => (typeof all[name] === 'number' ? [[name, all[name]] as const] : [])),
  );
}

function linesOf({ row, result, base, reason }: MeasuredRow, measures: readonly string[]): ReportLine[] {
  const test = result?.metrics['test'] as Record<string, unknown> | undefined;
  const line = (prompt: string, values: unknown): ReportLine => ({
    title: row.title,
    prompt,
    measured: figures(values, measures),
    paper: null,
    base: result?.base ?? base ?? null,
    model: result?.model ?? null,
    seconds: result?.seconds ?? null,
    command: result?.command ?? null,
    reason: reason ?? null,
  });
  if (row.system !== undefined) return [line('none', test)];
  return [line('true box', test), line('one point', test?.['point'])];
}

function notesOf(table: Table, settings: Settings): string[] {
  const notes = [
    'Measured by this project on the data named below. The column of the paper is for its published figures; where it says "not at hand", this project does not have them and fills in nothing.',
  ];
  if (table.rows.some(({ system }) => system === undefined)) {
    notes.push(
      'SAM and SAM-Med2D are given prompts made from the true masks: the box, and in the other line one random foreground point, the same for both. The other systems are given the image alone.',
    );
  }
  if (!table.stated) {
    notes.push(
      `What ${settings.table} of the paper compares was not at hand; this is the closest comparison that the paper's systems allow.`,
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
  { steps, command }: { steps: readonly StepResult[]; command: string },
): TableReport {
  const measures = [...MEASURES[table.task]];
  return {
    table: settings.table,
    title: table.title,
    notes: notesOf(table, settings),
    settings,
    split: rows.flatMap(({ result }) => result?.samples ?? [])[0] ?? null,
    precision: 'float32',
    measures,
    lines: rows.flatMap((row) => linesOf(row, measures)),
    seconds: steps.reduce((sum, step) => sum + step.seconds, 0),
    command,
    steps: steps.map((step) => ({ command: step.command, seconds: step.seconds })),
  };
}

const cells = (values: readonly string[]): string => `| ${values.join(' | ')} |`;

export function reportMarkdown(report: TableReport): string {
  const { measures, lines, settings, split } = report;
  const prompted = lines.some(({ prompt }) => prompt !== 'none');
  const heading = [
    'system',
    ...(prompted ? ['prompt'] : []),
    ...measures.map((name) => `${HEADINGS[name] ?? name}, measured`),
    ...measures.map((name) => `${HEADINGS[name] ?? name}, the paper's`),
    'time',
  ];
  const rows = lines.map((line) => [
    line.title,
    ...(prompted ? [line.prompt] : []),
    ...measures.map((name) => line.measured[name]?.toFixed(4) ?? `not measured: ${line.reason ?? 'no such prompt'}`),
    ...measures.map(() => NOT_AT_HAND),
    line.seconds === null ? '-' : duration(line.seconds),
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
    `- Base: ${settings.base}; recipe ${settings.preset}${settings.epochs === undefined ? '' : `, ${settings.epochs} ${settings.epochs === 1 ? 'epoch' : 'epochs'}`}; precision ${report.precision}; ${duration(report.seconds)} in all.`,
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
