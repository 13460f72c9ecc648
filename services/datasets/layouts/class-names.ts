// Classes whose names are spelled in several ways.

import { finding, type Finding } from '../samples/finding';
import { normal, quoted, spelledTwice } from '../files/names';
import { partOfFolder } from '../files/part-names';

/** The index of a class, whatever the normal form of its name; -1 where there is none. */
export function labelOf(className: string, classes: readonly string[]): number {
  const exact = classes.indexOf(className);
  return exact >= 0 ? exact : classes.findIndex((name) => normal(name) === normal(className));
}

/** An error for each set of classes that differ only in case, blanks or normal form, or as numbers in leading zeros. */
export function spelledClasses(names: Iterable<string>): Finding[] {
  return spelledTwice(names).map((same) =>
    finding(
      'class-spelling',
      'error',
      `the classes ${quoted(same)} differ only in how they are spelled: name them alike`,
    ),
  );
}

/** Errors for folders that are named like parts and would be classes, as there is no train/ beside them. */
export function partsAsClasses(classes: readonly string[]): Finding[] {
  return classes
    .filter((name) => partOfFolder(name) !== undefined)
    .map((name) =>
      finding('part-as-class', 'error', `the folder ${name}/ counts as a class, as there is no train/ beside it`, [
        name,
      ]),
    );
}
