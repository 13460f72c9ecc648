// samples.json: which pictures a version has seen, by digest, so that what is measured later can be told from what it was
// trained on, whatever the files are called and wherever they lie. It holds no name of a file or a patient.

import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { automedError } from '../common/errors';
import type { BaseManifest, ModelManifest } from './manifests';
import { isUnread, localFile, type Stored } from './versions';

export const SAMPLES_FILE = 'samples.json';

/** What a training did with a sample; `unused`: its data had it, and a limit left it out. */
export const SAMPLE_PARTS = ['train', 'validation', 'test', 'unused'] as const;
export type SamplePart = (typeof SAMPLE_PARTS)[number];
/** Weights were learnt from `train`; the checkpoint was chosen by `validation`. Neither measures what is new to a version. */
export type SeenPart = Extract<SamplePart, 'train' | 'validation'>;

/** A version that can have a record. */
export type RecordedVersion = Pick<Stored<ModelManifest | BaseManifest>, 'folder' | 'manifest' | 'fetch'>;

export interface SampleRecord {
  /** The part of each sample in the version's own training; a sample may have several digests. */
  own: ReadonlyMap<string, SamplePart>;
  /** What the base and the model that the training began with had seen. */
  inherited: ReadonlyMap<string, SeenPart>;
  /** `name@version` of those among them that were trained when nothing was recorded. */
  unrecorded: readonly string[];
}

const digestsSchema = z.array(z.string().regex(/^[0-9a-f]{64}$/));

const fileSchema = z.object({
  schema: z.literal(1),
  train: digestsSchema,
  validation: digestsSchema,
  test: digestsSchema,
  unused: digestsSchema,
  inherited: z.object({ train: digestsSchema, validation: digestsSchema }),
  unrecorded: z.array(z.string()),
});

const rank = (part: SamplePart): number => SAMPLE_PARTS.indexOf(part);

/** Digests by part; one that is in several is in the first of SAMPLE_PARTS. */
export function partsByDigest<P extends SamplePart>(parts: Partial<Record<P, Iterable<string>>>): Map<string, P> {
  const found = new Map<string, P>();
  for (const part of [...SAMPLE_PARTS].reverse() as P[]) {
    for (const digest of parts[part] ?? []) found.set(digest, part);
  }
  return found;
}

function digestsOf(parts: ReadonlyMap<string, SamplePart>, wanted: SamplePart): string[] {
  return [...parts]
    .filter(([, part]) => part === wanted)
    .map(([digest]) => digest)
    .sort();
}

/** Writes samples.json into the folder of a version that is being registered. */
export async function writeSampleRecord(folder: string, { own, inherited, unrecorded }: SampleRecord): Promise<void> {
  const file: z.infer<typeof fileSchema> = {
    schema: 1,
    train: digestsOf(own, 'train'),
    validation: digestsOf(own, 'validation'),
    test: digestsOf(own, 'test'),
    unused: digestsOf(own, 'unused'),
    inherited: { train: digestsOf(inherited, 'train'), validation: digestsOf(inherited, 'validation') },
    unrecorded: [...unrecorded],
  };
  await writeFile(join(folder, SAMPLES_FILE), JSON.stringify(file));
}

/**
 * What a version has recorded; undefined for one of before, or one that nobody trained here.
 * @throws CheckpointError (CHECKPOINT_CORRUPT) when the file is gone or is not what was registered
 */
export async function readSampleRecord(stored: RecordedVersion): Promise<SampleRecord | undefined> {
  const { manifest } = stored;
  const sha256 = manifest.files?.[SAMPLES_FILE];
  if (sha256 === undefined) return undefined;
  const damaged = (cause?: unknown): Error =>
    automedError(
      'CHECKPOINT_CORRUPT',
      `The ${SAMPLES_FILE} of ${manifest.name}@${manifest.version} is not what was registered.`,
      { cause },
    );
  const bytes = await localFile(stored, SAMPLES_FILE)
    .then(async (path) => readFile(path))
    .catch((cause: unknown) => {
      throw isUnread(cause) ? cause : damaged(cause);
    });
  if (createHash('sha256').update(bytes).digest('hex') !== sha256) throw damaged();
  const { inherited, unrecorded, train, validation, test, unused } = fileSchema.parse(
    JSON.parse(bytes.toString('utf8')),
  );
  return {
    own: partsByDigest({ train, validation, test, unused }),
    inherited: partsByDigest<SeenPart>(inherited),
    unrecorded,
  };
}

