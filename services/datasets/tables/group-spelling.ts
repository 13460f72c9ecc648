// One patient under several spellings: a split must not tell them apart.

import type { Part } from '../files/part-names';
import type { DataFolder, Sample } from '../samples/sample';
import { counted, finding, type Finding } from '../samples/finding';
import { foldedValue, quoted, spelledTwice } from '../files/names';

/** Groups that are named one by one. */
const NAMED = 3;

const spelling = (message: string): Finding => finding('group-spelling', 'warning', message);

/**
 * Samples whose groups differ only in case, blanks, normal form or zeros before a number are put into one group, under its
 * first spelling: that two patients are kept together harms no score, that one is on both sides does.
 */
export function uniteGroups(parts: Readonly<Record<Part, Sample[]>>): {
  parts: DataFolder['parts'];
  findings: Finding[];
} {
  const groups = new Set(
    Object.values(parts)
      .flat()
      .flatMap(({ group }) => group ?? []),
  );
  const twice = spelledTwice(groups);
  const first = new Map(twice.map(([name = '']) => [foldedValue(name), name]));
  const united = (sample: Sample): Sample => {
    const name = sample.group === undefined ? undefined : first.get(foldedValue(sample.group));
    return name === undefined ? sample : { ...sample, group: name };
  };
  const findings = twice
    .slice(0, NAMED)
    .map((same) => spelling(`the groups ${quoted(same)} may be the same one, and are kept together`));
  const more = twice.length - findings.length;
  if (more > 0)
    findings.push(spelling(`${counted(more, 'more group', ' is', ' are')} spelled in several ways and kept together`));
  const { train, validation, test } = parts;
  return { parts: { train: train.map(united), validation: validation.map(united), test: test.map(united) }, findings };
}
