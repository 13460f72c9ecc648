// Which images a version is measured on: by default those that it has not seen. Every command that measures asks here.

import { automedError } from '../../common/errors';
import { type Part, PARTS } from '../files/part-names';
import type { DataFolder, Sample } from '../samples/sample';
import { limitSamples } from './limit';
import { divideFolder, type DataSpec } from './divide';
import { readData } from '../layouts/read-data';
import type { LookUp } from '../../store';
import { originsOf, type Origins } from './sample-origins';
import { nothingUsable } from './split-report';

/** What can be asked for: a part of the version's training, what it has not seen, or everything. */
export const MEASURED_PARTS = ['unseen', 'train', 'validation', 'test', 'all'] as const;
export type MeasuredPart = (typeof MEASURED_PARTS)[number];

export type SelectSpec = Omit<DataSpec, 'strict'> & {
  /**
   * Default: what the version has not seen, of the folder's test part where it has one; where nothing is left of that, what
   * selected its checkpoint, which is said.
   */
  part?: MeasuredPart | undefined;
  /** What a model of one structure draws. */
  structure?: string | undefined;
  /** The values of masks that the version recorded; for masks of which nothing else says what their values mean. */
  recordedMaskValues?: string | undefined;
};

export interface Measured {
  /** `name@version`, for what is told. */
  name: string;
  lookUp: LookUp;
}

export interface Selection {
  /** `test` where what is measured are samples of that part and no others. */
  part: MeasuredPart;
  /** Samples that are measured. */
  samples: Sample[];
  folder: DataFolder & { layout: string };
  /** How many of them the version has seen; null: it has not recorded that. */
  seen: number | null;
  /** What a person must know about what is measured. */
  notes: string[];
}

type Chosen = Pick<Selection, 'part' | 'samples' | 'notes'> & { seen?: ReadonlySet<Sample> };

const images = (count: number): string => (count === 1 ? '1 image' : `${count} images`);

function noneLeft(part: MeasuredPart, why: string): Error {
  return automedError('INVALID_ARGUMENT', `The data has no labelled images in its part ${part}${why}.`, {
    field: 'part',
  });
}

/** A part as a training makes it: the folder's own, else split off; no test part where there is none and no share is asked for. */
function partBySplit(folder: DataFolder, part: Part, spec: Omit<SelectSpec, 'part'>): Sample[] {
  const own = folder.parts[part];
  if (part !== 'train' && (own.length > 0 || (part === 'test' && !spec.testFraction))) return own;
  return divideFolder(folder, { ...spec, limit: undefined }).parts[part];
}

/** Of a version that recorded nothing: the parts that its training would make of this data. */
function bySplit(folder: DataFolder, { part: asked, ...spec }: SelectSpec, { name }: Measured): Chosen {
  if (asked === 'unseen') {
    const text = `${name} does not record what it was trained on: what it has not seen cannot be told. Choose a part.`;
    throw automedError('INVALID_ARGUMENT', text, { field: 'part' });
  }
  const test = asked === undefined ? partBySplit(folder, 'test', spec) : [];
  const part = asked ?? (test.length > 0 ? 'test' : 'all');
  const all = PARTS.flatMap((each) => folder.parts[each]);
  const samples = part === 'all' ? all : test.length > 0 ? test : partBySplit(folder, part, spec);
  const note = `${name} does not record what it was trained on: images of its training may be among the ${samples.length}`;
  return { part, samples, notes: [note] };
}

/** Samples that a version has seen, and those whose group (patient, sequence) it has seen others of. */
function seenAmong(all: readonly Sample[], { of }: Origins): { seen: Set<Sample>; related: Set<Sample> } {
  const seen = new Set(all.filter((sample) => of.get(sample)?.seen));
  const groups = new Set([...seen].flatMap(({ group }) => group ?? []));
  const related = all.filter((sample) => !seen.has(sample) && sample.group !== undefined && groups.has(sample.group));
  return { seen, related: new Set(related) };
}

/** `120 of 160 images that polyp@2 has seen (96 train, 24 validation)` without the first number. */
function describeSeen(samples: readonly Sample[], { of }: Origins): string {
  const count = (part: Part | undefined): number => samples.filter((sample) => of.get(sample)?.part === part).length;
  const own = (['train', 'validation'] as const).flatMap((part) => (count(part) > 0 ? [`${count(part)} ${part}`] : []));
  const others = samples.length - count('train') - count('validation');
  return [...own, ...(others > 0 ? [`${others} by its base or the model that it began as`] : [])].join(', ');
}

/** The samples of a part of the version's training; of data that it does not know, those that the folder or a split gives. */
function samplesOfPart(folder: DataFolder, part: Part, spec: SelectSpec, { of }: Origins): Sample[] {
  const all = PARTS.flatMap((each) => folder.parts[each]);
  const known = all.some((sample) => of.get(sample)?.part !== undefined);
  if (!known) return partBySplit(folder, part, spec);
  const separate = folder.parts.test.length > 0 || folder.parts.validation.length > 0;
  const own = new Set(separate ? folder.parts[part] : []);
  return all.filter((sample) => {
    const recorded = of.get(sample)?.part;
    return recorded === undefined ? own.has(sample) : recorded === part;
  });
}

