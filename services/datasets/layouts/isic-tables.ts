// The tables of the ISIC challenges: classes of the third task in their three forms, and lesions.

import { columnNamed, columnsNamed, groupIn, parseCsv, parseTable, type CsvTable } from '../tables/csv-text';
import { counted, finding, type Finding } from '../samples/finding';
import { layoutError } from './collect';

const IMAGE_COLUMNS = ['image', 'image_id', 'image_name', 'isic_id', 'name', 'file', 'filename', 'id'];
const LESION_COLUMNS = ['lesion_id', 'lesion'];
/** Of 2018, and those that 2019 added. */
const DIAGNOSES = ['MEL', 'NV', 'BCC', 'AKIEC', 'AK', 'BKL', 'DF', 'VASC', 'SCC', 'UNK'];
/** The two questions of 2017; where both are answered no, the lesion is a nevus. */
const QUESTIONS = ['melanoma', 'seborrheic_keratosis'];
/** Answers of 2016, as names or as numbers. */
const MALIGNANT = /^(malignant|1([.,]0*)?)$/i;
const BENIGN = /^(benign|0([.,]0*)?)$/i;
const YES = /^(1([.,]0*)?|true|yes)$/i;
const NO = /^(0([.,]0*)?|false|no)$/i;

export interface ImageClasses {
  /** Of an image without one class an empty string. */
  rows: [image: string, className: string][];
  findings: Finding[];
}

function imageColumn({ columns }: CsvTable, title: string): string {
  const column = columnNamed(columns, IMAGE_COLUMNS);
  if (column !== undefined) return column;
  throw layoutError(`${title} names no images: it has the columns ${columns.join(', ')}.`);
}

/** Classes of 2016: two columns, image and answer, mostly without a header. */
function answers(rows: readonly string[][]): ImageClasses['rows'] | undefined {
  const told = ([, answer = '']: readonly string[]): boolean =>
    MALIGNANT.test(answer.trim()) || BENIGN.test(answer.trim());
  const [first = [], ...others] = rows;
  const body = told(first) ? rows : others;
  if (body.length === 0 || rows.some(({ length }) => length !== 2) || !body.every(told)) return undefined;
  return body.map(([image = '', answer = '']) => [image, MALIGNANT.test(answer.trim()) ? 'malignant' : 'benign']);
}

/**
 * Reads a table of classes.
 * @param title of the table, for what is said of it
 * @throws InvalidInputError (field `data`) for a table that has no image, or not the classes that it should have
 */
export function readClasses(text: string, title: string): ImageClasses {
  const table = parseTable(text);
  const diagnoses = columnsNamed(table.columns, DIAGNOSES);
  const questions = columnsNamed(table.columns, QUESTIONS);
  if (diagnoses.length === 0 && questions.length === 0) {
    const rows = answers(parseCsv(text));
    if (rows) return { rows, findings: [] };
    const known = [...QUESTIONS, ...DIAGNOSES].join(', ');
    throw layoutError(`${title} has the columns ${table.columns.join(', ')}, and none of the classes ${known}.`);
  }
  if (questions.length === 1) {
    throw layoutError(`${title} has the column ${questions[0]} and not both of ${QUESTIONS.join(' and ')}.`);
  }
  const image = imageColumn(table, title);
  const columns = questions.length > 0 ? questions : diagnoses;
  const classOf = (row: ReadonlyMap<string, string>): string => {
    const cells = columns.map((column) => row.get(column) ?? '');
    const yes = columns.filter((_, index) => YES.test(cells[index] ?? ''));
    if (!cells.every((cell) => YES.test(cell) || NO.test(cell)) || yes.length > 1) return '';
    return yes[0] ?? (questions.length > 0 ? 'nevus' : '');
  };
  const rows = table.rows.map((row): [string, string] => [row.get(image) ?? '', classOf(row)]);
  const without = rows.filter(([, className]) => className === '').map(([name]) => name);
  const message = `${counted(without.length, 'row')} of ${title} ${without.length === 1 ? 'names' : 'name'} no class or several (${without[0]})`;
  return { rows, findings: without.length > 0 ? [finding('group-table', 'warning', message, without)] : [] };
}

/** Lesions by image. @throws InvalidInputError (field `data`) for a table without images or lesions */
export function readLesions(text: string, title: string): [image: string, lesion: string | undefined][] {
  const table = parseTable(text);
  const image = imageColumn(table, title);
  const lesion = columnNamed(table.columns, LESION_COLUMNS);
  if (lesion === undefined) {
    throw layoutError(`${title} names no lesions: it has the columns ${table.columns.join(', ')}.`);
  }
  return table.rows.map((row) => [row.get(image) ?? '', groupIn(row.get(lesion))]);
}
