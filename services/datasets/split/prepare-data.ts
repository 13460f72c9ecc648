// From a data folder to samples in the trainer: reading, splitting, decoding, and the fingerprint of what was used.

import { createHash } from 'node:crypto';
import { automedError } from '../../common/errors';
import type { SamplePart } from '../../store';
import type { TrainSpec, WorkerEvent } from '../../worker/protocol/protocol';
import type { DataFolder, Part, Problem, Sample } from '../layouts/data-folder';
import { SampleGuard } from '../check/digests';
import { factsOf, findingsOf, type Finding, type Seen } from '../check/findings';
import { askedIntensity } from './input-rule';
import { limitParts } from './limit';
import { decodeInOrder, imageDigestOf, problemOf, type DecodedSample } from '../load/load-samples';
import type { Losses, ModelInput } from '../check/model-view';
import type { TrainerPort } from '../../worker/domain/ports/trainer';
import { readData } from '../layouts/read-data';
import { SharedFiles } from '../load/shared-files';
import { nothingUsable, shareFindings, splitWithReasons } from './split-report';
import { groupsAreKept, type splitSamples } from './split';
import { INTERACTIVE } from '../../worker/protocol/systems';

export const PARTS: readonly Part[] = ['train', 'validation', 'test'];
/** Files named one by one in the log, or in the error of a strict run. */
const NAMED_PROBLEMS = 50;
/** Findings in the error of a refused run. */
const NAMED_FINDINGS = 10;

export interface PreparedData {
  /** Every sample in the trainer, by its index there. */
  parts: Record<Part, Sample[]>;
  /** Of each sample with masks what of each structure is lost at the model's input size, in the order of `parts`. */
  losses: Record<Part, (readonly Losses[] | undefined)[]>;
  /** Whether any training mask shows something; true for classification. */
  foreground: boolean;
  /** Whether any training mask leaves something out; true for classification. */
  background: boolean;
  classes: string[];
  skipped: number;
  fingerprint: string;
  /** Column of the groups, where every sample has one and no part shares one with another. */
  groupColumn: string | undefined;
  /** Of each sample the digests of its picture, by file and by pixels; `cut`: of those that are left of a cut group. */
  digests: Record<SamplePart | 'cut', string[][]>;
}

export type Emit = (event: WorkerEvent) => void;

export type DataSpec = Pick<
  TrainSpec,
  'task' | 'data' | 'masksDir' | 'groupColumn' | 'validationFraction' | 'seed' | 'strict'
> &
  Partial<
    Pick<
      TrainSpec,
      | 'structures'
      | 'testFraction'
      | 'limit'
      | 'layout'
      | 'columns'
      | 'system'
      | 'eachMask'
      | 'maskValues'
      | 'intensity'
    >
  >;

/** Names of what the masks show; empty for classification. */
export function structureNames(spec: Pick<TrainSpec, 'task' | 'structure' | 'structures'>): string[] {
  if (spec.task === 'classification') return [];
  const names = spec.structures?.map(({ name }) => name) ?? [spec.structure];
  if (new Set(names).size === names.length) return names;
  throw automedError('INVALID_ARGUMENT', 'Two structures have the same name.', { field: 'structures' });
}

/** A data folder divided into parts. */
export interface ListedData extends DataFolder {
  layout: string;
  /** What the limit left out, but for the rest of groups that it cut. */
  unused: Sample[];
  /** The rest of those: as well known to a model as the samples of their groups that it learns from. */
  cut: Sample[];
}

/** What a limit left out of the parts. */
function leftOut(all: DataFolder['parts'], kept: DataFolder['parts']): Pick<ListedData, 'unused' | 'cut'> {
  const samples = new Set(PARTS.flatMap((part) => kept[part]));
  const groups = new Set([...samples].flatMap(({ group }) => group ?? []));
  const others = PARTS.flatMap((part) => all[part].filter((sample) => !samples.has(sample)));
  const isCut = ({ group }: Sample): boolean => group !== undefined && groups.has(group);
  return { unused: others.filter((sample) => !isCut(sample)), cut: others.filter(isCut) };
}

/**
 * Divides what a folder has into parts. Where it has no test part it is split off when a share is asked for, and a validation
 * part always; the limit comes first, so that it holds for all parts together.
 */
