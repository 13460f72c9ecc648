// What makes a score meaningless, found in facts that are gathered while samples are decoded: files that cannot be read, the
// same picture on both sides of a split, answers that contradict each other, groups on both sides.

import { createHash } from 'node:crypto';
import { PARTS, type Part } from '../datasets/files/part-names';
import type { DataFolder, Problem, Sample } from '../datasets/samples/sample';
import { counted, finding, type Finding } from '../datasets/samples/finding';
import { instancesTwice } from './instances';
import { alikePairs, lookOf, type Look } from './likeness';
import type { DecodedSample } from '../datasets/load/load-samples';
import { maskFactsOf, type MaskFacts } from './mask-facts';
import { ambiguousMasks, maskValueFindings, type NamedFacts } from './mask-findings';
import type { ModelInput } from './input-axes';
import { pictureHash } from '../datasets/files/picture-hash';
import { rangeFindings, ruleFindings, valueRangeOf, type ValueRange, type ValueRule } from './value-range';

/** A class with this many times fewer training images than the largest is named. */
const IMBALANCE = 10;
/** Above this share of files that cannot be used the set is refused. */
const UNUSABLE_SHARE = 0.2;
/** Copies of a picture that a message names of each part; black pictures may be thousands. */
const NAMED_COPIES = 10;
/** Above this share of samples without a group the groups protect nothing. */
const MOST_LOOSE = 0.5;

/** What is kept of a sample once its pixels are gone. */
export interface Seen {
  part: Part;
  sample: Sample;
  /** Of the picture as a model takes it: equal for the same one in another file format or encoding without loss. */
  pixelHash: string;
  side: number;
  /** Foreground share, of all structures together. */
  foreground: number | undefined;
  /** Class, or hash of the mask. */
  answer: string;
  /** Of pictures that are not too plain to be told from others. */
  look?: Look | undefined;
  /** Of pictures with more than 8 bits. */
  range?: ValueRange;
  /** Segmentation only. */
  maskFacts?: MaskFacts;
}

type Told = Pick<DataFolder, 'classes' | 'notes' | 'findings' | 'groupColumn' | 'intensity'>;

/** Everything that is to be said about the samples that were seen and the files that could not be used. */
export function findingsOf(
  seen: readonly Seen[],
  { classes, notes, findings = [], groupColumn, intensity }: Told,
  unusable: readonly Problem[],
): Finding[] {
  return [
    ...findings,
    ...notes.map((note) => finding('note', 'warning', note, [])),
    ...unusable
      .filter(({ ambiguous }) => ambiguous !== true)
      .map(({ name, problem }) => finding('unusable', 'warning', `${name}: ${problem}`, [name])),
    ...ambiguousMasks(unusable),
    ...manyUnusable(unusable, seen.length),
    ...duplicates(seen),
    ...alikeAcrossParts(seen),
    ...instancesTwice(seen),
    ...tornGroups(seen),
    ...looseSamples(seen, groupColumn),
    ...maskFindings(seen),
    ...nothingToLearn(seen),
    ...maskValueFindings(masksOf(seen)),
    ...classFindings(seen, classes),
    ...rangeFindings(rangesOf(seen), intensity),
  ];
}

const masksOf = (seen: readonly Seen[]): NamedFacts[] =>
  seen.flatMap(({ sample, maskFacts }) => (maskFacts ? [{ name: sample.name, facts: maskFacts }] : []));
const rangesOf = (seen: readonly Seen[]) => seen.map(({ sample, range }) => ({ name: sample.name, range }));

/**
 * What is to be said of samples that a model is measured on, of one part: nothing of learning or of a split, which are not
 * theirs, and nothing of single files, which are named when they are left out.
 * @param folder with all its samples, of which some were seen
 * @param problems of those
 * @param rule what their values mean to the model
 */
export function measuredFindings(
  seen: readonly Seen[],
  folder: DataFolder,
  problems: readonly Problem[],
  rule: ValueRule,
): Finding[] {
  const { parts, findings = [], groupColumn } = folder;
  const all = parts.train.length + parts.validation.length + parts.test.length;
  return [
    ...findings,
    ...folder.notes.map((note) => finding('note', 'warning', note, [])),
    ...ambiguousMasks(problems),
    // Who minds asks for it (strict): the scores are of what is left, and say of how many images.
    ...manyUnusable([...folder.problems, ...problems], all - problems.length).map((one): Finding => ({
      ...one,
      severity: 'warning',
    })),
    ...duplicates(seen),
    ...instancesTwice(seen),
    ...looseSamples(seen, groupColumn),
    ...maskFindings(seen),
    ...maskValueFindings(masksOf(seen)),
    ...rangeFindings(rangesOf(seen), rule.used),
    ...ruleFindings(rule),
  ];
}

