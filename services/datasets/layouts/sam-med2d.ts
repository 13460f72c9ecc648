// SAM-Med2D's own layout (https://github.com/OpenGVLab/SAM-Med2D, data_demo; Cheng et al., arXiv:2308.16184): images/, masks/,
// image2label_train.json (image -> its masks) and label2image_test.json (mask -> its image). Their paths begin with the name
// of the data folder. A mask shows one object; its name is IMAGE_CLASS_NNN.png, and an image CASE_SLICE.png.
//
// Training on prompts takes one sample for each mask. Everything else needs one mask for each structure of an image: the
// masks of the class that was asked for, united; without a class all masks of the image, united. An image that has no mask of
// a class is left out, because the lists do not tell "absent" from "not drawn". Slices of one case are never separated.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { partName, type Part } from '../files/part-names';
import type { DataFolder } from '../samples/sample';
import { counted, finding, type Finding } from '../samples/finding';
import { collect, layoutError, type Found } from './collect';
import { fileOf, foldersOf, isImage, stemOf, type FileTree } from '../files/file-tree';
import type { Layout, LayoutRequest } from './layout';

const LIST = /^(image2label|label2image)_(train|val|validation|test)\.json$/;
const listSchema = z.record(z.string(), z.union([z.string(), z.array(z.string())]));

/** Its masks hold 0 and 255, or 0 and 1. */
const DRAWN = { from: 1, to: 255 };

interface Entry {
  image: string;
  mask: string;
  part: Part;
}

/** What a mask shows, by its name: `liver` for amos_0006_90_liver_000.png of amos_0006_90.png. */
export function classOfMask(mask: string, image: string): string {
  const stem = stemOf(mask);
  const prefix = `${stemOf(image)}_`;
  return (stem.startsWith(prefix) ? stem.slice(prefix.length) : stem).replace(/_\d+$/, '');
}

/** The file that a path of the list means: what stands before the data folder is left out. */
function resolver({ files }: FileTree, list: string): (path: string) => string | undefined {
  const known = new Set(files);
  const folder = foldersOf(list);
  return (path) => {
    const parts = path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');
    const candidates = parts.map((_, skipped) => [...folder, ...parts.slice(skipped)].join('/'));
    return candidates.find((candidate) => known.has(candidate));
  };
}

/** A path of a list that is not there; for a missing mask with its image. */
interface Missing {
  path: string;
  image?: string;
}

async function readList(tree: FileTree, list: string, missing: Missing[]): Promise<Entry[]> {
  const [, direction, name] = LIST.exec(fileOf(list)) as unknown as [string, string, string];
  const text = await readFile(join(tree.root, list), 'utf8');
  const parsed = listSchema.safeParse(safeJson(text));
  if (!parsed.success) throw layoutError(`${list} is no list of images and masks as SAM-Med2D writes it.`);
  const find = resolver(tree, list);
  const part = partName(name) as Part;
  return Object.entries(parsed.data).flatMap(([key, value]) =>
    [value].flat().flatMap((other): Entry[] => {
      const [image, mask] = direction === 'image2label' ? [find(key), find(other)] : [find(other), find(key)];
      if (image !== undefined && mask !== undefined) return [{ image, mask, part }];
      const [listedImage, listedMask] = direction === 'image2label' ? [key, other] : [other, key];
      missing.push(image === undefined ? { path: listedImage } : { path: listedMask, image });
      return [];
    }),
  );
}

function safeJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const caseOf = (image: string): string => stemOf(image).replace(/_\d+$/, '');

/** One sample for each mask. */
function promptSamples(tree: FileTree, entries: readonly Entry[], wanted: readonly string[] | undefined): Found[] {
  if ((wanted?.length ?? 0) > 1) {
    throw layoutError('Training on prompts takes each mask for itself: name one structure at most.', 'structures');
  }
  return entries
    .filter(({ image, mask }) => !wanted || wanted.includes(classOfMask(mask, image)))
    .map(({ image, mask, part }) => ({
      path: image,
      suffix: `#${stemOf(mask)}`,
      part,
      group: caseOf(image),
      masks: [{ paths: [join(tree.root, mask)], values: DRAWN, codes: [] }],
    }));
}

