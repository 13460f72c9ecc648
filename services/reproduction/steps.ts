// The work behind a table's rows: bases made and taught, systems trained, everything measured on the same test part.

import type { EvaluateBaseRequest } from '../../proto/gen/automed/bases/v1/EvaluateBaseRequest';
import type { TrainingResult__Output } from '../../proto/gen/automed/training/v1/TrainingResult';
import type { TrainingSpec } from '../../proto/gen/automed/training/v1/TrainingSpec';
import type { TrainingStart__Output } from '../../proto/gen/automed/training/v1/TrainingStart';
import type { AutomedClient } from '../client';
import { automedError } from '../common/errors';
import { BASE_ARCHITECTURES } from '../store';
import type { Progress, StepResult } from './progress';
import type { BaseKind, Table, TableRow } from './tables';

/** How the caller trains and measures, showing it as it likes. */
export interface Work {
  /** Trains as a job; the same request id finds it again. `started` is of its last worker. */
  train: (
    title: string,
    spec: TrainingSpec,
    requestId: string,
  ) => Promise<{ result: TrainingResult__Output; started: TrainingStart__Output | undefined }>;
  evaluateBase: (title: string, request: EvaluateBaseRequest) => Promise<TrainingResult__Output>;
}

export interface Settings {
  table: string;
  data: string;
  /** The name of an architecture stands for random weights, which are trained here first; else a base of the store. */
  base: string;
  /** The base of SAM's rows; default for an architecture: its counterpart without adapters. */
  samBase?: string | undefined;
  epochs?: number | undefined;
  limit?: number | undefined;
  recipe: string;
  seed: number;
  masksDir?: string | undefined;
}

export interface Workshop {
  settings: Settings;
  table: Table;
  progress: Progress;
  client: AutomedClient;
  work: Work;
  threads: number;
  device: string;
}

/** A row with what was measured, or why nothing was. */
export interface MeasuredRow {
  row: TableRow;
  result?: StepResult;
  base?: string;
  reason?: string;
}

/** Share of the data that is kept for the test where the folder has no test part. */
export const TEST_FRACTION = 0.2;

/** The architecture of SAM that an architecture of SAM-Med2D adds its adapters to. */
const WITHOUT_ADAPTERS: Readonly<Record<string, string>> = { tiny: 'tiny-sam', 'sam-med2d-vit-b': 'sam-vit-b' };

/** Why a row of another method than this project's has only the paper's figures. */
export const OF_OTHERS = 'a method of others';

export const isArchitecture = (name: string): boolean => Object.hasOwn(BASE_ARCHITECTURES, name);

function commonSpec({ settings, table, threads, device }: Workshop, id: string) {
  const { data, limit, seed, masksDir } = settings;
  return {
    name: `reproduce-${settings.table}-${id}`,
    task: table.task === 'segmentation' ? 'TASK_SEGMENTATION' : 'TASK_CLASSIFICATION',
    data,
    threads,
    device,
    seed,
    recipe: settings.recipe,
    overrides: settings.epochs === undefined ? {} : { epochs: settings.epochs },
    testFraction: TEST_FRACTION,
    reportImages: false,
    ...(limit === undefined ? {} : { limit }),
    ...(masksDir === undefined ? {} : { masksDir }),
  } satisfies TrainingSpec;
}

/** Trains, and keeps what is told of the samples. */
async function train(
  { work, progress }: Workshop,
  step: string,
  title: string,
  spec: TrainingSpec,
  command: string,
): Promise<StepResult> {
  const begun = performance.now();
  const { result, started } = await work.train(title, spec, `${progress.id}.${step}`);
  const { model, base, metricsJson } = result;
  return {
    metrics: JSON.parse(metricsJson) as Record<string, unknown>,
    seconds: (performance.now() - begun) / 1000,
    command,
    ...(started
      ? { samples: { train: started.trainCount, validation: started.validationCount, test: started.testCount } }
      : {}),
    ...(model === '' ? {} : { model }),
    ...(base === '' ? {} : { base }),
  };
}

function commandText(words: string, { settings }: Workshop): string {
  const { data, epochs, limit, seed, recipe } = settings;
  const options = [`--data ${data}`, `--recipe ${recipe}`, `--seed ${seed}`, `--test-fraction ${TEST_FRACTION}`];
  if (epochs !== undefined) options.push(`--epochs ${epochs}`);
  if (limit !== undefined) options.push(`--limit ${limit}`);
  return `automed train ${words} ${options.join(' ')}`;
}

