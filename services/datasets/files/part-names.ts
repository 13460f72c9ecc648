// Names under which data sets keep their parts, as folders and in tables.

export type Part = 'train' | 'validation' | 'test';
export const PARTS: readonly Part[] = ['train', 'validation', 'test'];

const PART_NAMES: ReadonlyMap<string, Part> = new Map([
  ['train', 'train'],
  ['training', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['dev', 'validation'],
  ['development', 'validation'],
  ['test', 'test'],
  ['testing', 'test'],
  ['tests', 'test'],
]);

const keyOf = (name: string): string =>
  name
    .trim()
    .toLowerCase()
    .replace(/[ _-]?(set|data)$/, '');

/** One name for each part, however it is spelled; other names in lower case. */
export function partName(name: string | undefined): string | undefined {
  const lower = name?.trim().toLowerCase() ?? '';
  return PART_NAMES.get(keyOf(lower)) ?? (lower || undefined);
}

/** The part that a folder holds by its name. */
export function partOfFolder(name: string): Part | undefined {
  return PART_NAMES.get(keyOf(name));
}