/** Samples that are lost: an image without a mask and a mask that is none of its are one, not two. */
function lost(unusable: readonly Problem[]): number {
  const lacking = (what: Problem['lacks']): number => unusable.filter(({ lacks }) => lacks === what).length;
  return lacking(undefined) + Math.max(lacking('mask'), lacking('image'));
}

function manyUnusable(unusable: readonly Problem[], usable: number): Finding[] {
  const bad = lost(unusable);
  const files = bad + usable;
  if (bad <= UNUSABLE_SHARE * files) return [];
  const names = unusable.map(({ name }) => name);
  return [finding('many-unusable', 'error', `${bad} of ${files} files cannot be used`, names)];
}

/** Samples that a split may separate from others of their patient, where groups are to prevent it. */
function looseSamples(seen: readonly Seen[], groupColumn: string | undefined): Finding[] {
  const groups = new Set(seen.flatMap(({ sample }) => sample.group ?? []));
  const loose = seen.filter(({ sample }) => sample.group === undefined);
  if (loose.length === 0 || (groupColumn === undefined && groups.size === 0)) return [];
  const message =
    `${loose.length} of ${counted(seen.length, 'sample', ' has', ' have')} no group` +
    `${groupColumn === undefined ? '' : ` (${groupColumn})`}: a split may separate them from others of their kind`;
  const severity = loose.length > MOST_LOOSE * seen.length ? 'error' : 'warning';
  return [finding('group-missing', severity, message, namesOf(loose))];
}

/**
 * The facts of a decoded sample.
 * @param input of the model that it is for; absent: 256 x 256 pixels
 */
export function factsOf(part: Part, decoded: DecodedSample, input?: ModelInput): Seen {
  const { sample, pixels, masks } = decoded;
  const foreground = masks && shareOf(masks);
  const answer = masks ? createHash('sha256').update(masks).digest('hex') : String(sample.label);
  const side = Math.max(pixels.width, pixels.height);
  const maskFacts = masks && maskFactsOf(decoded, input);
  const pixelHash = pictureHash(pixels);
  const range = valueRangeOf(pixels);
  const facts = { part, sample, pixelHash, look: lookOf(pixels), side, foreground, answer };
  return { ...facts, ...(range ? { range } : {}), ...(maskFacts ? { maskFacts } : {}) };
}

function shareOf(masks: Uint8Array): number {
  let foreground = 0;
  for (const value of masks) foreground += value;
  return foreground / masks.length;
}

function groupBy<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name === undefined) continue;
    const group = groups.get(name);
    if (group) group.push(item);
    else groups.set(name, [item]);
  }
  return groups;
}

const namesOf = (seen: readonly Seen[]): string[] => seen.map(({ sample }) => sample.name);

