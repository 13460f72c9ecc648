// Data folders as people keep them: images/ + masks/, or one folder per class; either of them also below train/,
// val(idation)/ and test/. Reading lists and pairs the files; nothing is decoded here.

import { isAbsolute, join, parse } from 'node:path';
import { shortList } from '../../common/bounded-text';
import { automedError } from '../../common/errors';
import type { DataFolder } from '../samples/sample';
import { finding, type Finding } from '../samples/finding';
import { listFolder } from '../files/file-tree';
import { readManifest, type GroupTable } from '../tables/manifest-csv';
import { normal } from '../files/names';
import { partOfFolder, type Part } from '../files/part-names';
import { labelOf, partsAsClasses, spelledClasses } from './class-names';
import { pairFiles, type MaskFolder } from './pair-files';

export interface ReadOptions {
  /** Folder of the masks beside images/, or an absolute path; default `masks`. */
  masksDir?: string | undefined;
  /** Segmentation of several structures: the folders of the others. */
  furtherMasksDirs?: readonly string[] | undefined;
  groupColumn?: string | undefined;
}

/** Files that data sets carry along; everything else is taken for an image and must be one. */
export const NO_IMAGE =
  /^\.|\.(csv|tsv|json|txt|md|xml|ini|db|html?|pdf|xlsx?|zip)$|^(SOURCE|LICENSE|README)|^DICOMDIR$/i;

interface Folder {
  part: Part;
  /** Folder name of the part, or empty for the data folder itself. */
  prefix: string;
  path: string;
}

async function list(path: string): Promise<{ files: string[]; folders: string[] }> {
  const { files, folders } = await listFolder(path);
  return {
    files: files.filter((name) => !NO_IMAGE.test(name)),
    folders: folders.filter((name) => !NO_IMAGE.test(name)),
  };
}

/** The split folders below `root`, or `root` itself when it has no train/. */
async function partFolders(root: string): Promise<Folder[]> {
  const { folders } = await list(root);
  const split = folders.flatMap((name): Folder[] => {
    const part = partOfFolder(name);
    return part === undefined ? [] : [{ part, prefix: name, path: join(root, name) }];
  });
  if (split.some(({ part }) => part === 'train')) return split;
  if (split.length === 0 || split.length < folders.length) return [{ part: 'train', prefix: '', path: root }];
  const names = split.map(({ prefix }) => `${prefix}/`).join(' and ');
  throw automedError('INVALID_ARGUMENT', `The folder ${root} has ${names}, but no train/ to learn from.`, {
    field: 'data',
  });
}

/** Whether the folder says of its samples which part they are of. */
const areParts = (folders: readonly Folder[]): boolean => folders.some(({ prefix }) => prefix !== '');

/** A data folder to be filled. */
export function emptyFolder(groups?: Pick<GroupTable, 'column'>): DataFolder {
  return {
    parts: { train: [], validation: [], test: [] },
    classes: [],
    problems: [],
    notes: [],
    findings: [],
    groupColumn: groups?.column,
  };
}

async function listMasks(folder: Folder, masksDir: string): Promise<MaskFolder> {
  const path = isAbsolute(masksDir) ? masksDir : join(folder.path, masksDir);
  return { path, label: join(folder.prefix, masksDir), files: (await list(path)).files };
}

/**
 * Reads images/ + masks/, paired by file name without extension (a mask may end in _mask, _segmentation, ...). An image
 * needs a mask of every structure.
 */
