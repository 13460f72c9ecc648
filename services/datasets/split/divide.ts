// Divides the samples of a data folder into parts, as a training does.

import { askedIntensity, type Task } from '../../store';
import { automedError } from '../../common/errors';
import { PARTS, type Part } from '../files/part-names';
import { nothingUsable, splitWithReasons, shareFindings } from './split-report';
import type { splitSamples } from './split';
import { limitParts } from './limit';
import type { DataFolder, Sample } from '../samples/sample';
import type { DataSelection } from '../samples/data-selection';
import { readData } from '../layouts/read-data';

/** Which samples are read, and how they are divided. */
export type DataSpec = Pick<DataSelection, 'data' | 'masksDir' | 'groupColumn' | 'validationFraction' | 'strict'> &
  Partial<
    Pick<
      DataSelection,
      'structures' | 'testFraction' | 'limit' | 'layout' | 'columns' | 'eachMask' | 'maskValues' | 'intensity'
    >
  > & { task: Task; seed: number };

/** Names of what the masks show; empty for classification. */
export function structureNames(spec: Pick<DataSelection, 'structure' | 'structures'> & { task: Task }): string[] {
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
  return divideFolder(await readData(spec), spec);
}
