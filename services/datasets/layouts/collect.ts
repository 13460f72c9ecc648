// What the readers of published layouts have in common: pairing images with masks and classes, and naming what is missing.

import { join } from 'node:path';
import { automedError, type AutomedError } from '../../common/errors';
import type { Task } from '../../store';
import { emptyFolder } from './data-folder';
import type { Part } from '../files/part-names';
import type { DataFolder, MaskSource, Problem, Sample } from '../samples/sample';
import { labelOf, partsAsClasses, spelledClasses } from './class-names';
import { counted, finding, type Finding } from '../samples/finding';
import { MANIFEST, readManifest } from '../tables/manifest-csv';
import { stemOf, type FileTree } from '../files/file-tree';
import type { LayoutRequest } from './layout';

/** An image as a layout found it. */
export interface Found {
  /** Path below the root. */
  path: string;
  /** Tells samples of one image apart. */
  suffix?: string;
  /** Of a DICOM file of several frames, from 0. */
  frame?: number;
  part: Part;
  /** Classification: its class, or nothing where the data set does not say. */
  className?: string | undefined;
  /** Segmentation: of each structure asked for, or nothing where one is missing. */
  masks?: MaskSource[] | undefined;
  group?: string | undefined;
  /** Pseudonym of the DICOM instance and frame. */
  instance?: string;
}

export function layoutError(message: string, field = 'data'): AutomedError {
  return automedError('INVALID_ARGUMENT', message, { field });
}

/** A cell of a table; an empty one says nothing. */
export function told(cell: string | undefined): string | undefined {
  return cell === '' ? undefined : cell;
}

export interface Collected {
  found: readonly Found[];
  /** Groups of the layout itself, and the column that they come from. */
  groupColumn?: string | undefined;
  notes?: readonly string[];
  /** Paths of the masks that there are, for segmentation: those of no image are named. */
  masks?: Iterable<string>;
  /** What tables of the layout have to say. */
  findings?: readonly Finding[] | undefined;
  /** Whether manifest.csv is what the layout read. */
  manifestIsRead?: boolean;
}

/** A warning where manifest.csv gives groups that do not count, because the layout has its own. */
async function manifestAside({ root, files }: FileTree, groupColumn: string): Promise<Finding[]> {
  if (!files.some((path) => MANIFEST.test(path))) return [];
  const manifest = await readManifest(root).catch(() => undefined);
  const column = manifest?.groups?.column;
  if (column === undefined) return [];
  const message = `manifest.csv is not read: the groups are the data set's own (${groupColumn}), not its column ${column}`;
  return [finding('group-table', 'warning', message, ['manifest.csv'])];
}

/**
 * Makes samples of what was found. A class counts when the training part has it; manifest.csv gives the groups where the
 * layout has none of its own.
 */
export async function collect(
  tree: FileTree,
  request: Pick<LayoutRequest, 'task' | 'groupColumn'>,
  { found, groupColumn, notes = [], findings = [], masks = [], manifestIsRead = false }: Collected,
): Promise<DataFolder> {
  if (groupColumn !== undefined && (request.groupColumn ?? groupColumn) !== groupColumn) {
    throw layoutError(`This data set is grouped by ${groupColumn}, not by ${request.groupColumn}.`, 'groupColumn');
  }
  const manifest = groupColumn === undefined ? await readManifest(tree.root, request.groupColumn) : undefined;
  const data = {
    ...emptyFolder(groupColumn === undefined ? manifest?.groups : { column: groupColumn }),
    notes: [...notes],
  };
  if (request.task === 'classification') data.classes = classesOf(found, findings);
  // Without parts of its own the folder tells of no file which part it is in.
  const parted = found.some(({ part }) => part !== 'train');
  for (const one of [...found].sort((a, b) => (nameOf(a) < nameOf(b) ? -1 : 1))) {
    const { path, part, className, group } = one;
    const place = { part: parted ? part : undefined, className, path, classes: data.classes };
    const known = group ?? manifest?.groups?.groupOf(stemOf(path), place);
    const problem = problemOf(one, request.task, data.classes);
    if (problem === undefined) data.parts[part].push(sampleOf(tree, request.task, one, data.classes, known));
    else data.problems.push({ name: path, ...problem });
  }
  const spelled =
    request.task === 'classification'
      ? [
          ...spelledClasses(namedClasses(found, data.classes)),
          ...(parted || manifestIsRead ? [] : partsAsClasses(data.classes)),
        ]
      : [];
  const aside = groupColumn === undefined || manifestIsRead ? [] : await manifestAside(tree, groupColumn);
  const alone = request.task === 'segmentation' ? masksAlone(tree, found, [...masks]) : [];
  data.findings = [...findings, ...alone, ...spelled, ...(manifest?.findings(parted) ?? []), ...aside];
  return data;
}

