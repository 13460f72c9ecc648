// Reads a data folder in whatever layout it has. Listing only: nothing is decoded here.

import { stat } from 'node:fs/promises';
import { basename, dirname, relative } from 'node:path';
import { automedError } from '../../common/errors';
import type { Task } from '../../store';
import type { DataFolder, MaskSource, Sample } from '../samples/sample';
import { csv, LAYOUTS, recognise } from '.';
import { counted, finding, type Finding } from '../samples/finding';
import { uniteGroups } from '../tables/group-spelling';
import { dicomAmong } from './dicom-content';
import { listTree, type FileTree } from '../files/file-tree';
import { setAside, withoutMask, type UnlabelledImage } from './unlabelled';
import type { CsvColumns, Layout } from './layout';
import { parseMaskValues, valuesOfStructure } from '../masks/mask-values';
import { unreadFindings } from './unread';
import { unreadTables } from './unread-tables';

export { parseMaskValues };

export const LAYOUT_NAMES: readonly string[] = LAYOUTS.map(({ name }) => name);

/** Where samples come from and how they are to be read. */
export interface DataSource {
  task: Task;
  /** A folder, or a CSV file. */
  data: string;
  /** A name of LAYOUT_NAMES; absent: by the names of the files. */
  layout?: string | undefined;
  /** Folder or name of the masks, where there is one structure. */
  masksDir?: string | undefined;
  /** What the masks show; `foreground` where nobody said. */
  structure?: string | undefined;
  structures?: readonly { name: string; masks: string }[] | undefined;
  groupColumn?: string | undefined;
  columns?: CsvColumns | undefined;
  /** One sample for each mask, where the layout tells masks of one image apart. */
  eachMask?: boolean | undefined;
  /** Which stored values of masks are foreground, as `parseMaskValues` reads it; absent: told by each file. */
  maskValues?: string | undefined;
  /** The same as a model recorded it; for masks of which neither the caller nor the layout says anything. */
  recordedMaskValues?: string | undefined;
}

/** What `structure` says when nobody named what the masks show. */
const UNNAMED_STRUCTURE = 'foreground';

function layoutNamed(name: string): Layout {
  const layout = LAYOUTS.find((one) => one.name === name);
  if (layout) return layout;
  throw automedError('INVALID_ARGUMENT', `There is no layout "${name}"; known are ${LAYOUT_NAMES.join(', ')}.`, {
    field: 'layout',
  });
}

interface Opened {
  layout: Layout;
  tree: FileTree;
  unlabelled: UnlabelledImage[];
}

/** The layout of a source, with its files. */
async function openAny({ data, layout }: Omit<DataSource, 'task'>): Promise<Opened> {
  const found = await stat(data).catch((cause: unknown) => {
    throw automedError('NOT_FOUND', `The data folder ${data} cannot be read.`, { field: 'data', cause });
  });
  if (found.isFile()) {
    if (!/\.csv$/i.test(data) || (layout ?? csv.name) !== csv.name) {
      throw automedError('INVALID_ARGUMENT', `${data} is neither a folder nor a CSV file.`, { field: 'data' });
    }
    return { layout: csv, tree: { root: dirname(data), files: [basename(data)] }, unlabelled: [] };
  }
  const { tree, unlabelled } = setAside(await listTree(data));
  return { layout: layout === undefined ? await recognise(tree) : layoutNamed(layout), tree, unlabelled };
}

/** As `openAny`, for a task that the layout has something for. */
async function open(source: DataSource): Promise<Opened> {
  const opened = await openAny(source);
  const { name, title, tasks } = opened.layout;
  if (tasks.includes(source.task)) return opened;
  throw automedError('WRONG_TASK', `The layout ${name} (${title}) has nothing for ${source.task}.`, {
    field: source.layout === undefined ? 'data' : 'layout',
  });
}

/**
 * What a folder is for when nobody says it: segmentation where it has masks, else classification. Told by the names of its
 * folders and columns where these say so, whether or not a sample can be used.
 * @throws NotFoundError, InvalidInputError when the folder cannot be listed
 */