/** One sample for each image that has a mask of every structure. */
function imageSamples(
  tree: FileTree,
  entries: readonly Entry[],
  wanted: readonly string[] | undefined,
  notes: string[],
): Found[] {
  const byImage = new Map<string, Entry[]>();
  for (const entry of entries) byImage.set(entry.image, [...(byImage.get(entry.image) ?? []), entry]);
  const found: Found[] = [];
  let without = 0;
  for (const [image, own] of byImage) {
    const masksOf = (name: string): string[] =>
      own.flatMap(({ mask }) => (classOfMask(mask, image) === name ? [join(tree.root, mask)] : []));
    const paths = wanted ? wanted.map(masksOf) : [own.map(({ mask }) => join(tree.root, mask))];
    const { part } = own[0] as Entry;
    if (paths.every((some) => some.length > 0)) {
      found.push({
        path: image,
        part,
        group: caseOf(image),
        masks: paths.map((some) => ({ paths: some, values: DRAWN, codes: [] })),
      });
    } else without += 1;
  }
  if (without > 0) notes.push(`${without} images without a mask of ${wanted?.join(' and ')} are left out`);
  if (found.length === 0) {
    const known = [...new Set(entries.map(({ image, mask }) => classOfMask(mask, image)))].sort();
    throw layoutError(`No image has a mask of ${wanted?.join(' and ')}; masks show ${known.join(', ')}.`, 'structures');
  }
  return found;
}

/** The entries of images of which no mask that is asked for is missing: a union of what is there is another truth. */
function withAllMasks(entries: readonly Entry[], missing: readonly Missing[], wanted?: readonly string[]): Entry[] {
  const incomplete = new Set(
    missing.flatMap(({ path, image }) =>
      image !== undefined && (!wanted || wanted.includes(classOfMask(path, image))) ? [image] : [],
    ),
  );
  return entries.filter(({ image }) => !incomplete.has(image));
}

/** A warning about images beside the listed ones, and masks beside theirs, that no list names. */
function unlisted({ files }: FileTree, entries: readonly Entry[]): Finding[] {
  const listed = new Set(entries.flatMap(({ image, mask }) => [image, mask]));
  const folders = new Set([...listed].map((path) => foldersOf(path).join('/')));
  const left = files.filter((path) => isImage(path) && !listed.has(path) && folders.has(foldersOf(path).join('/')));
  if (left.length === 0) return [];
  const message = `${counted(left.length, 'picture', ' is', ' are')} in no list and not read (${left.slice(0, 3).join(', ')})`;
  return [finding('not-read', 'warning', message, left)];
}

async function read(tree: FileTree, request: LayoutRequest): Promise<DataFolder> {
  const lists = tree.files.filter((path) => LIST.test(fileOf(path)));
  const missing: Missing[] = [];
  const read = await Promise.all(lists.map((list) => readList(tree, list, missing)));
  // A part may be listed both ways round.
  const entries = [...new Map(read.flat().map((entry) => [`${entry.part}\u0000${entry.mask}`, entry])).values()];
  if (entries.length === 0) throw layoutError(`The folder ${tree.root} has no list of SAM-Med2D with files in it.`);
  const notes: string[] = [];
  const found = request.eachMask
    ? promptSamples(tree, entries, request.masks)
    : imageSamples(tree, withAllMasks(entries, missing, request.masks), request.masks, notes);
  const data = await collect(tree, request, { found, groupColumn: 'case', notes });
  for (const { path, image } of new Map(missing.map((each) => [each.path, each])).values()) {
    const problem =
      image === undefined || request.eachMask
        ? 'is listed but not there'
        : `is listed but not there; its image ${image} is left out where this mask is asked for`;
    data.problems.push({ name: path, problem });
  }
  data.findings?.push(...unlisted(tree, entries));
  return data;
}

export const samMed2d: Layout = {
  name: 'sam-med2d',
  title: "SAM-Med2D's lists of masks",
  tasks: ['segmentation'],
  recognises: ({ files }) => files.some((path) => LIST.test(fileOf(path))),
  passesOver: () => true,
  read,
};
