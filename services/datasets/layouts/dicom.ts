// DICOM files in folders, as archives export them: one folder per class, or images/ with masks/ beside it; either of them
// also below train/, val(idation)/ and test/. Below a class or images/ the files may lie in folders of patients and studies,
// with or without the extension .dcm.
//
// A mask is a PNG (or another picture) of its image's path and stem, or a DICOM segmentation of any name that refers to the
// image. A file of several frames gives one sample for each. Patients are told apart by the header's PatientID (else
// StudyInstanceUID), and a split keeps each of them together, unless manifest.csv gives groups.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DicomSegmentation, isDicomFile, type Concatenation } from '../../imaging/dicom';
import { NO_IMAGE } from './data-folder';
import { type Part, partOfFolder } from '../files/part-names';
import type { DataFolder, Problem } from '../samples/sample';
import { counted, finding, type Finding } from '../samples/finding';
import { readManifest } from '../tables/manifest-csv';
import { normal } from '../files/names';
import { MASK_SUFFIX } from './pair-files';
import { collect, layoutError, type Found } from './collect';
import { asideFindings, asidePaths } from './dicom-aside';
import { HEADER_GROUPS, type HeaderGroup } from './dicom-groups';
import { isNamedDicom, MASK_OF_FRAMES, mayBeDicom, withHeaders, type WithHeaders } from './dicom-headers';
import { fileOf, isImage, type FileTree } from '../files/file-tree';
import type { Layout, LayoutRequest } from './layout';

/** A file of the tree with the part that it is of and its path below that part's folder. */
interface Placed {
  path: string;
  part: Part;
  /** Folders and name below the folder of the part. */
  below: string[];
}

const isListed = (path: string): boolean => !NO_IMAGE.test(fileOf(path));

function placeFiles({ files }: FileTree): Placed[] {
  const split = files.some((path) => path.includes('/') && partOfFolder(path.split('/')[0] ?? '') === 'train');
  return files.filter(isListed).flatMap((path): Placed[] => {
    const [first = '', ...rest] = path.split('/');
    if (!split) return [{ path, part: 'train', below: [first, ...rest] }];
    const part = partOfFolder(first);
    return part === undefined ? [] : [{ path, part, below: rest }];
  });
}

/** What pairs an image with its mask: part, path below images/ or masks/, and name without extension. */
function pairKey({ part, below }: Placed): string {
  const path = normal(below.slice(1).join('/'));
  return `${part}/${isImage(path) || isNamedDicom(path) ? path.replace(/\.[^./]+$/, '') : path}`;
}

function classified(tree: FileTree): Found[] {
  const placed = placeFiles(tree).filter(({ below }) => below.length > 1);
  if (placed.some(({ below }) => below[0] === 'images')) {
    throw layoutError(
      `The folder ${tree.root} has an images/, as folders for segmentation do; classification needs one folder per class.`,
    );
  }
  return placed.map(({ path, part, below: [className] }) => ({ path, part, className }));
}

/** The masks of one structure. */
interface Masks {
  folder: string;
  /** Pictures by the key of their image. */
  pictures: Map<string, string>;
  /** DICOM segmentations by the SOP Instance UIDs of the images that they name. */
  segmentations: Map<string, string[]>;
}

async function readMasks(root: string, folder: string, placed: readonly Placed[], problems: Problem[]): Promise<Masks> {
  const masks: Masks = { folder, pictures: new Map(), segmentations: new Map() };
  const parts: ConcatenatedFile[] = [];
  const pictures = new Map<string, Placed[]>();
  for (const one of placed.filter(({ below }) => below.length > 1 && below[0] === folder)) {
    const path = join(root, one.path);
    const bytes = mayBeDicom(one.path) && (await isDicomFile(path)) ? await readFile(path) : undefined;
    if (!bytes || !DicomSegmentation.is(bytes)) {
      const key = pairKey(one).replace(MASK_SUFFIX, '');
      pictures.set(key, [...(pictures.get(key) ?? []), one]);
      continue;
    }
    try {
      const { sources, concatenation } = DicomSegmentation.parse(bytes);
      if (concatenation) parts.push({ path: one.path, ...concatenation });
      for (const uid of sources) {
        masks.segmentations.set(uid, [...(masks.segmentations.get(uid) ?? []), one.path]);
      }
    } catch (error) {
      problems.push({ name: one.path, problem: (error as Error).message, lacks: 'image' });
    }
  }
  for (const [key, rivals] of pictures) choosePicture(masks, key, rivals, problems);
  dropIncomplete(masks, parts, problems);
  return masks;
}

