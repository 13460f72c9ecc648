// From a data folder to samples in the trainer: reading, splitting, decoding, and the fingerprint of what was used.

import { createHash } from 'node:crypto';
import { automedError } from '../../common/errors';
import type { TrainSpec, WorkerEvent } from '../protocol';
import {
  readClassificationFolder,
  readSegmentationFolder,
  type DataFolder,
  type Part,
  type Problem,
  type Sample,
} from './data-folder';
import { decodeInOrder, type DecodedSample } from './load-samples';
import type { TrainerPort } from './ports';
import { splitSamples } from './split';

export const PARTS: readonly Part[] = ['train', 'validation', 'test'];
/** Files named one by one in the log, or in the error of a strict run. */
const NAMED_PROBLEMS = 50;

export interface PreparedData {
  /** Every sample in the trainer, by its index there. */
  parts: Record<Part, Sample[]>;
  classes: string[];
  skipped: number;
  fingerprint: string;
  groupColumn: string | undefined;
}

export type Emit = (event: WorkerEvent) => void;

export type DataSpec = Pick<
  TrainSpec,
  'task' | 'data' | 'masksDir' | 'groupColumn' | 'validationFraction' | 'seed' | 'strict'
>;

/** Lists the samples of each part; training samples are split where the folder has no validation part. */
export async function listSamples(spec: DataSpec): Promise<DataFolder> {
  const read = spec.task === 'segmentation' ? readSegmentationFolder : readClassificationFolder;
  const folder = await read(spec.data, { masksDir: spec.masksDir, groupColumn: spec.groupColumn });
  if (folder.parts.validation.length > 0) return folder;
  const split = splitSamples(folder.parts.train, { fraction: spec.validationFraction, seed: spec.seed });
  return { ...folder, parts: { ...folder.parts, ...split } };
}

const nameProblem = ({ name, problem }: Problem): string => `${name}: ${problem}`;

/** Stops a strict run at the first problems, or names them and goes on. */
export function reportProblems(problems: readonly Problem[], strict: boolean, emit: Emit): void {
  if (problems.length === 0) return;
  const named = problems.slice(0, NAMED_PROBLEMS).map(nameProblem);
  const more = problems.length - named.length;
  if (strict) {
    const list = named.slice(0, 10).join('; ');
    throw automedError('INVALID_ARGUMENT', `${problems.length} files of the data folder cannot be used: ${list}`, {
      field: 'data',
    });
  }
  for (const message of named) emit({ type: 'log', level: 'warn', message: `left out ${message}` });
  if (more > 0) emit({ type: 'log', level: 'warn', message: `left out ${more} more files` });
}

async function addSample(trainer: TrainerPort, part: Part, { sample, pixels, mask }: DecodedSample): Promise<void> {
  await (mask
    ? trainer.addSegmentationSample(part, pixels, mask)
    : trainer.addClassificationSample(part, pixels, sample.label ?? 0));
}

/** Of the lines that name classes and used samples, whatever their order. */
export function fingerprintOf(lines: readonly string[]): string {
  return createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');
}

function checkEnough(parts: Record<Part, Sample[]>, foreground: boolean): void {
  const missing = (what: string): Error =>
    automedError('INVALID_ARGUMENT', `There is nothing to learn from: ${what}.`, { field: 'data' });
  if (parts.train.length === 0) throw missing('no training sample could be used');
  if (parts.validation.length === 0) throw missing('no validation sample could be used');
  if (!foreground) throw missing('every training mask is empty');
}

/** Decodes the samples into the trainer; files that cannot be used are left out, or stop a strict run. */
export async function loadSamples(
  folder: DataFolder,
  trainer: TrainerPort,
  { strict, signal, emit }: { strict: boolean; signal: AbortSignal; emit: Emit },
): Promise<PreparedData> {
  reportProblems(folder.problems, strict, emit);
  const parts: Record<Part, Sample[]> = { train: [], validation: [], test: [] };
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  const lines = folder.classes.map((name, index) => `class ${index} ${name}`);
  const problems: Problem[] = [];
  let foreground = false;
  let done = 0;
  for (const part of PARTS) {
    for await (const result of decodeInOrder(folder.parts[part])) {
      signal.throwIfAborted();
      done += 1;
      if (done % 16 === 0 || done === total) emit({ type: 'preparing', done, total });
      if ('problem' in result) {
        problems.push({ name: result.sample.name, problem: result.problem });
        if (strict) reportProblems(problems, true, emit);
        continue;
      }
      foreground ||= part === 'train' && (result.mask?.includes(1) ?? true);
      await addSample(trainer, part, result);
      parts[part].push(result.sample);
      lines.push(`${part} ${result.sample.name} ${result.digest}`);
    }
  }
  reportProblems(problems, strict, emit);
  checkEnough(parts, foreground);
  return {
    parts,
    classes: folder.classes,
    skipped: folder.problems.length + problems.length,
    fingerprint: fingerprintOf(lines),
    groupColumn: folder.groupColumn,
  };
}