/**
 * The part of one sample: the one in which it was seen most, by the version or by what it stands on.
 * @param digests of the sample, of whatever kind the record has
 */
export function partOf({ own, inherited }: SampleRecord, digests: readonly string[]): SamplePart | undefined {
  const parts = digests.flatMap((digest) => [own.get(digest) ?? [], inherited.get(digest) ?? []].flat());
  return parts.sort((a, b) => rank(a) - rank(b))[0];
}

/** What a record says of one digest. */
export interface SampleOrigin {
  /** Part in the version's own training; absent: its data did not have the sample. */
  part?: SamplePart;
  /** Whether the version, or what it stands on, has seen the sample. */
  seen: boolean;
}

/** Undefined for a digest that the record does not have. */
export function originOf({ own, inherited }: SampleRecord, digest: string): SampleOrigin | undefined {
  const part = own.get(digest);
  const seen = isSeen(part) || inherited.has(digest);
  if (part !== undefined) return { part, seen };
  return seen ? { seen } : undefined;
}

/** Whether a part is one of what a version has seen. */
export function isSeen(part: SamplePart | undefined): part is SeenPart {
  return part === 'train' || part === 'validation';
}

/** What a version's record says of the digests that it knows. */
export interface LookedUp {
  /** The others are absent. */
  origins: ReadonlyMap<string, SampleOrigin>;
  /** `name@version` of what the version stands on and was trained when nothing was recorded. */
  unrecorded: readonly string[];
}

/** Asks the record of a version, wherever that is; undefined when it has none. */
export type LookUp = (digests: readonly string[]) => Promise<LookedUp | undefined>;

/** What a record says of several digests. */
export function lookUpIn(record: SampleRecord, digests: readonly string[]): LookedUp {
  const known = digests.flatMap((digest): [string, SampleOrigin][] => {
    const origin = originOf(record, digest);
    return origin ? [[digest, origin]] : [];
  });
  return { origins: new Map(known), unrecorded: record.unrecorded };
}

/** The record of a version in the store; what was imported or made at random has seen nothing of ours. */
export function recordOf(version: RecordedVersion): LookUp {
  let record: Promise<SampleRecord | undefined> | undefined;
  return async (digests) => {
    const found = await (record ??= readSampleRecord(version));
    if (found) return lookUpIn(found, digests);
    return version.manifest.training === undefined ? { origins: new Map(), unrecorded: [] } : undefined;
  };
}

/** What a training begins with: everything that its base and its starting model have seen. */
export async function inheritedFrom(
  ancestors: readonly RecordedVersion[],
): Promise<Pick<SampleRecord, 'inherited' | 'unrecorded'>> {
  const seen: Record<SeenPart, string[]> = { train: [], validation: [] };
  const unrecorded: string[] = [];
  for (const ancestor of ancestors) {
    const { manifest } = ancestor;
    const record = await readSampleRecord(ancestor);
    // Published weights and random ones were not trained here, and there is nothing that a record could say of them.
    if (!record && manifest.training !== undefined) unrecorded.push(`${manifest.name}@${manifest.version}`);
    unrecorded.push(...(record?.unrecorded ?? []));
    for (const [digest, part] of [...(record?.inherited ?? []), ...(record?.own ?? [])]) {
      if (isSeen(part)) seen[part].push(digest);
    }
  }
  return { inherited: partsByDigest<SeenPart>(seen), unrecorded: [...new Set(unrecorded)].sort() };
}