/** Names of copies of one picture, some of each part. */
function someOf(copies: readonly Seen[]): string {
  const shown = PARTS.flatMap((part) => copies.filter((copy) => copy.part === part).slice(0, NAMED_COPIES));
  const more = copies.length - shown.length;
  return `${namesOf(shown).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function duplicates(seen: readonly Seen[]): Finding[] {
  return [...groupBy(seen, ({ pixelHash }) => pixelHash).values()].flatMap((copies): Finding[] => {
    // Samples of one file, one for each of its masks, are no copies.
    if (new Set(copies.map(({ sample }) => sample.imagePath)).size < 2) return [];
    const names = namesOf(copies);
    const list = someOf(copies);
    const parts = new Set(copies.map(({ part }) => part));
    const found =
      parts.size > 1
        ? finding(
            'duplicate-across-parts',
            'error',
            `the same picture is in ${[...parts].join(' and ')}: ${list}`,
            names,
          )
        : finding('duplicate', 'warning', `the same picture more than once: ${list}`, names);
    if (new Set(copies.map(({ answer }) => answer)).size === 1) return [found];
    return [found, finding('contradiction', 'error', `the same picture with different answers: ${list}`, [...names])];
  });
}

/**
 * A warning about pictures of two parts that look the same: copies that are not found by their pixels. Those of one group are
 * split across parts, which is said of groups.
 */
function alikeAcrossParts(seen: readonly Seen[]): Finding[] {
  const pairs = alikePairs(seen, (one, other) => {
    const { group } = one.sample;
    return (
      one.part !== other.part &&
      one.pixelHash !== other.pixelHash &&
      (group === undefined || group !== other.sample.group)
    );
  });
  if (pairs.length === 0) return [];
  const told = pairs.slice(0, NAMED_COPIES).map(([one, other]) => {
    const [first, second] = PARTS.indexOf(one.part) < PARTS.indexOf(other.part) ? [one, other] : [other, one];
    return `${first.sample.name} (${first.part}) and ${second.sample.name} (${second.part})`;
  });
  const more = pairs.length > told.length ? `; and ${pairs.length - told.length} more` : '';
  const message =
    `${counted(pairs.length, 'pair')} of pictures in two parts ${pairs.length === 1 ? 'looks' : 'look'} the same and ` +
    `differ in their pixels: copies with loss or of another size, or neighbours in a series: ${told.join('; ')}${more}`;
  const names = [...new Set(pairs.flat().map(({ sample }) => sample.name))].sort();
  return [finding('alike-across-parts', 'warning', message, names)];
}

function tornGroups(seen: readonly Seen[]): Finding[] {
  return [...groupBy(seen, ({ sample }) => sample.group)].flatMap(([group, members]): Finding[] => {
    const parts = [...new Set(members.map(({ part }) => part))];
    if (parts.length < 2) return [];
    const message = `the group ${group} is in ${parts.join(' and ')} (${members.length} images)`;
    return [finding('group-across-parts', 'error', message, namesOf(members))];
  });
}

function maskFindings(seen: readonly Seen[]): Finding[] {
  const masks = seen.filter(({ foreground }) => foreground !== undefined);
  const named = (kind: 'empty-mask' | 'full-mask', share: number, what: string): Finding[] => {
    const names = namesOf(masks.filter(({ foreground }) => foreground === share));
    if (names.length === 0) return [];
    const message = `${names.length} of ${masks.length} masks show ${what}`;
    return [finding(kind, 'warning', message, names)];
  };
  return [...named('empty-mask', 0, 'nothing'), ...named('full-mask', 1, 'nothing but foreground')];
}

function nothingToLearn(seen: readonly Seen[]): Finding[] {
  const training = seen.filter(({ part, foreground }) => part === 'train' && foreground !== undefined);
  const all = (share: number): boolean =>
    training.length > 0 && training.every(({ foreground }) => foreground === share);
  return [
    ...(all(0) ? [finding('nothing-to-learn', 'error', 'every training mask is empty', [])] : []),
    ...(all(1) ? [finding('nothing-to-learn', 'error', 'every training mask is foreground all over', [])] : []),
  ];
}

function classFindings(seen: readonly Seen[], classes: readonly string[]): Finding[] {
  const counts = countClasses(
    seen.filter(({ part }) => part === 'train'),
    classes,
  );
  const largest = Math.max(0, ...counts);
  const training = classes.flatMap((name, index): Finding[] => {
    const count = counts[index] ?? 0;
    if (count === 0) return [finding('nothing-to-learn', 'error', `the class ${name} has no training image`, [])];
    if (count * IMBALANCE > largest) return [];
    return [
      finding('imbalance', 'warning', `the class ${name} has ${count} training images, the largest ${largest}`, []),
    ];
  });
  return [...training, ...missingClasses(seen, classes)];
}

/** Classes of which a part that is measured shows nothing. */
function missingClasses(seen: readonly Seen[], classes: readonly string[]): Finding[] {
  return (['validation', 'test'] as const).flatMap((part): Finding[] => {
    const own = seen.filter((each) => each.part === part);
    if (own.length === 0) return [];
    const counts = countClasses(own, classes);
    const missing = classes.filter((_, index) => counts[index] === 0);
    if (missing.length === 0) return [];
    const message = `the ${part} part has no image of ${missing.join(', ')}: no score of it is known`;
    return [finding('class-missing', 'warning', message)];
  });
}

/** Samples of each class, in the order of the classes. */
export function countClasses(seen: readonly Seen[], classes: readonly string[]): number[] {
  const counts = classes.map(() => 0);
  for (const { sample } of seen) {
    if (sample.label !== undefined) counts[sample.label] = (counts[sample.label] ?? 0) + 1;
  }
  return counts;
}
