// Finds the row of a manifest that a picture has: by its name, in any normal form and case, with or without extension; and
// where rows name folders, classes or parts, only a row that names the picture's own.

import { parse } from 'node:path';
import { automedError } from '../../common/errors';
import { groupIn } from './csv-text';
import { folded, foldedValue, normal } from '../files/names';
import { partName, partOfFolder } from '../files/part-names';

/** Where a picture is. */
export interface Place {
  /** Name of its part, however spelled. */
  part?: string | undefined;
  className?: string | undefined;
  /** Path below the data folder. */
  path?: string | undefined;
  /** All classes of the data set, where it has classes. */
  classes?: readonly string[] | undefined;
}

export interface RowColumns {
  name: string;
  group: string;
  part: string | undefined;
  /** Holds the class under its folder's name. */
  className: string | undefined;
  /** May hold it: a value that is no class says nothing. */
  label: string | undefined;
}

/** What a row says about one file; absent where the manifest does not tell. */
interface Row {
  /** As the manifest has it. */
  cell: string;
  file: string;
  /** In folded spelling, outermost first. */
  folders: string[];
  part: string | undefined;
  className: string | undefined;
  label: string | undefined;
  group: string | undefined;
  used: boolean;
}

/** Folders that say nothing about a picture. */
const STRUCTURAL = /^images?$/;

const splitPath = (path: string): string[] => path.split(/[\\/]+/).filter((part) => part !== '' && part !== '.');

const foldersOf = (path: string): string[] => splitPath(path).slice(0, -1).map(folded);

/** True when one list ends with the other. */
function endsAlike(one: readonly string[], other: readonly string[]): boolean {
  const length = Math.min(one.length, other.length);
  return length > 0 && one.slice(-length).join('/') === other.slice(-length).join('/');
}

const agree = (told: string | undefined, asked: string | undefined): boolean =>
  told === undefined || asked === undefined || told === asked;

const orNothing = (value: string | undefined): string | undefined => (value === '' ? undefined : value);

const foldedOrNothing = (value: string | undefined): string | undefined => {
  const told = orNothing(value);
  return told === undefined ? undefined : folded(told);
};

export class ManifestRows {
  private readonly rows: Row[];
  private readonly byKey = new Map<string, Row[]>();
  private asked = 0;
  private met = 0;

  constructor(rows: readonly ReadonlyMap<string, string>[], columns: RowColumns) {
    this.rows = rows.flatMap((row): Row[] => {
      const cell = row.get(columns.name) ?? '';
      const file = splitPath(cell).at(-1);
      if (file === undefined) return [];
      const value = (column: string | undefined): string | undefined => column && row.get(column);
      return [
        {
          cell,
          file: normal(file),
          folders: foldersOf(cell),
          part: partName(value(columns.part)),
          className: foldedOrNothing(value(columns.className)),
          label: foldedOrNothing(value(columns.label)),
          group: groupIn(value(columns.group)),
          used: false,
        },
      ];
    });
    for (const row of this.rows) {
      const { name } = parse(row.file);
      for (const key of new Set([`file ${row.file}`, `stem ${name}`, `stem ${row.file}`, `fold ${folded(name)}`])) {
        this.index(key, row);
      }
      if (folded(name) !== folded(row.file)) this.index(`fold ${folded(row.file)}`, row);
    }
  }

  private index(key: string, row: Row): void {
    const rows = this.byKey.get(key);
    if (rows) rows.push(row);
    else this.byKey.set(key, [row]);
  }

  /**
   * The group of a picture; nothing where no row is its own, or its row gives none.
   * @throws InvalidInputError (field `data`) when rows of different groups fit and nothing tells which is meant
   */
  groupOf(stem: string, place: Place): string | undefined {
    this.asked += 1;
    const file = normal(place.path === undefined ? stem : (splitPath(place.path).at(-1) ?? stem));
    const keys = [`file ${file}`, `stem ${normal(stem)}`, `fold ${folded(stem)}`];
    for (const key of keys) {
      const rows = this.fitting(this.byKey.get(key) ?? [], place);
      if (rows.length === 0) continue;
      const named = rows.flatMap(({ group }) => group ?? []);
      const contradict = new Set(named.map(foldedValue)).size > 1;
      if (contradict && rows.every(({ folders }) => folders.length > 0)) continue;
      if (contradict) throw ambiguous(stem, [...new Set(named)]);
      for (const row of rows) row.used = true;
      this.met += 1;
      return named[0];
    }
    return undefined;
  }

  /** The rows that may be a picture's own: those of its folder, else those that name no other one. */
  private fitting(rows: readonly Row[], { part, className, path, classes = [] }: Place): Row[] {
    const known = new Set(classes.map(folded));
    const ownClass = className === undefined ? undefined : folded(className);
    const ownFolders = path === undefined ? [] : foldersOf(path);
    const agreeing = rows.filter((row) => {
      const label = row.label !== undefined && known.has(row.label) ? row.label : undefined;
      const fromFolders = row.folders.findLast((folder) => known.has(folder));
      // A number for a class, or a name that no folder has, says nothing, either.
      const coded = known.size > 0 && row.className !== undefined && !known.has(row.className);
      const told = (coded ? undefined : row.className) ?? label ?? fromFolders;
      const toldPart = row.part ?? row.folders.flatMap((folder) => partOfFolder(folder) ?? []).at(-1);
      return agree(toldPart, partName(part)) && agree(told, ownClass);
    });
    const near = agreeing.filter(({ folders }) => endsAlike(folders, ownFolders));
    if (near.length > 0) return near;
    const telling = ownFolders.filter(
      (folder) => !STRUCTURAL.test(folder) && partOfFolder(folder) === undefined && folder !== ownClass,
    );
    return agreeing.filter(({ folders }) => folders.length === 0 || telling.length === 0);
  }

  /** Pictures asked for and met by a row, and rows that no picture met. */
  count(): { asked: number; met: number; total: number; unused: string[] } {
    const unused = this.rows.filter(({ used }) => !used).map(({ cell }) => cell);
    return { asked: this.asked, met: this.met, total: this.rows.length, unused };
  }
}

function ambiguous(stem: string, groups: readonly string[]): Error {
  const names = [...groups].sort();
  return automedError(
    'INVALID_ARGUMENT',
    `manifest.csv gives ${stem} the groups ${names.join(' and ')}, and the folder does not tell which is meant.`,
    { field: 'data' },
  );
}
