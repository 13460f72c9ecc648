// Looks at every image and mask of a data folder, as training would use it, for what makes a score meaningless: files that
// cannot be read, the same picture on both sides of a split, labels that contradict each other, groups torn apart.

import { createHash } from 'node:crypto';
import type { Pixels } from '../../imaging/pixels';
import type { DataFolder, Part, Sample } from './data-folder';
import { decodeInOrder, type DecodedSample } from './load-samples';
import { fingerprintOf, PARTS } from './prepare-data';

/** A class with this many times fewer training images than the largest is named. */
const IMBALANCE = 10;

export type FindingKind =
  | 'unusable'
  | 'duplicate'
  | 'duplicate-across-parts'
  | 'contradiction'
  | 'group-across-parts'
  | 'empty-mask'
  | 'full-mask'
  | 'nothing-to-learn'
  | 'imbalance';

/** An error makes a score wrong or a run fail; a warning is worth a look. */
export interface Finding {
  kind: FindingKind;
  severity: 'error' | 'warning';
  message: string;
  /** Files that it concerns, sorted. */
  names: string[];
}

interface Range {
  min: number;
  median: number;
  max: number;
}

export interface PartSummary {
  images: number;
  /** Per class, in the order of the classes; empty for segmentation. */
  perClass: number[];
  /** Longer side, pixels; absent without images. */
  side?: Range;
  /** Foreground share of each mask, 0 to 1; absent for classification. */
  foreground?: Range;
}

export interface DataReport {
  parts: Record<Part, PartSummary>;
  classes: string[];
  groupColumn: string | undefined;
  /** The same that training records of the same folder, split and files. */
  fingerprint: string;
  findings: Finding[];
}

interface Seen {
  part: Part;
  sample: Sample;
  /** Of the decoded pixels: equal for the same picture in another file format without loss. */
  pixelHash: string;
  side: number;
  /** Foreground share. */
  foreground: number | undefined;
  /** Class, or hash of the mask. */
  answer: string;
}

export interface CheckOptions {
  signal?: AbortSignal;
  /** Called after each image. */
  onProgress?: (done: number, total: number) => void;
}

/** Opens every pair, a few at a time and in order; memory holds one line per image. */
export async function checkData(folder: DataFolder, options: CheckOptions = {}): Promise<DataReport> {
  const total = PARTS.reduce((sum, part) => sum + folder.parts[part].length, 0);
  const lines = folder.classes.map((name, index) => `class ${index} ${name}`);
  const unusable = [...folder.problems];
  const seen: Seen[] = [];
  let done = 0;
  for (const part of PARTS) {
    for await (const result of decodeInOrder(folder.parts[part])) {
      options.signal?.throwIfAborted();
      options.onProgress?.((done += 1), total);
      if ('problem' in result) unusable.push({ name: result.sample.name, problem: result.problem });
      else {
        seen.push(factsOf(part, result));
        lines.push(`${part} ${result.sample.name} ${result.digest}`);
      }
    }
  }
  const findings = [
    ...unusable.map(({ name, problem }): Finding => finding('unusable', 'error', `${name}: ${problem}`, [name])),
    ...duplicates(seen),
    ...tornGroups(seen),
    ...maskFindings(seen),
    ...classFindings(seen, folder.classes),
  ];
  const summary = (part: Part): PartSummary =>
    summaryOf(
      seen.filter((each) => each.part === part),
      folder.classes,
    );
  return {
    parts: { train: summary('train'), validation: summary('validation'), test: summary('test') },
    classes: folder.classes,
    groupColumn: folder.groupColumn,
    fingerprint: fingerprintOf(lines),
    findings,
  };
}

function finding(kind: FindingKind, severity: Finding['severity'], message: string, names: string[]): Finding {
  return { kind, severity, message, names: names.sort() };
}

function hashOf({ width, height, channels, sampleType, data }: Pixels): string {
  return createHash('sha256').update(`${width} ${height} ${channels} ${sampleType} `).update(data).digest('hex');
}

function factsOf(part: Part, { sample, pixels, masks }: DecodedSample): Seen {
  const foreground = masks && masks.reduce((sum, value) => sum + value, 0) / masks.length;
  const answer = masks ? createHash('sha256').update(masks).digest('hex') : String(sample.label);
  const side = Math.max(pixels.width, pixels.height);
  return { part, sample, pixelHash: hashOf(pixels), side, foreground, answer };
}

function groupBy<T>(items: readonly T[], key: (item: T) => string | undefined): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = key(item);
    if (name !== undefined) groups.set(name, [...(groups.get(name) ?? []), item]);
  }
  return groups;
}

const namesOf = (seen: readonly Seen[]): string[] => seen.map(({ sample }) => sample.name);

function duplicates(seen: readonly Seen[]): Finding[] {
  return [...groupBy(seen, ({ pixelHash }) => pixelHash).values()].flatMap((copies): Finding[] => {
    if (copies.length < 2) return [];
    const names = namesOf(copies);
    const list = names.join(', ');
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
  const training = masks.filter(({ part }) => part === 'train');
  const hopeless = training.length > 0 && training.every(({ foreground }) => foreground === 0);
  return [
    ...named('empty-mask', 0, 'nothing'),
    ...named('full-mask', 1, 'nothing but foreground'),
    ...(hopeless ? [finding('nothing-to-learn', 'error', 'every training mask is empty', [])] : []),
  ];
}

function classFindings(seen: readonly Seen[], classes: readonly string[]): Finding[] {
  const counts = countClasses(
    seen.filter(({ part }) => part === 'train'),
    classes,
  );
  const largest = Math.max(0, ...counts);
  return classes.flatMap((name, index): Finding[] => {
    const count = counts[index] ?? 0;
    if (count === 0) return [finding('nothing-to-learn', 'error', `the class ${name} has no training image`, [])];
    if (count * IMBALANCE > largest) return [];
    return [
      finding('imbalance', 'warning', `the class ${name} has ${count} training images, the largest ${largest}`, []),
    ];
  });
}

function countClasses(seen: readonly Seen[], classes: readonly string[]): number[] {
  return classes.map((_, label) => seen.filter(({ sample }) => sample.label === label).length);
}

function rangeOf(values: readonly number[]): Range | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.floor(share * (sorted.length - 1))] ?? 0;
  return sorted.length === 0 ? undefined : { min: at(0), median: at(0.5), max: at(1) };
}

function summaryOf(seen: readonly Seen[], classes: readonly string[]): PartSummary {
  const side = rangeOf(seen.map((each) => each.side));
  const foreground = rangeOf(seen.flatMap((each) => each.foreground ?? []));
  return {
    images: seen.length,
    perClass: countClasses(seen, classes),
    ...(side ? { side } : {}),
    ...(foreground ? { foreground } : {}),
  };
}
