import { readFileSync } from 'node:fs';
import type { Image } from '../../../proto/gen/automed/common/v1/Image';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { parseAddress } from '../../common/address';
import { nameSchema } from '../../store/manifests';
import { parseIntensity } from '../../store/intensity';
import { termsSchema, type Terms } from '../../store/terms';
import { LAYOUT_NAMES, parseMaskValues } from '../../datasets/layouts/read-data';

interface Bounds {
  min?: number;
  max?: number;
  /** Neither bound is itself allowed. */
  open?: boolean;
}

/** Parser of a number within bounds. */
export function number(bounds: Bounds = {}): (text: string) => number {
  const { min = -Infinity, max = Infinity, open = false } = bounds;
  return (text) => {
    const value = Number(text);
    const fits = open ? value > min && value < max : value >= min && value <= max;
    if (text.trim() === '' || !fits) throw new InvalidArgumentError(`it must be a number ${range(min, max, open)}.`);
    return value;
  };
}

/** Parser of a whole number within bounds. */
export function whole(min: number, max: number = Number.MAX_SAFE_INTEGER): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (!/^-?\d+$/.test(text) || value < min || value > max) {
      throw new InvalidArgumentError(`it must be a whole number ${range(min, max, false)}.`);
    }
    return value;
  };
}

/** Parser of a name that something is to be registered under. */
export function newName(text: string): string {
  const parsed = nameSchema.safeParse(text);
  if (!parsed.success) throw new InvalidArgumentError(`a name ${parsed.error.issues[0]?.message ?? 'is expected'}.`);
  return text;
}

function range(min: number, max: number, open: boolean): string {
  if (max === Infinity || max === Number.MAX_SAFE_INTEGER) {
    return min === -Infinity ? 'of any size' : `${open ? 'above' : 'of at least'} ${min}`;
  }
  return open ? `above ${min} and below ${max}` : `from ${min} to ${max}`;
}

/** Help of --intensity. */
export const INTENSITY =
  'what stored values mean: full, dtype (float is 0 to 1), percentile[:LOW:HIGH] of each image, or window:LOW:HIGH';

/** What one mask of each image shows, and the folder of these masks. */
export interface Structure {
  name: string;
  masks: string;
}

/** Parser of `disc=masks,cup=masks_cup`. */
export function structureList(text: string): Structure[] {
  return text.split(',').map((entry) => {
    const [name = '', masks = '', ...rest] = entry.split('=');
    if (name === '' || masks === '' || rest.length > 0) {
      throw new InvalidArgumentError('it must be NAME=FOLDER,NAME=FOLDER.');
    }
    return { name, masks };
  });
}

/** Columns of a CSV file by what they hold. */
export interface Columns {
  image?: string;
  mask?: string;
  label?: string;
  part?: string;
  group?: string;
}

const COLUMN_ROLES = ['image', 'mask', 'label', 'part', 'group'] as const;

/** Parser of `image=path,label=dx`. */
export function columnList(text: string): Columns {
  const columns: Columns = {};
  for (const entry of text.split(',')) {
    const [role = '', column = '', ...rest] = entry.split('=');
    const known = COLUMN_ROLES.find((name) => name === role);
    if (known === undefined || column === '' || rest.length > 0) {
      throw new InvalidArgumentError(`it must be ROLE=COLUMN,..., with the roles ${COLUMN_ROLES.join(', ')}.`);
    }
    columns[known] = column;
  }
  return columns;
}

/** How a folder of data is read. */
export interface LayoutOptions {
  layout?: string;
  columns?: Columns;
}

export function columnsOption(): Option {
  const help = 'of a CSV file: image=path,mask=file or label=dx, part=split, group=case';
  return new Option('--columns <list>', help).argParser(columnList);
}

/** Adds the options of a command that reads data sets in any layout. */
export function withLayout(command: Command): Command {
  return command
    .addOption(
      new Option('--layout <name>', 'how the folder is laid out (default: told by the names of its files)').choices(
        LAYOUT_NAMES,
      ),
    )
    .addOption(columnsOption());
}

