// Which mask is of which image, by the names of their files. A pair that is not certain is left out and named.

import { join, parse } from 'node:path';
import { normal } from '../files/names';

/** How the stem of a mask may end where that of its image does not. */
export const MASK_SUFFIX = /([_-](mask|segmentation|seg|gt|label))$/i;

/** The masks of one structure in one part. */
export interface MaskFolder {
  path: string;
  /** Its path below the data folder. */
  label: string;
  /** Names of its files. */
  files: readonly string[];
}

export interface FilePair {
  image: string;
  /** Of each structure, in their order. */
  masks: string[];
}

export interface PairProblem {
  name: string;
  problem: string;
  /** What the file has no partner for. */
  lacks?: 'mask' | 'image';
}

export interface Pairing {
  pairs: FilePair[];
  problems: PairProblem[];
}

const stemOf = (file: string): string => normal(parse(file).name);
const trimmed = (stem: string): string => stem.replace(MASK_SUFFIX, '');

function groupBy(files: readonly string[], keyOf: (file: string) => string): Map<string, string[]> {
  const groups = new Map<string, string[]>();
  for (const file of files) {
    const key = keyOf(file);
    const group = groups.get(key);
    if (group) group.push(file);
    else groups.set(key, [file]);
  }
  return groups;
}

/**
 * Pairs files by their names without extension; that of a mask may end in _mask, _segmentation and the like. Where several
 * files share a name, images and masks whose whole names are equal belong together, and the others are left out.
 * @param label path of the images' folder below the data folder
 */
export function pairFiles(images: readonly string[], structures: readonly MaskFolder[], label: string): Pairing {
  const stems = new Set(images.map(stemOf));
  const masks = structures.map(({ files }) =>
    groupBy(files, (file) => (stems.has(stemOf(file)) ? stemOf(file) : trimmed(stemOf(file)))),
  );
  const keyIn = (own: Map<string, string[]>, stem: string): string => (own.has(stem) ? stem : trimmed(stem));
  const keyOf = (image: string): string => {
    const stem = stemOf(image);
    return masks.some((own) => own.has(stem)) || !masks.some((own) => own.has(trimmed(stem))) ? stem : trimmed(stem);
  };
  const result: Pairing = { pairs: [], problems: [] };
  for (const same of groupBy(images, keyOf).values()) {
    const stem = stemOf(same[0] as string);
    const candidates = masks.map((own) => own.get(keyIn(own, stem)) ?? []);
    for (const own of masks) own.delete(keyIn(own, stem));
    pairOne(same, candidates, { structures, label, result });
  }
  for (const [index, own] of masks.entries()) {
    for (const mask of [...own.values()].flat()) {
      const name = join((structures[index] as MaskFolder).label, mask);
      result.problems.push({ name, problem: 'has no image in images/', lacks: 'image' });
    }
  }
  const at = new Map(images.map((image, index) => [image, index]));
  result.pairs.sort((a, b) => (at.get(a.image) ?? 0) - (at.get(b.image) ?? 0));
  return result;
}

/** Pairs images of one name with the masks of that name. */
function pairOne(
  images: readonly string[],
  candidates: readonly (readonly string[])[],
  { structures, label, result }: { structures: readonly MaskFolder[]; label: string; result: Pairing },
): void {
  const missing = structures[candidates.findIndex((own) => own.length === 0)];
  if (missing) {
    for (const image of images) {
      const problem = `has no mask in ${missing.label}/`;
      result.problems.push({ name: join(label, image), problem, lacks: 'mask' });
    }
    return;
  }
  const equal = (own: readonly string[], image: string): string | undefined =>
    own.find((mask) => normal(mask) === normal(image));
  const chosen =
    images.length === 1 ? images : images.filter((image) => equal(candidates[0] ?? [], image) !== undefined);
  const pairs = chosen.flatMap((image): FilePair[] => {
    const own = candidates.map((masks) => (masks.length === 1 && chosen.length === 1 ? masks[0] : equal(masks, image)));
    return own.includes(undefined) ? [] : [{ image, masks: own as string[] }];
  });
  result.pairs.push(...pairs);
  const paired = pairs.map(({ image, masks }) => `${masks.join(' and ')} of ${image}`).join(', ');
  const left = [
    ...images.filter((image) => !pairs.some((pair) => pair.image === image)).map((image) => join(label, image)),
    ...candidates.flatMap((masks, index) =>
      masks
        .filter((mask) => !pairs.some((pair) => pair.masks[index] === mask))
        .map((mask) => join((structures[index] as MaskFolder).label, mask)),
    ),
  ];
  if (left.length === 0) return;
  const stem = stemOf(images[0] as string);
  const problem =
    pairs.length > 0
      ? `there is a second file named ${stem}, and by their whole names the mask is ${paired}`
      : `several files are named ${stem}, and one cannot tell which mask is of which image`;
  result.problems.push({ name: left.join(' and '), problem });
}
