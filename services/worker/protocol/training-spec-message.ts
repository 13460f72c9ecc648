// Between TrainingSpec of the API and the specification of a job.

import type { CsvColumns__Output } from '../../../proto/gen/automed/datasets/v1/CsvColumns';
import type { HeadOverrides, HeadOverrides__Output } from '../../../proto/gen/automed/training/v1/HeadOverrides';
import type { RecipeOverrides, RecipeOverrides__Output } from '../../../proto/gen/automed/training/v1/RecipeOverrides';
import type { TrainingSpec, TrainingSpec__Output } from '../../../proto/gen/automed/training/v1/TrainingSpec';
import { automedError } from '../../common/errors';
import type { Task } from '../../store';
import type { TrainingJobSpec, TrainingJobSpecInput } from './protocol';
import type { Recipe } from './recipes';

const TRAINED_PARTS = {
  head: 'TRAINED_PART_HEAD',
  adapters: 'TRAINED_PART_ADAPTERS',
  encoder: 'TRAINED_PART_ENCODER',
} as const;
const OPTIMIZERS = { adam: 'OPTIMIZER_ADAM', adamw: 'OPTIMIZER_ADAM_W' } as const;
const SCHEDULES = {
  constant: 'SCHEDULE_CONSTANT',
  cosine: 'SCHEDULE_COSINE',
  linear: 'SCHEDULE_LINEAR',
  'one-cycle': 'SCHEDULE_ONE_CYCLE',
  step: 'SCHEDULE_STEP',
  plateau: 'SCHEDULE_PLATEAU',
} as const satisfies Record<Recipe['schedule'], string>;
const BATCH_NORMS = {
  running: 'BATCH_NORM_STATISTICS_RUNNING',
  reestimate: 'BATCH_NORM_STATISTICS_REESTIMATE',
} as const satisfies Record<Recipe['batchNorm'], string>;
const PRECISIONS = {
  float32: 'TRAINING_PRECISION_FLOAT32',
  bf16: 'TRAINING_PRECISION_BFLOAT16',
  auto: 'TRAINING_PRECISION_AUTO',
} as const satisfies Record<Recipe['precision'], string>;
export const SQUEEZE_EXCITATIONS = {
  improved: 'SQUEEZE_EXCITATION_IMPROVED',
  plain: 'SQUEEZE_EXCITATION_PLAIN',
} as const satisfies Record<NonNullable<TrainingJobSpec['head']['se']>, string>;
const TASKS = { segmentation: 'TASK_SEGMENTATION', classification: 'TASK_CLASSIFICATION' } as const;

/** The word behind an enum's name; absent for the unspecified one. */
export function wordOf<W extends string>(
  words: Readonly<Record<W, string>>,
  name: string,
  field: string,
): W | undefined {
  if (name.endsWith('_UNSPECIFIED')) return undefined;
  const word = (Object.keys(words) as W[]).find((each) => words[each] === name);
  if (word !== undefined) return word;
  throw automedError('INVALID_ARGUMENT', `The value ${name} of ${field} is not known.`, { field });
}

/** Keeps what was given: no empty strings, no absent fields, none of the loader's markers of optional fields. */
export function given<T extends object>(message: T): T {
  const kept = Object.entries(message).filter(
    ([key, value]) => !key.startsWith('_') && value !== undefined && value !== null && value !== '',
  );
  return Object.fromEntries(kept) as T;
}

/** The columns that were named; absent when none was. */
export function columnsOf(message: CsvColumns__Output | null): Record<string, string> | undefined {
  const named = Object.entries(message ?? {}).filter(([, column]) => column !== '');
  return named.length === 0 ? undefined : Object.fromEntries(named);
}

/** Structures with the folders of their masks; absent when none is named. */
export function structuresOf<Structure>(structures: readonly Structure[]): readonly Structure[] | undefined {
  return structures.length === 0 ? undefined : structures;
}

