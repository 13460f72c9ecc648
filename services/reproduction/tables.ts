// What each table of the paper compares: rows that can be trained and measured here, and methods of others, of which there are
// the paper's figures only.

import { automedError } from '../common/errors';
import type { Task } from '../store';
import {
  accuracy,
  BRAIN_MRI,
  CLINIC,
  COVID,
  HAM10000,
  LC25000,
  overlap,
  REFUGE2,
  TABLE_1,
  TABLE_2,
  TABLE_3,
  TABLE_5,
  TABLE_6,
  TABLE_7,
  TABLE_8,
  type Figures,
  type PaperData,
  type Published,
} from './paper-figures';

/** The two kinds of base: SAM's encoder, and SAM-Med2D's with adapters. */
export type BaseKind = 'sam' | 'sam-med2d';

export interface TableRow {
  /** Names the row's model in the store: letters, digits and dashes. */
  id: string;
  title: string;
  /** Absent: a method of others, which this project does not have. */
  base?: BaseKind;
  /** A name of SYSTEMS; absent: the base itself, with the true box and with one point. */
  system?: string;
  /** The paper's figures, by the title of the data set. */
  paper: Readonly<Record<string, Figures>>;
}

export interface Table {
  number: number;
  title: string;
  task: Task;
  rows: readonly TableRow[];
  /** What it measures; of `byClass` for each class, else for each row. */
  measures: readonly string[];
  byClass?: boolean;
  /** The paper's data sets, in its order. */
  data: readonly PaperData[];
  /** What a reader of the paper's figures must know. */
  notes?: readonly string[];
}

const MED = 'sam-med2d';
const OVERLAP = ['miou', 'mdsc'];
const SORTING = ['accuracy', 'macroF1'];

const of = (data: readonly PaperData[], ...figures: Figures[]): TableRow['paper'] =>
  Object.fromEntries(data.map(({ title }, index) => [title, figures[index] ?? {}]));

function published(methods: Published, data: PaperData): TableRow[] {
  return methods.map(([title, figures], index) => ({
    id: `published-${index + 1}`,
    title,
    paper: of([data], figures),
  }));
}

const SEGMENTED = [REFUGE2, CLINIC, HAM10000];

const SEGMENTATION: readonly TableRow[] = [
  {
    id: 'sam',
    title: 'SAM',
    base: 'sam',
    paper: of(SEGMENTED, overlap(71.1, 57.1), overlap(85.3, 75.8), overlap(87.1, 77.5)),
  },
  {
    id: 'sam-med2d',
    title: 'SAM-Med2D',
    base: MED,
    paper: of(SEGMENTED, overlap(91.9, 85.1), overlap(89.6, 82.4), overlap(93.1, 87.2)),
  },
  // It steers SAM as it is: its published code loads SAM's weights, not SAM-Med2D's.
  {
    id: 'autosam',
    title: 'AutoSAM',
    base: 'sam',
    system: 'autosam',
    paper: of(SEGMENTED, overlap(92.0, 85.6), overlap(83.5, 75.3), overlap(93.3, 88.3)),
  },
  automed(SEGMENTED, overlap(93.6, 88.1), overlap(92.2, 86.5), overlap(94.2, 89.9)),
];

function automed(data: readonly PaperData[], ...figures: Figures[]): TableRow {
  return { id: 'automed', title: 'SAM-AutoMed', base: MED, system: 'automed', paper: of(data, ...figures) };
}

const TABLE_9: readonly TableRow[] = [
  ['sam-encoder', "SAM's encoder instead of SAM-Med2D's", 'automed', overlap(88.3, 80.6)] as const,
  ['frozen-decoder', 'mask decoder frozen', 'automed-frozen-decoder', overlap(92.3, 86.9)] as const,
  ['plain-se', 'plain squeeze-and-excitation', 'automed-plain-se', overlap(93.4, 88.5)] as const,
  ['automed', 'SAM-AutoMed (full)', 'automed', overlap(94.2, 89.9)] as const,
].map(([id, title, system, figures]) => {
  return { id, title, base: id === 'sam-encoder' ? 'sam' : MED, system, paper: of([HAM10000], figures) };
});