export async function taskOf(source: Omit<DataSource, 'task'>): Promise<Task> {
  const { layout, tree } = await openAny(source);
  const [only] = layout.tasks;
  if (layout.tasks.length === 1 && only !== undefined) return only;
  if (layout.hasMasks) return (await layout.hasMasks(tree, source.columns)) ? 'segmentation' : 'classification';
  const found = await readData({ ...source, task: 'segmentation' }).catch(() => undefined);
  return found !== undefined && found.parts.train.length > 0 ? 'segmentation' : 'classification';
}

/**
 * Says of a source what its folder decides: the layout, and what the masks show where the layout knows and nobody asked for
 * something else. What is returned reads the same without looking again.
 */
export async function resolveSource<T extends DataSource>(source: T): Promise<T> {
  const { layout } = await open(source);
  const asked = source.structures ?? source.masksDir;
  const named = (source.structure ?? UNNAMED_STRUCTURE) !== UNNAMED_STRUCTURE;
  const own = source.task === 'segmentation' && asked === undefined ? layout.structures : undefined;
  return {
    ...source,
    layout: layout.name,
    ...(own === undefined || (named && own.length === 1)
      ? {}
      : { structures: own.map((name) => ({ name, masks: name })) }),
  };
}

/** Lists the samples of a source, part by part as its folder has them. */
export async function readData(
  source: DataSource,
): Promise<DataFolder & { layout: string; unlabelled: UnlabelledImage[] }> {
  const { layout, tree, unlabelled } = await open(source);
  const { task, structures, masksDir, groupColumn, columns, eachMask = false } = source;
  const masks = structures?.map((structure) => structure.masks) ?? (masksDir === undefined ? undefined : [masksDir]);
  const listed = await layout.read(tree, { task, masks, groupColumn, columns, eachMask });
  const united = uniteGroups(listed.parts);
  const folder = { ...listed, parts: united.parts };
  const found = [
    ...(folder.findings ?? []),
    ...united.findings,
    ...(await unreadTables(tree, folder, layout)),
    ...(await unreadFindings(tree, folder, (path) => layout.passesOver?.(path) ?? false)),
    ...(layout.readsHeaders ? [] : await dicomFindings(tree, folder, layout)),
  ];
  const waiting = [...unlabelled, ...withoutMask(tree, folder.problems)];
  return { ...stateValues(folder, source), findings: found, layout: layout.name, unlabelled: waiting };
}

/** A warning about DICOM pictures whose patients a layout does not know. */
async function dicomFindings({ root }: FileTree, { parts }: DataFolder, { name }: Layout): Promise<Finding[]> {
  const loose = Object.values(parts).flatMap((part) => part.filter(({ group }) => group === undefined));
  const paths = loose.map(({ imagePath }) => relative(root, imagePath).replaceAll('\\', '/'));
  const are = await dicomAmong(root, paths);
  if (are.length === 0) return [];
  const what = counted(are.length, 'picture', ' is a DICOM file', ' are DICOM files');
  const message = `${what}, whose patients the layout ${name} does not keep together, as the layout dicom does`;
  return [finding('note', 'warning', message, are)];
}

/** Whether a mask's values are told by its layout or by its format. */
function isTold({ codes, values, segmentationOf }: MaskSource): boolean {
  return codes !== undefined || values !== undefined || segmentationOf !== undefined;
}

/** Tells every mask the values that were stated for it, or those that a model recorded where nothing else is known. */
function stateValues(folder: DataFolder, source: DataSource): DataFolder {
  const { maskValues, recordedMaskValues, structures, structure } = source;
  const text = maskValues ?? recordedMaskValues;
  if (text === undefined) return folder;
  const values = parseMaskValues(text);
  const names = structures?.map(({ name }) => name) ?? [structure ?? UNNAMED_STRUCTURE];
  const told = (sample: Sample): Sample =>
    sample.masks === undefined
      ? sample
      : {
          ...sample,
          masks: sample.masks.map((mask, index) =>
            maskValues === undefined && isTold(mask)
              ? mask
              : { ...mask, stated: valuesOfStructure(values, names[index] ?? '') },
          ),
        };
  const { train, validation, test } = folder.parts;
  return { ...folder, parts: { train: train.map(told), validation: validation.map(told), test: test.map(told) } };
}
