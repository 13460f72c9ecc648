// What each table of the paper compares, as rows that can be trained and measured. The paper's tables are not all
// described in what this project has of it: `stated` says which comparison is known, the others are the closest one.

import { automedError } from '../../common/errors';
import type { Task } from '../../store';

/** The two kinds of base: SAM's encoder, and SAM-Med2D's with adapters. */
export type BaseKind = 'sam' | 'sam-med2d';

export interface TableRow {
  /** Names the row's model in the store: letters, digits and dashes. */
  id: string;
  title: string;
  base: BaseKind;
  /** A name of SYSTEMS; absent: the base itself, with the true box and with one point. */
  system?: string;
}

export interface Table {
  number: number;
  title: string;
  task: Task;
  rows: readonly TableRow[];
  /** False where what the table compares was not at hand and is assumed here. */
  stated: boolean;
}

const MED = 'sam-med2d';

const SEGMENTATION: readonly TableRow[] = [
  { id: 'sam', title: 'SAM', base: 'sam' },
  { id: 'sam-med2d', title: 'SAM-Med2D', base: MED },
  { id: 'autosam', title: 'AutoSAM', base: MED, system: 'autosam' },
  { id: 'automed', title: 'SAM-AutoMed', base: MED, system: 'automed' },
];

const CLASSIFICATION: readonly TableRow[] = [
  { id: 'mobilenet-plain', title: 'MobileNetV3', base: MED, system: 'medcls-mobilenet-plain' },
  { id: 'encoder-only', title: 'SAM-Med2D encoder', base: MED, system: 'medcls-encoder-only' },
  { id: 'medcls', title: 'SAM-MedCls', base: MED, system: 'medcls' },
];

const TABLE_9: readonly TableRow[] = [
  { id: 'sam-encoder', title: "SAM's encoder instead of SAM-Med2D's", base: 'sam', system: 'automed' },
  { id: 'frozen-decoder', title: 'mask decoder frozen', base: MED, system: 'automed-frozen-decoder' },
  { id: 'plain-se', title: 'plain squeeze-and-excitation', base: MED, system: 'automed-plain-se' },
  { id: 'automed', title: 'SAM-AutoMed (full)', base: MED, system: 'automed' },
];

const TABLE_10: readonly TableRow[] = [
  { id: 'encoder-only', title: 'SAM-Med2D encoder alone', base: MED, system: 'medcls-encoder-only' },
  {
    id: 'mobilenet-plain',
    title: 'MobileNetV3 alone, plain squeeze-and-excitation',
    base: MED,
    system: 'medcls-mobilenet-plain',
  },
  {
    id: 'mobilenet-improved',
    title: 'MobileNetV3 alone, improved squeeze-and-excitation',
    base: MED,
    system: 'medcls-mobilenet-improved',
  },
  {
    id: 'no-attention',
    title: 'both, concatenated without attention',
    base: MED,
    system: 'medcls-no-attention',
  },
  { id: 'medcls', title: 'SAM-MedCls (full)', base: MED, system: 'medcls' },
];

function segmentation(number: number, stated = false): Table {
  return { number, title: 'automatic segmentation', task: 'segmentation', rows: SEGMENTATION, stated };
}

function classification(number: number): Table {
  return { number, title: 'classification', task: 'classification', rows: CLASSIFICATION, stated: false };
}

const TABLES: readonly Table[] = [
  ...[1, 2, 3].map((number) => segmentation(number)),
  segmentation(4, true),
  segmentation(5),
  ...[6, 7, 8].map(classification),
  { number: 9, title: 'ablations of SAM-AutoMed', task: 'segmentation', rows: TABLE_9, stated: true },
  { number: 10, title: 'ablations of SAM-MedCls', task: 'classification', rows: TABLE_10, stated: true },
];

export const TABLE_NAMES = TABLES.map(({ number }) => `table${number}`);

/** @throws InvalidInputError for anything but table1 to table10 (field `table`) */
export function tableOf(name: string): Table {
  const table = TABLES[TABLE_NAMES.indexOf(name)];
  if (table) return table;
  throw automedError('INVALID_ARGUMENT', `There is no ${name}; known are ${TABLE_NAMES.join(', ')}.`, {
    field: 'table',
  });
}