export async function readSegmentationFolder(root: string, options: ReadOptions = {}): Promise<DataFolder> {
  const manifest = await readManifest(root, options.groupColumn);
  const groups = manifest?.groups;
  const data = emptyFolder(groups);
  const masksDir = options.masksDir ?? 'masks';
  const parts = await partFolders(root);
  for (const folder of parts) {
    const { part, prefix, path } = folder;
    const { folders } = await list(path);
    if (!folders.includes('images')) {
      // Two and more folders of whatever name are how classification has its classes.
      const classes =
        folders.length > 1 ? ` Its folders ${shortList(folders)} look like classes, for classification.` : '';
      throw automedError(
        'INVALID_ARGUMENT',
        `The folder ${path} has no images/ (with ${masksDir}/ beside it).${classes}`,
        {
          field: 'data',
        },
      );
    }
    const imageFiles = (await list(join(path, 'images'))).files;
    const structures: MaskFolder[] = [];
    for (const name of [masksDir, ...(options.furtherMasksDirs ?? [])]) structures.push(await listMasks(folder, name));
    const { pairs, problems } = pairFiles(imageFiles, structures, join(prefix, 'images'));
    data.problems.push(...problems);
    // Of images without a mask too, so that their rows are not said to reach no picture.
    const groupOf = (image: string): string | undefined =>
      groups?.groupOf(normal(parse(image).name), { part: prefix || undefined, path: join(prefix, 'images', image) });
    const groupsOfImages = new Map(imageFiles.map((image) => [image, groupOf(image)]));
    for (const { image, masks } of pairs) {
      const group = groupsOfImages.get(image);
      data.parts[part].push({
        name: join(prefix, 'images', image),
        imagePath: join(path, 'images', image),
        masks: masks.map((mask, index) => ({ paths: [join((structures[index] as MaskFolder).path, mask)] })),
        ...(group === undefined ? {} : { group }),
      });
    }
  }
  data.findings?.push(...emptyParts(parts, data), ...(manifest?.findings(areParts(parts)) ?? []));
  return data;
}

/** True for a folder with images/ in its training part: the masks are beside it. */
export async function isForSegmentation(root: string): Promise<boolean> {
  const [training] = (await partFolders(root)).filter(({ part }) => part === 'train');
  return training !== undefined && (await list(training.path)).folders.includes('images');
}

/** Warnings for parts in which nothing was found. */
function emptyParts(folders: readonly Folder[], { parts, problems }: DataFolder): Finding[] {
  const holds = ({ part, prefix }: Folder): boolean =>
    parts[part].some(({ name }) => name.startsWith(join(prefix, '/'))) ||
    problems.some(({ name }) => name.startsWith(join(prefix, '/')));
  return folders
    .filter((folder) => folder.prefix !== '' && !holds(folder))
    .map(({ prefix }) => finding('not-read', 'warning', `the folder ${prefix}/ has no picture where one is read`));
}

/** Reads one folder per class. The classes are those of the training part. */
export async function readClassificationFolder(root: string, options: ReadOptions = {}): Promise<DataFolder> {
  const manifest = await readManifest(root, options.groupColumn);
  const groups = manifest?.groups;
  const data = emptyFolder(groups);
  const folders = await partFolders(root);
  const training = folders.find(({ part }) => part === 'train') as Folder;
  data.classes = (await list(training.path)).folders;
  if (data.classes.includes('images')) {
    throw automedError(
      'INVALID_ARGUMENT',
      `The folder ${training.path} has an images/, as folders for segmentation do; classification needs one folder per class.`,
      { field: 'data' },
    );
  }
  if (data.classes.length < 2) {
    throw automedError('INVALID_ARGUMENT', `The folder ${training.path} needs one folder per class, at least two.`, {
      field: 'data',
    });
  }
  const named = new Set<string>();
  for (const { part, prefix, path } of folders) {
    for (const className of (await list(path)).folders) {
      named.add(
        part === 'train' ? className : (data.classes.find((one) => normal(one) === normal(className)) ?? className),
      );
      const label = labelOf(className, data.classes);
      const { files } = await list(join(path, className));
      for (const file of files) {
        const name = join(prefix, className, file);
        if (label < 0) {
          data.problems.push({ name, problem: `its class ${className} is not among the training classes` });
          continue;
        }
        const place = { part: prefix || undefined, className, path: name, classes: data.classes };
        const group = groups?.groupOf(parse(file).name, place);
        data.parts[part].push({
          name,
          imagePath: join(path, className, file),
          label,
          ...(group === undefined ? {} : { group }),
        });
      }
    }
  }
  data.findings?.push(...emptyParts(folders, data));
  if (!areParts(folders)) data.findings?.push(...partsAsClasses(data.classes));
  data.findings?.push(...spelledClasses(named), ...(manifest?.findings(areParts(folders)) ?? []));
  return data;
}