/** The base of a kind: of the store as it is, or random weights; undefined when none was given. */
async function rawBase(workshop: Workshop, kind: BaseKind): Promise<string | undefined> {
  const { settings, progress, client } = workshop;
  const { base, samBase } = settings;
  const counterpart = isArchitecture(base) ? WITHOUT_ADAPTERS[base] : undefined;
  const wanted = kind === 'sam-med2d' ? base : (samBase ?? counterpart);
  if (wanted === undefined || !isArchitecture(wanted)) return wanted;
  const name = `reproduce-${settings.table}-${kind}-random`;
  const made = await progress.step(`create-${kind}`, async () => {
    const begun = performance.now();
    const { base: reference } = await client.bases.create({ name, arch: wanted, seed: settings.seed });
    const seconds = (performance.now() - begun) / 1000;
    const command = `automed bases create ${name} --arch ${wanted} --seed ${settings.seed}`;
    return { base: reference, metrics: {}, seconds, command };
  });
  return made.base;
}

/** The base that rows stand on. Random weights are first taught to follow prompts, where there are masks to teach them. */
async function readyBase(workshop: Workshop, kind: BaseKind): Promise<string | undefined> {
  const raw = await rawBase(workshop, kind);
  if (raw === undefined || workshop.table.task === 'classification' || !isRandom(workshop, kind)) return raw;
  const step = `teach-${kind}`;
  const taught = await workshop.progress.step(step, () => {
    const spec: TrainingSpec = {
      ...commonSpec(workshop, kind),
      system: 'interactive',
      base: raw,
      train: 'TRAINED_PART_ENCODER',
    };
    const text = commandText(`base --base ${raw} --name ${spec.name} --train encoder`, workshop);
    return train(workshop, step, `teaching ${kind}`, spec, text);
  });
  return taught.base;
}

function isRandom({ settings }: Workshop, kind: BaseKind): boolean {
  return isArchitecture(kind === 'sam-med2d' ? settings.base : (settings.samBase ?? settings.base));
}

/** A base's own row: the true box, and one point. */
async function measureBase(workshop: Workshop, { id, title }: TableRow, base: string): Promise<StepResult> {
  const { settings, progress, work, device } = workshop;
  return progress.step(`measure-${id}`, async () => {
    const begun = performance.now();
    const { base: measured, metricsJson } = await work.evaluateBase(`measuring ${title}`, {
      base,
      data: settings.data,
      part: 'EVALUATED_PART_TEST',
      masksDir: settings.masksDir ?? '',
      testFraction: TEST_FRACTION,
      seed: settings.seed,
      device,
      ...(settings.limit === undefined ? {} : { limit: settings.limit }),
    });
    return {
      base: measured,
      metrics: JSON.parse(metricsJson) as Record<string, unknown>,
      seconds: (performance.now() - begun) / 1000,
      command: `automed reproduce ${settings.table} (prompts from the true masks)`,
    };
  });
}

async function trainSystem(workshop: Workshop, row: TableRow, base: string, system: string): Promise<StepResult> {
  const { task } = workshop.table;
  // With no masks to teach a random encoder by, it learns with its head; a MobileNet alone has no use for it.
  const learns =
    task === 'classification' &&
    row.base !== undefined &&
    isRandom(workshop, row.base) &&
    !system.includes('mobilenet');
  const trained = learns ? 'TRAINED_PART_ENCODER' : 'TRAINED_PART_HEAD';
  const step = `train-${row.id}`;
  return workshop.progress.step(step, () => {
    const common = commonSpec(workshop, row.id);
    const baseName = learns ? { baseName: `${common.name}-base` } : {};
    const spec: TrainingSpec = { ...common, system, base, train: trained, ...baseName };
    const words = `${task} --system ${system} --base ${base} --name ${common.name}${learns ? ' --train encoder' : ''}`;
    return train(workshop, step, row.title, spec, commandText(words, workshop));
  });
}

export async function measureRow(workshop: Workshop, row: TableRow): Promise<MeasuredRow> {
  if (row.base === undefined) return { row, reason: OF_OTHERS };
  const base = await readyBase(workshop, row.base);
  if (base === undefined) return { row, reason: 'no base of SAM was given (--sam-base)' };
  if (row.system === undefined) return { row, base, result: await measureBase(workshop, row, base) };
  return { row, base, result: await trainSystem(workshop, row, base, row.system) };
}

/** Every row of the table, one after another. */
export async function measureTable(workshop: Workshop): Promise<MeasuredRow[]> {
  const rows: MeasuredRow[] = [];
  for (const row of workshop.table.rows) rows.push(await measureRow(workshop, row));
  if (rows.every(({ result }) => result === undefined))
    throw automedError('ILLEGAL_STATE', 'no row of the table could be measured');
  return rows;
}
