// From a data folder to samples in the trainer: reading, splitting, decoding, and the fingerprint of what was used.

import { refuseErrors } from '../../../checks/refuse-errors';
import type { Emit } from '../../protocol/protocol';
import type { ListedData } from '../../../datasets/split/divide';
import { NAMED_PROBLEMS, reportProblems } from '../../../datasets/samples/progress';
import { fingerprintOf } from '../../../datasets/samples/fingerprint';
import { PARTS, type Part } from '../../../datasets/files/part-names';
import { automedError } from '../../../common/errors';
import type { SamplePart } from '../../../store';
import type { DataFolder, Problem, Sample } from '../../../datasets/samples/sample';
import { SampleGuard } from '../../../checks/digests';
import { factsOf, findingsOf, type Seen } from '../../../checks/findings';
import type { Finding } from '../../../datasets/samples/finding';
import { decodeInOrder, imageDigestOf, problemOf, type DecodedSample } from '../../../datasets/load/load-samples';
import type { ModelInput } from '../../../checks/input-axes';
import type { Losses } from '../../../checks/model-view';
import type { TrainerPort } from '../ports/trainer';
import { SharedFiles } from '../../../datasets/load/shared-files';
import { nothingUsable } from '../../../datasets/split/split-report';
import { groupsAreKept } from '../../../datasets/split/split';

/** Findings of which the named samples are in several parts. */
const LEAKS: ReadonlySet<string> = new Set(['duplicate-across-parts', 'alike-across-parts', 'group-across-parts']);

export interface PreparedData {
  /** Every sample in the trainer, by its index there. */
  parts: Record<Part, Sample[]>;
  /** Of each sample with masks what of each structure is lost at the model's input size, in the order of `parts`. */
  losses: Record<Part, (readonly Losses[] | undefined)[]>;
  /** Foreground share of each validation sample's masks, in the order of `parts`. */
  validationForeground: (number | undefined)[];
  /** Names of samples that have a copy, a neighbour or their group in another part. */
  leaking: ReadonlySet<string>;
  /** Whether any training mask shows something; true for classification. */
  foreground: boolean;
  /** Whether any training mask leaves something out; true for classification. */
  background: boolean;
  classes: string[];
  skipped: number;
  /** Whether any picture has levels of more than 8 bits through a window of its own, as DICOM's have. */
  windowed: boolean;
  fingerprint: string;
  /** Column of the groups, where every sample has one and no part shares one with another. */
  groupColumn: string | undefined;
  /** Of each sample the digests of its picture, by file and by pixels; `cut`: of those that are left of a cut group. */
  digests: Record<SamplePart | 'cut', string[][]>;
}

async function addSample(trainer: TrainerPort, part: Part, { sample, pixels, masks }: DecodedSample): Promise<void> {
  await (masks
    ? trainer.addSegmentationSample(part, pixels, masks)
    : trainer.addClassificationSample(part, pixels, sample.label ?? 0));
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
  /** Whether the folder's samples are all of the data set, not a part drawn from it: then what could not be listed is no finding. */
  whole?: boolean;
  /** Images decoded at a time; the samples and their order do not depend on it. */
  decodeThreads?: number | undefined;
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
  windowed: boolean;
  /** Of the fingerprint. */
  lines: string[];
  problems: Problem[];
  seen: Seen[];
}

async function decodeInto(
  trainer: TrainerPort,
  folder: DataFolder,
  { strict, decodeThreads, input, signal, emit, guard }: LoadOptions & { guard: SampleGuard | undefined },
): Promise<Decoded> {
  const found: Decoded = {
    parts: { train: [], validation: [], test: [] },
    digests: { train: [], validation: [], test: [] },
    windowed: false,
    lines: folder.classes.map((name, index) => `class ${index} ${name}`),
    problems: [],
    seen: [],
  };
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  let done = 0;
  for (const part of PARTS) {
    for await (const result of decodeInOrder(folder.parts[part], { parallel: decodeThreads, depth: 16 })) {
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
      found.windowed ||= result.pixels.window !== undefined;
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
  const { parts, lines, problems, seen, windowed, ...decoded } = await decodeInto(trainer, folder, {
    ...options,
    guard,
  });
  const digests: PreparedData['digests'] = { ...decoded.digests, unused: [], cut: [] };
  guard?.finish(whole);
  reportProblems(problems, strict, emit);
  const unusable = [...folder.problems, ...problems];
  if (seen.length === 0) throw nothingUsable({ ...folder, problems: unusable });
  // What a part does not use says nothing of it.
  const findings = findingsOf(seen, folder, whole ? unusable : problems);
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
    validationForeground: seen.flatMap((each) => (each.part === 'validation' ? [each.foreground] : [])),
    leaking: new Set(findings.filter(({ kind }) => LEAKS.has(kind)).flatMap(({ names }) => names)),
    digests,
    foreground: training.some((each) => each.foreground !== 0),
    background: training.some((each) => each.foreground !== 1),
    classes: folder.classes,
    windowed,
    skipped: folder.problems.length + problems.length,
    fingerprint: fingerprintOf(lines),
    groupColumn: groupsAreKept(PARTS.map((part) => parts[part])) ? folder.groupColumn : undefined,
  };
}