const TABLE_10: readonly TableRow[] = [
  ['encoder-only', 'SAM-Med2D encoder alone', 67.9] as const,
  ['mobilenet-plain', 'MobileNetV3 alone, plain squeeze-and-excitation', 86.2] as const,
  ['mobilenet-improved', 'MobileNetV3 alone, improved squeeze-and-excitation', 89.5] as const,
  ['no-attention', 'both, concatenated without attention', 93.1] as const,
  ['medcls', 'SAM-MedCls (full)', 98.2] as const,
].map(([id, title, figure]) => {
  const system = id === 'medcls' ? id : `medcls-${id}`;
  return { id, title, base: MED, system, paper: of([BRAIN_MRI], accuracy(figure)) };
});

const NOT_COMPARABLE = 'Figures of other methods are those of their sources, each on the data that it used.';

function segmentation(number: number, data: PaperData, methods: Published, own: Figures): Table {
  const title = `SAM-AutoMed beside other methods on ${data.title}`;
  const rows = [...published(methods, data), automed([data], own)];
  const mixed = 'An mIoU above the mDSC of the same row (SegNet) mixes definitions: per image it is never higher.';
  const notes = number === 3 ? [NOT_COMPARABLE, mixed] : [NOT_COMPARABLE];
  return { number, title, task: 'segmentation', rows, measures: OVERLAP, data: [data], notes };
}

function medcls(paper: TableRow['paper']): TableRow {
  return { id: 'medcls', title: 'SAM-MedCls', base: MED, system: 'medcls', paper };
}

function classification(number: number, data: PaperData, methods: Published): Table {
  const own = TABLE_5[data.title]?.accuracy ?? {};
  const rows = [...published(methods, data), medcls(of([data], own))];
  const title = `SAM-MedCls beside other methods on ${data.title}`;
  return { number, title, task: 'classification', rows, measures: SORTING, data: [data], notes: [NOT_COMPARABLE] };
}

const CLASSIFIED = [BRAIN_MRI, COVID, LC25000];

const TABLES: readonly Table[] = [
  segmentation(1, REFUGE2, TABLE_1, overlap(93.6, 88.1)),
  segmentation(2, CLINIC, TABLE_2, overlap(92.2, 86.5)),
  segmentation(3, HAM10000, TABLE_3, overlap(94.2, 89.9)),
  {
    number: 4,
    title: 'four systems under the same conditions',
    task: 'segmentation',
    rows: SEGMENTATION,
    measures: OVERLAP,
    data: SEGMENTED,
    notes: ['The paper does not say which prompts its figures of SAM and SAM-Med2D are with: both lines show them.'],
  },
  {
    number: 5,
    title: 'SAM-MedCls by class',
    task: 'classification',
    rows: [medcls(of(CLASSIFIED, ...CLASSIFIED.map(({ title }) => TABLE_5[title]?.accuracy ?? {})))],
    measures: ['precision', 'recall', 'f1', 'accuracy'],
    byClass: true,
    data: CLASSIFIED,
  },
  classification(6, BRAIN_MRI, TABLE_6),
  classification(7, COVID, TABLE_7),
  classification(8, LC25000, TABLE_8),
  {
    number: 9,
    title: 'ablations of SAM-AutoMed',
    task: 'segmentation',
    rows: TABLE_9,
    measures: OVERLAP,
    data: [HAM10000],
  },
  {
    number: 10,
    title: 'ablations of SAM-MedCls',
    task: 'classification',
    rows: TABLE_10,
    measures: SORTING,
    data: [BRAIN_MRI],
    notes: ["The paper's Table 10 is a picture: these are the figures of its text."],
  },
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