/** Everything, or a part that was seen: it can be wanted, and it is said. */
function withSeen(folder: DataFolder, spec: SelectSpec, { name }: Measured, origins: Origins): Chosen {
  const { part } = spec;
  const all = PARTS.flatMap((each) => folder.parts[each]);
  const samples = part === 'train' || part === 'validation' ? samplesOfPart(folder, part, spec, origins) : all;
  const { seen } = seenAmong(all, origins);
  const among = samples.filter((sample) => seen.has(sample));
  const told = `${name} has seen ${among.length} of the ${images(samples.length)} (${describeSeen(among, origins)}): the scores flatter it`;
  return { part: part ?? 'all', samples, seen, notes: among.length > 0 ? [told] : [] };
}

/** What the version has not seen, of everything or of the test part; says what was left out for it. */
function withoutSeen(folder: DataFolder, spec: SelectSpec, { name }: Measured, origins: Origins): Chosen {
  const all = PARTS.flatMap((each) => folder.parts[each]);
  const { test } = folder.parts;
  const asked = spec.part ?? 'unseen';
  const candidates = asked === 'test' ? samplesOfPart(folder, 'test', spec, origins) : test.length > 0 ? test : all;
  const { seen, related } = seenAmong(all, origins);
  const samples = candidates.filter((sample) => !seen.has(sample) && !related.has(sample));
  const left = candidates.filter((sample) => seen.has(sample));
  const torn = candidates.length - samples.length - left.length;
  const reasons = [
    ...(left.length > 0 ? [`${images(left.length)} that it has seen (${describeSeen(left, origins)})`] : []),
    ...(torn > 0 ? [`${images(torn)} of groups of which it has seen others`] : []),
  ].join(' and ');
  if (samples.length === 0) {
    const why = reasons === '' ? '' : ` for ${name} but ${reasons}`;
    const validation =
      spec.part === undefined ? all.filter((sample) => origins.of.get(sample)?.part === 'validation') : [];
    if (validation.length === 0) throw noneLeft(asked, `${why}: choose another part, or all`);
    const note = `nothing is left that ${name} has not seen, so it is measured on the ${images(validation.length)} that selected its checkpoint: the scores flatter it`;
    return { part: 'validation', samples: validation, seen, notes: [note] };
  }
  const inTest = new Set(test);
  const onlyTest = samples.every(
    (sample) => (origins.of.get(sample)?.part ?? (inTest.has(sample) ? 'test' : '')) === 'test',
  );
  const part = asked === 'test' || onlyTest ? 'test' : 'unseen';
  const told = `measured on ${images(samples.length)} that ${name} has not seen`;
  return { part, samples, seen, notes: [`${told}${reasons === '' ? '' : `, without ${reasons}`}`] };
}

/**
 * Lists the images that a version is measured on. Nothing that it has seen is among them unless `part` asks for it; `limit`
 * draws from what is measured.
 * @throws InvalidInputError (field `part`) when no image is left
 */
export async function selectSamples(spec: SelectSpec, version: Measured, signal: AbortSignal): Promise<Selection> {
  const { eachMask = false } = spec;
  const folder = await readData({ ...spec, eachMask });
  const all = PARTS.flatMap((part) => folder.parts[part]);
  if (all.length === 0) throw nothingUsable(folder);
  const origins = await originsOf(all, version.lookUp, signal).catch((cause: unknown) => {
    throw signal.aborted ? automedError('CANCELLED', 'Looking for seen images was cancelled.', { cause }) : cause;
  });
  const { part } = spec;
  const choose = part === undefined || part === 'unseen' || part === 'test' ? withoutSeen : withSeen;
  const { seen, ...chosen } = origins ? choose(folder, spec, version, origins) : bySplit(folder, spec, version);
  if (chosen.samples.length === 0) throw noneLeft(chosen.part, '');
  const { limit = chosen.samples.length, seed } = spec;
  const samples = limitSamples(chosen.samples, { count: limit, seed });
  const unrecorded = origins?.unrecorded ?? [];
  const more = unrecorded.map(
    (name) => `${name}, which ${version.name} was trained on, does not record what it has seen`,
  );
  if (spec.maskValues === undefined && samples.some(({ masks = [] }) => masks.some(({ stated }) => stated))) {
    const values = `"${spec.recordedMaskValues ?? ''}", as ${version.name} records it`;
    more.push(`the foreground of masks is ${values}; --mask-values states another`);
  }
  const count = seen && samples.filter((sample) => seen.has(sample)).length;
  return { ...chosen, notes: [...chosen.notes, ...more], samples, folder, seen: count ?? null };
}