/** Parser of --terms: a file of what `terms` of model.json holds. */
export function termsOf(path: string): Terms {
  let json: unknown;
  try {
    json = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  const { data, error } = termsSchema.safeParse(json);
  if (data) return data;
  const found = error.issues.map(({ path: place, message }) => `${place.join('.') || 'it'}: ${message}`);
  throw new InvalidArgumentError(`${path} holds no coded terms: ${found.join('; ')}`);
}

/** Parser of --intensity. */
export function intensityOf(text: string): string {
  try {
    parseIntensity(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  return text;
}

function maskValuesOf(text: string): string {
  try {
    parseMaskValues(text);
  } catch (error) {
    throw new InvalidArgumentError(error instanceof Error ? error.message : String(error));
  }
  return text;
}

/** Adds the option that says which values of masks are foreground. */
export function withMaskValues(command: Command): Command {
  return command.option(
    '--mask-values <list>',
    'stored values of masks that are foreground: 1,2 or 128-255 or #ff0000 or label:Liver (of DICOM segmentations) or disc=1,2,cup=2 (default: told by each file)',
    maskValuesOf,
  );
}

export function addressOf(text: string): string {
  const { problem } = parseAddress(text);
  if (problem !== undefined) throw new InvalidArgumentError(`it ${problem}.`);
  return text;
}

/** Adds the options of a command that calls a gateway. */
export function connected(command: Command): Command {
  return command
    .addOption(
      new Option(
        '--address <host:port>',
        'a running gateway (default: the running server of the store, else services of its own that end with the command)',
      )
        .argParser(addressOf)
        .env('AUTOMED_GATEWAY'),
    )
    .option('--home <folder>', 'the store (default: AUTOMED_HOME, else ~/.automed)')
    .option('--timeout <seconds>', 'what one call may take', number({ min: 0, open: true }), 120);
}

/** Option that chooses a frame of DICOM files. */
export const FRAME = ['--frame <number>', 'of a DICOM file, from 1 (default: 1)', whole(1)] as const;

/** An image of a request. @param frame from 1 */
export function imageOf(encoded: Buffer, frame: number | undefined): Image {
  return frame === undefined ? { encoded } : { encoded, frameNumber: frame };
}

/** Examples under a command's help. */
export function examples(command: Command, lines: readonly string[]): Command {
  return command.addHelpText('after', `\nExamples:\n${lines.map((line) => `  $ ${line}`).join('\n')}`);
}

/** What decides which samples of a data set are measured, and how. */
export interface MeasureOptions {
  seed?: number;
  validationFraction?: number;
  testFraction?: number;
  groupColumn?: string;
  masksDir?: string;
  maskValues?: string;
  structures?: Structure[];
  threshold?: number;
  limit?: number;
  intensity?: string;
}

/** The options of MeasureOptions, but for --mask-values. */
export function withMeasure(command: Command): Command {
  return command
    .option('--seed <number>', "of the resamples, and of a split (default: that of the model's training)", whole(0))
    .option(
      '--validation-fraction <share>',
      'of a split of data that the model does not know, or that it did not record',
      number({ min: 0, max: 1, open: true }),
    )
    .option('--test-fraction <share>', 'of that split', number({ min: 0, max: 0.9 }))
    .option('--group-column <name>', 'column of manifest.csv whose groups are never separated')
    .option('--masks-dir <name>', 'folder of the masks beside images/ (default: masks)')
    .option(
      '--structures <list>',
      'for a model of several: which folder holds the masks of which, disc=masks,cup=masks_cup',
      structureList,
    )
    .option(
      '--threshold <probability>',
      "foreground is above it (default: the model's)",
      number({ min: 0, max: 1, open: true }),
    )
    .option('--limit <count>', 'images that are measured at most, class by class', whole(1))
    .option('--intensity <rule>', `${INTENSITY}; the model's own is used, and another one is named`, intensityOf);
}
