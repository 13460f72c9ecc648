// What a reader of a published layout is: it knows the names under which the data set's authors published it.

import type { Task } from '../../store';
import type { DataFolder } from '../samples/sample';
import type { FileTree } from '../files/file-tree';

/** Columns of a CSV file, by the name that they have there; absent: a usual one. */
export interface CsvColumns {
  image?: string | undefined;
  mask?: string | undefined;
  label?: string | undefined;
  part?: string | undefined;
  group?: string | undefined;
}

export interface LayoutRequest {
  task: Task;
  /** What masks to read, by the layout's own names (folders of the plain layout); absent: all that it has. */
  masks?: readonly string[] | undefined;
  /** Column whose values a split never separates; absent: the layout's own, where it has one. */
  groupColumn?: string | undefined;
  columns?: CsvColumns | undefined;
  /** One sample for each mask instead of one for each image: what training on prompts wants. */
  eachMask: boolean;
}

export interface Layout {
  /** As `--layout` names it. */
  readonly name: string;
  /** The data set, for people. */
  readonly title: string;
  readonly tasks: readonly Task[];
  /** Names of what its masks show, in their order; absent where the folder decides. */
  readonly structures?: readonly string[];
  /** True when the files are named as this layout names them. */
  recognises(tree: FileTree): boolean;
  /** Pictures that it knows and may leave out; of others that are not read the check says how many they are. */
  passesOver?(path: string): boolean;
  /** Whether its names tell that the folder is for segmentation; absent: told by whether samples have masks. */
  hasMasks?(tree: FileTree, columns?: CsvColumns): Promise<boolean>;
  /** It reads the headers of DICOM files, and keeps their patients together. */
  readonly readsHeaders?: boolean;
  /** @throws InvalidInputError (field `data`, `layout` or `structures`) when the folder is not of this layout */
  read(tree: FileTree, request: LayoutRequest): Promise<DataFolder>;
}
