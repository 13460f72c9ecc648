// Data folders as people keep them: images/ + masks/, or one folder per class; either of them also below train/,
// val(idation)/ and test/. Reading lists and pairs the files; nothing is decoded here.

import { isAbsolute, join, parse } from 'node:path';
import { automedError } from '../../common/errors';
import type { SourceFrame } from '../../imaging/dicom';
import { labelOf, spelledClasses } from './class-names';
import type { Finding } from './finding';
import { listFolder } from './layouts/file-tree';
import { readManifest, type GroupTable } from './manifest-csv';
import { normal } from './names';
import { partOfFolder, type Part } from './part-names';

export type { Part } from './part-names';

/** Where the mask of one structure is, and how its pixels are read. */
export interface MaskSource {
  /** Files whose foreground is united; usually one. */
  paths: string[];
  /** Grey values that are foreground, both included, on the 0-255 scale; absent: above 127, of DICOM all but 0. */
  values?: { from: number; to: number };
  /** The files are of another size than the image by design, and are brought to its size (nearest). */
  resize?: boolean;
  /** The picture that DICOM segmentations among the files are to be read for. */
  segmentationOf?: SourceFrame;
}

export interface Sample {
  /** Path below the data folder, without extension: unique, and the same on every machine. */
  name: string;
  imagePath: string;
  /** Of a DICOM file of several frames, from 0. */
  frame?: number;
  /** Segmentation only: of each structure, in their order. */
  masks?: MaskSource[];
  /** Classification only: index into the folder's classes. */
  label?: number;
  /** What must not be split: patient, sequence, source. */
  group?: string;
}

export interface Problem {
  name: string;
  problem: string;
  /** What the file has no partner for: an image that lacks its mask and a mask that cannot be used may be one pair. */
  lacks?: 'mask' | 'image';
}

export interface DataFolder {
  /** Sorted by name. `validation` and `test` are empty where the folder does not separate them. */
  parts: Record<Part, Sample[]>;
  /** Classification only, sorted. */
  classes: string[];
  /** Files without partner and the like. */
  problems: Problem[];
  /** What a person must know about how the folder was read. */
  notes: string[];
  /** What the reader found wrong with the folder as a whole. */
  findings?: Finding[];
  groupColumn: string | undefined;
}

export interface ReadOptions {
  /** Folder of the masks beside images/, or an absolute path; default `masks`. */
  masksDir?: string | undefined;
  /** Segmentation of several structures: the folders of the others. */
  furtherMasksDirs?: readonly string[] | undefined;
  groupColumn?: string | undefined;
}

/** Files that data sets carry along; everything else is taken for an image and must be one. */
export const NO_IMAGE = /^\.|\.(csv|tsv|json|txt|md|xml|ini|db|html?|pdf|xlsx?|zip)$|^(SOURCE|LICENSE|README)/i;
/** How the stem of a mask may end where that of its image does not. */
export const MASK_SUFFIX = /([_-](mask|segmentation|seg|gt|label))$/i;

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

/** One file per stem; a stem that occurs twice is a problem, and its first file is taken. */
function byStem(files: string[], prefix: string, problems: Problem[], trim = false): Map<string, string> {
  const found = new Map<string, string>();
  for (const file of files) {
    const name = normal(parse(file).name);
    const stem = trim ? name.replace(MASK_SUFFIX, '') : name;
    if (found.has(stem)) problems.push({ name: join(prefix, file), problem: `there is a second file named ${stem}` });
    else found.set(stem, file);
  }
  return found;
}

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

/** The masks of one structure in one part. */
interface MaskFolder {
  path: string;
  label: string;
  byStem: Map<string, string>;
}

async function readMasks(folder: Folder, masksDir: string, problems: Problem[]): Promise<MaskFolder> {
  const path = isAbsolute(masksDir) ? masksDir : join(folder.path, masksDir);
  const label = join(folder.prefix, masksDir);
  return { path, label, byStem: byStem((await list(path)).files, label, problems, true) };
}

/** Takes the mask of an image out of its folder. */
function takeMask({ path, byStem: masks }: MaskFolder, stem: string): string | undefined {
  const key = masks.has(stem) ? stem : stem.replace(MASK_SUFFIX, '');
  const file = masks.get(key);
  masks.delete(key);
  return file === undefined ? undefined : join(path, file);
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
  for (const folder of await partFolders(root)) {
    const { part, prefix, path } = folder;
    const { folders } = await list(path);
    if (!folders.includes('images')) {
      throw automedError('INVALID_ARGUMENT', `The folder ${path} has no images/ (with ${masksDir}/ beside it).`, {
        field: 'data',
      });
    }
    const images = byStem((await list(join(path, 'images'))).files, join(prefix, 'images'), data.problems);
    const structures: MaskFolder[] = [];
    for (const name of [masksDir, ...(options.furtherMasksDirs ?? [])]) {
      structures.push(await readMasks(folder, name, data.problems));
    }
    for (const [stem, image] of images) {
      const masks = structures.map((structure) => takeMask(structure, stem));
      const name = join(prefix, 'images', image);
      const group = groups?.groupOf(stem, { part: prefix || undefined, path: name });
      const missing = structures[masks.indexOf(undefined)];
      if (missing) {
        data.problems.push({ name, problem: `has no mask in ${missing.label}/`, lacks: 'mask' });
        continue;
      }
      data.parts[part].push({
        name,
        imagePath: join(path, 'images', image),
        masks: (masks as string[]).map((mask) => ({ paths: [mask] })),
        ...(group === undefined ? {} : { group }),
      });
    }
    for (const { label, byStem: left } of structures) {
      for (const mask of left.values()) {
        data.problems.push({ name: join(label, mask), problem: 'has no image in images/', lacks: 'image' });
      }
    }
  }
  data.findings?.push(...(manifest?.findings() ?? []));
  return data;
}

/** True for a folder with images/ in its training part: the masks are beside it. */
export async function isForSegmentation(root: string): Promise<boolean> {
  const [training] = (await partFolders(root)).filter(({ part }) => part === 'train');
  return training !== undefined && (await list(training.path)).folders.includes('images');
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
  data.findings?.push(...spelledClasses(named), ...(manifest?.findings() ?? []));
  return data;
}