export function divideFolder<T extends DataFolder>(
  folder: T,
  spec: Pick<DataSpec, 'seed' | 'validationFraction' | 'testFraction' | 'limit' | 'intensity'>,
): T & Pick<ListedData, 'unused' | 'cut'> {
  const parts = limitParts(folder.parts, spec);
  const left = leftOut(folder.parts, parts);
  const { seed, testFraction = 0 } = spec;
  if (PARTS.every((part) => parts[part].length === 0)) throw nothingUsable(folder);
  const findings = [...(folder.findings ?? [])];
  const split = (fraction: number, part: Part): ReturnType<typeof splitSamples> => {
    const whole = parts.train;
    const halves = splitWithReasons(folder, whole, { fraction, seed });
    findings.push(...shareFindings(halves.validation, whole, { fraction, part }));
    return halves;
  };
  if (parts.test.length === 0 && testFraction > 0) {
    const { train, validation: test } = split(testFraction, 'test');
    Object.assign(parts, { train, test });
  }
  if (parts.validation.length === 0) Object.assign(parts, split(spec.validationFraction, 'validation'));
  return { ...folder, parts, findings, ...left, intensity: askedIntensity(spec) };
}

/** Lists the samples of each part, as `divideFolder` divides them. */
export async function listSamples(spec: DataSpec): Promise<ListedData> {
  const { eachMask = spec.system === INTERACTIVE } = spec;
  return divideFolder(await readData({ ...spec, eachMask }), spec);
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

async function addSample(trainer: TrainerPort, part: Part, { sample, pixels, masks }: DecodedSample): Promise<void> {
  await (masks
    ? trainer.addSegmentationSample(part, pixels, masks)
    : trainer.addClassificationSample(part, pixels, sample.label ?? 0));
}

/** Of the lines that name classes and used samples, whatever their order. */
export function fingerprintOf(lines: readonly string[]): string {
  return createHash('sha256')
    .update([...lines].sort().join('\n'))
    .digest('hex');
}

/** Throws when there is nothing to learn from. */
export function checkEnough({ parts, foreground, background }: PreparedData): void {
  const missing = (what: string): Error =>
    automedError('INVALID_ARGUMENT', `There is nothing to learn from: ${what}.`, { field: 'data' });
  if (parts.train.length === 0) throw missing('no training sample could be used');
  if (parts.validation.length === 0) throw missing('no validation sample could be used');
  if (!foreground) throw missing('every training mask is empty');
  if (!background) throw missing('every training mask is foreground all over');
}

/**
 * Refuses data on which a score would be wrong.
 * @throws InvalidInputError (field `data`)
 */
export function refuseErrors(findings: readonly Finding[], use: 'train' | 'measure'): void {
  const errors = findings.filter(({ severity }) => severity === 'error');
  if (errors.length === 0) return;
  const named = errors.slice(0, NAMED_FINDINGS).map(({ message }) => message);
  const more = errors.length - named.length;
  throw automedError(
    'INVALID_ARGUMENT',
    `The data would make scores wrong: ${named.join('; ')}${more > 0 ? `; and ${more} more findings` : ''}. ` +
      `Mend it, or allow data problems to ${use} on it as it is.`,
    { field: 'data' },
  );
}

/** Names what a score suffers from. */
export function tellFindings(findings: readonly Finding[], emit: Emit): void {
  // Files that cannot be used were named when they were left out.
  const told = findings.filter(({ kind }) => kind !== 'unusable');
  for (const { message } of told.slice(0, NAMED_PROBLEMS)) emit({ type: 'log', level: 'warn', message });
}

export interface LoadOptions {
  /** Stop at the first file that cannot be used. */
  strict: boolean;
  /** Refuse data on which a score would be wrong (default: name what is wrong). */
  refuseProblems?: boolean;
  /** Registered data set that the samples are of; refuses what changed since its check. */
  dataset?: { reference: string; digests: string } | undefined;
  /** Whether the folder's samples are all of the data set, not a part drawn from it. */
  whole?: boolean;
  /** Images decoded at a time; the samples and their order do not depend on it. */
  decodeParallel?: number | undefined;
  /** Of the model that the samples are for. */
  input?: ModelInput;
  /** Whether the digests of samples that are not used are wanted, too. */
  unused?: boolean;
  signal: AbortSignal;
  emit: Emit;
}

/** Digests of pictures that are read and not decoded; one that cannot be read has none. */
async function fileDigests(samples: readonly Sample[], signal: AbortSignal): Promise<string[][]> {
  const digests: string[][] = [];
  const files = new SharedFiles();
  for (const sample of samples) {
    signal.throwIfAborted();
    const digest = await imageDigestOf(sample, files).catch(() => undefined);
    if (digest !== undefined) digests.push([digest]);
  }
  return digests;
}

/** What decoding leaves of a folder. */
interface Decoded {
  parts: Record<Part, Sample[]>;
  digests: Record<Part, string[][]>;
  /** Of the fingerprint. */
  lines: string[];
  problems: Problem[];
  seen: Seen[];
}

async function decodeInto(
  trainer: TrainerPort,
  folder: DataFolder,
  { strict, decodeParallel, input, signal, emit, guard }: LoadOptions & { guard: SampleGuard | undefined },
): Promise<Decoded> {
  const found: Decoded = {
    parts: { train: [], validation: [], test: [] },
    digests: { train: [], validation: [], test: [] },
    lines: folder.classes.map((name, index) => `class ${index} ${name}`),
    problems: [],
    seen: [],
  };
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  let done = 0;
  for (const part of PARTS) {
    for await (const result of decodeInOrder(folder.parts[part], { parallel: decodeParallel })) {
      signal.throwIfAborted();
      done += 1;
      if (done % 16 === 0 || done === total) emit({ type: 'preparing', done, total });
      guard?.see(result.sample.name, 'digest' in result ? result.digest : undefined);
      if ('problem' in result) {
        found.problems.push(problemOf(result));
        if (strict) reportProblems(found.problems, true, emit);
        continue;
      }
      await addSample(trainer, part, result);
      const facts = factsOf(part, result, input);
      found.parts[part].push(result.sample);
      found.seen.push(facts);
      found.digests[part].push([result.imageDigest, facts.pixelHash]);
      found.lines.push(`${part} ${result.sample.name} ${result.digest}`);
    }
  }
  return found;
}

/**
 * Decodes the samples into the trainer; files that cannot be used are left out, or stop a strict run.
 * @throws InvalidInputError (field `data`) that names the files
 */
export async function loadSamples(
  folder: DataFolder & Partial<Pick<ListedData, 'unused' | 'cut'>>,
  trainer: TrainerPort,
  options: LoadOptions,
): Promise<PreparedData> {
  const { strict, refuseProblems = false, dataset, whole = true, unused = false, signal, emit } = options;
  const guard = dataset && (await SampleGuard.open(dataset));
  reportProblems(folder.problems, strict, emit);
  const { parts, lines, problems, seen, ...decoded } = await decodeInto(trainer, folder, { ...options, guard });
  const digests: PreparedData['digests'] = { ...decoded.digests, unused: [], cut: [] };
  guard?.finish(whole);
  reportProblems(problems, strict, emit);
  const unusable = [...folder.problems, ...problems];
  if (seen.length === 0) throw nothingUsable({ ...folder, problems: unusable });
  const findings = findingsOf(seen, folder, unusable);
  if (refuseProblems) refuseErrors(findings, 'train');
  tellFindings(findings, emit);
  const training = seen.filter(({ part }) => part === 'train');
  if (unused) {
    digests.unused = await fileDigests(folder.unused ?? [], signal);
    digests.cut = await fileDigests(folder.cut ?? [], signal);
  }
  const lossesOf = (part: Part) => seen.flatMap((each) => (each.part === part ? [each.maskFacts?.losses] : []));
  return {
    parts,
    losses: { train: lossesOf('train'), validation: lossesOf('validation'), test: lossesOf('test') },
    digests,
    foreground: training.some((each) => each.foreground !== 0),
    background: training.some((each) => each.foreground !== 1),
    classes: folder.classes,
    skipped: folder.problems.length + problems.length,
    fingerprint: fingerprintOf(lines),
    groupColumn: groupsAreKept(PARTS.map((part) => parts[part])) ? folder.groupColumn : undefined,
  };
}
