// Reads a data folder in whatever layout it has. Listing only: nothing is decoded here.

import { stat } from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import { automedError } from '../../common/errors';
import type { Task } from '../../store';
import type { DataFolder } from './data-folder';
import { csv, LAYOUTS, plain, recognise } from './layouts';
import { listTree, type FileTree } from './layouts/file-tree';
import type { CsvColumns, Layout } from './layouts/layout';

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
}

/** What `structure` says when nobody named what the masks show. */
export const UNNAMED_STRUCTURE = 'foreground';

function layoutNamed(name: string): Layout {
  const layout = LAYOUTS.find((one) => one.name === name);
  if (layout) return layout;
  throw automedError('INVALID_ARGUMENT', `There is no layout "${name}"; known are ${LAYOUT_NAMES.join(', ')}.`, {
    field: 'layout',
  });
}

/** The layout of a source, with its files. */
async function open({ data, layout, task }: DataSource): Promise<{ layout: Layout; tree: FileTree }> {
  const found = await stat(data).catch((cause: unknown) => {
    throw automedError('NOT_FOUND', `The data folder ${data} cannot be read.`, { field: 'data', cause });
  });
  if (found.isFile()) {
    if (!/\.csv$/i.test(data) || (layout ?? csv.name) !== csv.name) {
      throw automedError('INVALID_ARGUMENT', `${data} is neither a folder nor a CSV file.`, { field: 'data' });
    }
    return { layout: csv, tree: { root: dirname(data), files: [basename(data)] } };
  }
  // The plain layout lists what it needs itself.
  const tree = layout === plain.name ? { root: data, files: [] } : await listTree(data);
  const chosen = layout === undefined ? recognise(tree) : layoutNamed(layout);
  if (chosen.tasks.includes(task)) return { layout: chosen, tree };
  throw automedError('WRONG_TASK', `The layout ${chosen.name} (${chosen.title}) has nothing for ${task}.`, {
    field: layout === undefined ? 'data' : 'layout',
  });
}

/** What a folder is for when nobody says it: segmentation where it has masks, else classification. */
export async function taskOf(source: Omit<DataSource, 'task'>): Promise<Task> {
  const lists = async (task: Task): Promise<boolean> => {
    const found = await readData({ ...source, task }).catch(() => undefined);
    return found !== undefined && found.parts.train.length > 0;
  };
  return (await lists('segmentation')) ? 'segmentation' : 'classification';
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
export async function readData(source: DataSource): Promise<DataFolder & { layout: string }> {
  const { layout, tree } = await open(source);
  const { task, structures, masksDir, groupColumn, columns, eachMask = false } = source;
  const masks = structures?.map((structure) => structure.masks) ?? (masksDir === undefined ? undefined : [masksDir]);
  const folder = await layout.read(tree, { task, masks, groupColumn, columns, eachMask });
  return { ...folder, layout: layout.name };
}