/** Of several masks of one image the one that is named like it; where several or none are, one cannot tell. */
function choosePicture({ pictures }: Masks, key: string, rivals: readonly Placed[], problems: Problem[]): void {
  const named = rivals.filter((one) => pairKey(one) === key);
  const [chosen] = rivals.length === 1 ? rivals : named.length === 1 ? named : [];
  if (chosen) pictures.set(key, chosen.path);
  else {
    const name = rivals.map(({ path }) => path).join(' and ');
    problems.push({ name, problem: 'are masks of one image, and one cannot tell which is meant', lacks: 'image' });
  }
  for (const { path } of chosen ? rivals : []) {
    if (path === chosen?.path) continue;
    problems.push({ name: path, problem: `is not read: ${chosen?.path} is the mask of the same image` });
  }
}

interface ConcatenatedFile extends Concatenation {
  path: string;
}

/** Leaves out segmentations of several files of which some are missing: what those show would be taken for background. */
function dropIncomplete({ segmentations }: Masks, parts: readonly ConcatenatedFile[], problems: Problem[]): void {
  const dropped = new Set<string>();
  for (const { path, uid, total } of parts) {
    const there = parts.filter((one) => one.uid === uid).length;
    if (there >= (total ?? 0)) continue;
    dropped.add(path);
    const problem = `is one of the ${total} files of a segmentation, of which ${there} ${there === 1 ? 'is' : 'are'} there`;
    problems.push({ name: path, problem, lacks: 'image' });
  }
  for (const [uid, paths] of segmentations) {
    const left = paths.filter((path) => !dropped.has(path));
    if (left.length < paths.length) segmentations.set(uid, left);
  }
}

/** The mask of a sample: one picture, or the segmentations that name its image. */
interface Chosen {
  picture: boolean;
  paths: string[];
}

function chooseMask({ pictures, segmentations }: Masks, key: string, sopInstanceUid: string | undefined): Chosen {
  const picture = pictures.get(key) ?? pictures.get(key.replace(MASK_SUFFIX, ''));
  if (picture !== undefined) return { picture: true, paths: [picture] };
  return { picture: false, paths: segmentations.get(sopInstanceUid ?? '') ?? [] };
}

/** Why a sample cannot have its masks, or nothing. */
function maskProblem(found: Found, structures: readonly Masks[], chosen: readonly Chosen[]): string | undefined {
  const missing = structures[chosen.findIndex(({ paths }) => paths.length === 0)];
  if (missing) return `has no mask in ${missing.folder}/`;
  return found.frame !== undefined && chosen.some(({ picture }) => picture) ? MASK_OF_FRAMES : undefined;
}

const SHARED_MASK = 'another image has the same name but for its extension, and one cannot tell which its mask is of';

/** Keys that several images have. */
function sharedKeys(found: readonly Found[], keys: ReadonlyMap<string, string>): Set<string> {
  const seen = new Set<string>();
  const paths = [...new Set(found.map(({ path }) => path))];
  return new Set(
    paths.flatMap((path) => {
      const key = keys.get(path) ?? '';
      if (seen.has(key)) return [key];
      seen.add(key);
      return [];
    }),
  );
}

/** Of each picture the files of its masks, structure by structure, in place of blank ones; or the problem that it has none. */
function pairMasks(
  root: string,
  read: WithHeaders,
  structures: readonly Masks[],
  keys: ReadonlyMap<string, string>,
): WithHeaders & { used: Set<string> } {
  const used = new Set<string>();
  const shared = sharedKeys(read.found, keys);
  const found: Found[] = [];
  const without: { one: Found; problem: string }[] = [];
  for (const one of read.found) {
    const chosen = structures.map((structure, at) =>
      chooseMask(structure, keys.get(one.path) ?? '', one.masks?.[at]?.segmentationOf?.sopInstanceUid),
    );
    for (const path of chosen.flatMap(({ paths }) => paths)) used.add(path);
    const claimed = shared.has(keys.get(one.path) ?? '') && chosen.some(({ picture }) => picture);
    const problem = maskProblem(one, structures, chosen) ?? (claimed ? SHARED_MASK : undefined);
    if (problem !== undefined) without.push({ one, problem });
    else {
      const files = (at: number): string[] => (chosen[at]?.paths ?? []).map((path) => join(root, path));
      found.push({ ...one, ...(one.masks && { masks: one.masks.map((mask, at) => ({ ...mask, paths: files(at) })) }) });
    }
  }
  // Of a slide one level has a mask, or the largest should have.
  const drawn = new Set(found.flatMap(({ path }) => read.slides.get(path)?.slide ?? []));
  const problems = without.flatMap(({ one: { path, suffix = '' }, problem }): Problem[] => {
    const level = read.slides.get(path);
    if (level && (level.reduced || drawn.has(level.slide))) {
      read.aside.levels.push(path);
      return [];
    }
    const lacking = problem !== MASK_OF_FRAMES && problem !== SHARED_MASK;
    return [{ name: `${path}${suffix}`, problem, ...(lacking ? { lacks: 'mask' } : {}) }];
  });
  return { ...read, found, problems: [...read.problems, ...problems], used };
}