/** A warning about masks that no image has: not all images may be there, as of an archive that was unpacked in part. */
function masksAlone({ root }: FileTree, found: readonly Found[], masks: readonly string[]): Finding[] {
  const used = new Set(found.flatMap((one) => (one.masks ?? []).flatMap(({ paths }) => paths)));
  const alone = masks.filter((path) => !used.has(join(root, path)));
  if (alone.length === 0) return [];
  const message = `${alone.length} of ${counted(masks.length, 'mask')} ${alone.length === 1 ? 'has' : 'have'} no image (${alone[0]})`;
  return [finding('not-read', 'warning', message, alone)];
}

/** The classes of all parts; one that differs from a training class in normal form only is that class. */
function namedClasses(found: readonly Found[], classes: readonly string[]): Set<string> {
  return new Set([
    ...classes,
    ...found.flatMap(({ className }) =>
      className === undefined ? [] : (classes[labelOf(className, classes)] ?? className),
    ),
  ]);
}

const nameOf = ({ path, suffix = '' }: Found): string => `${path}${suffix}`;

function classesOf(found: readonly Found[], findings: readonly Finding[]): string[] {
  const training = found.filter(({ part }) => part === 'train');
  const classes = [...new Set(training.flatMap(({ className }) => className ?? []))].sort();
  if (classes.length < 2) {
    const reasons = findings.map(({ message }) => `${message}. `).join('');
    throw layoutError(`${reasons}The training part has ${classes.length} of the at least two classes that it needs.`);
  }
  return classes;
}

function problemOf(
  { className, masks }: Found,
  task: Task,
  classes: readonly string[],
): Omit<Problem, 'name'> | undefined {
  if (task === 'segmentation') return masks === undefined ? { problem: 'has no mask', lacks: 'mask' } : undefined;
  if (className === undefined) return { problem: 'has no class' };
  if (labelOf(className, classes) >= 0) return undefined;
  return { problem: `its class ${className} is not among the training classes` };
}

function sampleOf(
  tree: FileTree,
  task: Task,
  found: Found,
  classes: readonly string[],
  group: string | undefined,
): Sample {
  const { path, frame, className, masks, instance } = found;
  return {
    name: nameOf(found),
    imagePath: join(tree.root, path),
    ...(frame === undefined ? {} : { frame }),
    ...(task === 'segmentation' ? { masks: masks ?? [] } : { label: labelOf(className ?? '', classes) }),
    ...(group === undefined ? {} : { group }),
    ...(instance === undefined ? {} : { instance }),
  };
}

/** The structures asked for, checked against what the layout has. */
export function chosenStructures(request: LayoutRequest, known: readonly string[]): string[] {
  const chosen = request.masks ?? known;
  const unknown = chosen.find((name) => !known.includes(name));
  if (unknown === undefined) return [...chosen];
  throw layoutError(`This data set has no masks of "${unknown}"; it has ${known.join(', ')}.`, 'structures');
}
