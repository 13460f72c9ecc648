// What a check of data found, as the command line prints it.

import type { DataReport, PartSummary } from '../checks/check-data';
import type { Finding } from '../datasets/samples/finding';
import { PARTS } from '../datasets/files/part-names';
import { table } from './table';

/** Findings printed one by one; --json has all. */
const SHOWN_FINDINGS = 20;

/** The input of the model that the data were checked for. */
interface CheckedInput {
  name: string;
  side: number;
  fit: string;
}

export function reportLines(report: DataReport, input: CheckedInput | undefined): string[] {
  const { parts, classes, groupColumn, ungrouped, fingerprint, masks, findings } = report;
  const of = ungrouped === 0 ? '' : `, which ${ungrouped} ${ungrouped === 1 ? 'sample does' : 'samples do'} not have`;
  const rows = PARTS.filter((part) => parts[part].images > 0).map((part) => {
    const { images, perClass, side, foreground } = parts[part];
    const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
    return [
      part,
      String(images),
      side ? `${side.min} to ${side.max} px` : '-',
      foreground ? `${percent(foreground.min)}, ${percent(foreground.median)}, ${percent(foreground.max)}` : '-',
      classes.map((name, index) => `${name} ${perClass[index] ?? 0}`).join(', ') || '-',
    ];
  });
  const shown = [...findings].sort(bySeverity).slice(0, SHOWN_FINDINGS);
  const more = findings.length - shown.length;
  return [
    table(['PART', 'IMAGES', 'LONGER SIDE', 'FOREGROUND (MIN, MEDIAN, MAX)', 'CLASSES'], rows),
    `groups: ${groupColumn === undefined ? 'none' : `column ${groupColumn}${of}`}; fingerprint ${fingerprint}`,
    ...(masks === undefined ? [] : [`masks: ${masks}`]),
    ...(input === undefined ? [] : [`input: ${input.side} px, ${input.fit}, of ${input.name}`]),
    ...shown.map(({ severity, message }) => `${severity}: ${message}`),
    ...(more > 0 ? [`and ${more} more findings; --json lists all`] : []),
    ...(findings.length === 0 ? ['no findings'] : []),
  ];
}

function bySeverity(one: Finding, other: Finding): number {
  return one.severity === other.severity ? 0 : one.severity === 'error' ? -1 : 1;
}

function partJson({ images, perClass, side, foreground }: PartSummary, classes: readonly string[]): object {
  return {
    images,
    per_class: Object.fromEntries(classes.map((name, index) => [name, perClass[index] ?? 0])),
    side_px: side ?? null,
    foreground: foreground ?? null,
  };
}

export function inputJson(input: CheckedInput | undefined): object | null {
  return input ? { of: input.name, side_px: input.side, fit: input.fit } : null;
}

export function reportJson(report: DataReport): object {
  const { parts, classes, groupColumn, ungrouped, fingerprint, masks, findings } = report;
  return {
    parts: Object.fromEntries(PARTS.map((part) => [part, partJson(parts[part], classes)])),
    group_column: groupColumn ?? null,
    samples_without_group: ungrouped,
    fingerprint,
    masks: masks ?? null,
    findings,
  };
}