/** The task of a filter or a specification; absent when unspecified. */
export function taskOf(name: string): Task | undefined {
  return wordOf(TASKS, name, 'task');
}

export function taskName(task: Task): (typeof TASKS)[Task] {
  return TASKS[task];
}

function overridesOf(message: RecipeOverrides__Output): object {
  const { optimizer, schedule, batchNorm, precision, ...numbers } = message;
  return given({
    ...numbers,
    optimizer: wordOf(OPTIMIZERS, optimizer, 'spec.overrides.optimizer'),
    schedule: wordOf(SCHEDULES, schedule, 'spec.overrides.schedule'),
    batchNorm: wordOf(BATCH_NORMS, batchNorm, 'spec.overrides.batch_norm'),
    precision: wordOf(PRECISIONS, precision, 'spec.overrides.precision'),
  });
}

function toOverrides(overrides: NonNullable<TrainingJobSpecInput['overrides']>): RecipeOverrides {
  const { optimizer, schedule, batchNorm, precision, ...numbers } = overrides;
  return given({
    ...numbers,
    optimizer: optimizer && OPTIMIZERS[optimizer],
    schedule: schedule && SCHEDULES[schedule],
    batchNorm: batchNorm && BATCH_NORMS[batchNorm],
    precision: precision && PRECISIONS[precision],
  }) as RecipeOverrides;
}

function headOf({ se, ...rest }: HeadOverrides__Output): object {
  return given({ ...rest, se: wordOf(SQUEEZE_EXCITATIONS, se, 'spec.head.se') });
}

function toHead({ se, ...rest }: TrainingJobSpec['head']): HeadOverrides {
  return given({ ...rest, se: se && SQUEEZE_EXCITATIONS[se] }) as HeadOverrides;
}

const MAX_TERMS_LENGTH = 100_000;

/** @throws InvalidInputError for text that is no JSON; what it holds is checked with the rest */
function termsFrom(json: string): unknown {
  try {
    if (json.length <= MAX_TERMS_LENGTH) return JSON.parse(json);
  } catch {
    // Named below.
  }
  throw automedError('INVALID_ARGUMENT', `terms_json is no JSON of at most ${MAX_TERMS_LENGTH} characters.`, {
    field: 'spec.terms_json',
  });
}

/** What the job's schema is to check: absent fields take the schema's defaults. */
export function fromSpec(spec: TrainingSpec__Output): object {
  const { task, train, structures, overrides, head, seed, columns, embeddingCacheBytes, termsJson, ...rest } = spec;
  const cacheBytes = embeddingCacheBytes ?? undefined;
  return given({
    ...rest,
    task: taskOf(task),
    train: wordOf(TRAINED_PARTS, train, 'spec.train'),
    structures: structuresOf(structures),
    overrides: overrides === null ? undefined : overridesOf(overrides),
    head: head === null ? undefined : headOf(head),
    seed: Number(seed),
    columns: columnsOf(columns),
    terms: termsJson === '' ? undefined : termsFrom(termsJson),
    embeddingCacheBytes: cacheBytes === undefined ? undefined : Number(cacheBytes),
  });
}

/** The message of a specification, whether its defaults are filled in or not. */
export function toSpec(spec: TrainingJobSpec | TrainingJobSpecInput): TrainingSpec {
  const { task, train, structures, overrides, head, seed, dataset, terms, eachMask: _, ...rest } = spec;
  return {
    ...given(rest),
    task: TASKS[task],
    ...(train === undefined ? {} : { train: TRAINED_PARTS[train] }),
    structures: [...(structures ?? [])],
    overrides: toOverrides(overrides ?? {}),
    head: toHead(head ?? {}),
    seed: seed ?? 0,
    ...(dataset ? { dataset: dataset.reference } : {}),
    ...(terms === undefined ? {} : { termsJson: JSON.stringify(terms) }),
  } as TrainingSpec;
}