async function segmented(
  tree: FileTree,
  { masks = ['masks'] }: LayoutRequest,
  by: HeaderGroup | undefined,
): Promise<WithHeaders> {
  const placed = placeFiles(tree);
  const images = placed.filter(({ below }) => below.length > 1 && below[0] === 'images');
  if (images.length === 0) throw layoutError(`The folder ${tree.root} has no images/ (with ${masks[0]}/ beside it).`);
  const keys = new Map(images.map((image) => [image.path, pairKey(image)]));
  const problems: Problem[] = [];
  const structures: Masks[] = [];
  for (const folder of masks) structures.push(await readMasks(tree.root, folder, placed, problems));
  // One empty source for each structure, which gets its picture from the header and its files below.
  const blank = images.map(({ path, part }): Found => ({ path, part, masks: masks.map(() => ({ paths: [] })) }));
  const read = await withHeaders(tree.root, blank, mayBeDicom, by);
  const paired = pairMasks(tree.root, read, structures, keys);
  for (const { folder, pictures } of structures) {
    // The mask of what is left out lacks no image.
    const aside = new Set(asidePaths(read.aside).map((path) => pictures.get(keys.get(path) ?? '')));
    for (const path of pictures.values()) {
      if (!paired.used.has(path) && !aside.has(path))
        problems.push({ name: path, problem: `has no image in images/ beside ${folder}/`, lacks: 'image' });
    }
  }
  return { ...paired, problems: [...paired.problems, ...problems] };
}

/** A warning about pictures whose masks are several files: those of several lesions, or of several readers. */
function manySegmentations(found: readonly Found[]): Finding[] {
  const many = found.filter(({ masks }) => masks?.some(({ paths }) => paths.length > 1));
  const [first] = many;
  if (!first) return [];
  const names = first.masks?.flatMap(({ paths }) => (paths.length > 1 ? paths.map(fileOf) : [])) ?? [];
  const message =
    `${counted(many.length, 'picture', ' has', ' have')} several segmentations, whose foreground is united ` +
    `(${names.slice(0, 3).join(', ')} of ${first.path})`;
  return [finding('note', 'warning', message, [...new Set(many.map(({ path }) => path))])];
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const { groupColumn: asked } = request;
  const by = HEADER_GROUPS.find((name) => name === asked);
  const manifest = by === undefined ? await readManifest(tree.root, asked) : undefined;
  const listed =
    request.task === 'segmentation'
      ? await segmented(tree, request, by)
      : await withHeaders(tree.root, classified(tree), mayBeDicom, by);
  const { found, problems, groupColumn, notes } = listed;
  const aside = [...asideFindings(listed.aside), ...manySegmentations(found)];
  const data = manifest?.groups
    ? await collect(tree, request, { found: found.map((one) => ({ ...one, group: undefined })), findings: aside })
    : await collect(tree, request, {
        found,
        groupColumn,
        notes,
        // A table that gives no groups leaves the patients of the headers.
        findings: [...aside, ...listed.findings, ...(groupColumn === undefined ? [] : (manifest?.findings() ?? []))],
      });
  return { ...data, problems: [...problems, ...data.problems] };
}

export const dicom: Layout = {
  name: 'dicom',
  title: 'folders of DICOM files, by class or with masks',
  tasks: ['segmentation', 'classification'],
  recognises: ({ files }) => files.some(isNamedDicom),
  readsHeaders: true,
  hasMasks: (tree) => Promise.resolve(placeFiles(tree).some(({ below }) => below.length > 1 && below[0] === 'images')),
  read,
};
