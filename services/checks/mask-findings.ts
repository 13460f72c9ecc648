// What is said of the masks of a data set together.

import type { Problem } from '../datasets/samples/sample';
import { counted, finding, type Finding } from '../datasets/samples/finding';
import type { MaskFacts } from './mask-facts';
import { UNUSABLE_MASK } from '../datasets/masks/understand-mask';

/** Above this share of masks the background is foreground by mistake. */
const MOST = 0.5;
/** Where no more of the other masks than this share reach the border, one that is foreground all around is no drawing of the same kind. */
const REACH = 0.1;
/** Files and reasons named in a message. */
const NAMED = 5;
/** Values named in how masks were read. */
const NAMED_VALUES = 12;
/** Of a palette often "not to be counted". */
const VOID = 'index 255';

export interface NamedFacts {
  name: string;
  facts: MaskFacts;
}

const byNumber = (a: string, b: string): number => a.localeCompare(b, 'en', { numeric: true });
const few = (names: readonly string[]): string =>
  [...names].sort().slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');

function addTo(names: Map<string, string[]>, key: string, name: string): void {
  const known = names.get(key);
  if (known) known.push(name);
  else names.set(key, [name]);
}

/** One error for all masks whose values are not certain. */
export function ambiguousMasks(problems: readonly Problem[]): Finding[] {
  const found = problems.filter(({ ambiguous }) => ambiguous === true);
  if (found.length === 0) return [];
  const reasons = new Map<string, string[]>();
  for (const { name, problem } of found) {
    const reason = problem.startsWith(UNUSABLE_MASK) ? problem.slice(UNUSABLE_MASK.length) : problem;
    addTo(reasons, reason, name);
  }
  const told = [...reasons]
    .sort(([a], [b]) => byNumber(a, b))
    .slice(0, NAMED)
    .map(([problem, names]) => `${problem} (${few(names)})`);
  const more = reasons.size > NAMED ? `; and ${reasons.size - NAMED} more reasons` : '';
  const message = `it is not certain what ${counted(found.length, 'mask', ' shows', ' show')}: ${told.join('; ')}${more}`;
  const names = found.map(({ name }) => name);
  return [finding('mask-values', 'error', message, names)];
}

/** Of one structure the masks with each value, of one kind of file. */
function byValue(masks: readonly NamedFacts[], structure: number, of: 'grey' | 'palette'): Map<string, string[]> {
  const found = new Map<string, string[]>();
  for (const { name, facts } of masks) {
    for (const { kind, foreground, structure: own } of facts.understood) {
      if (kind !== of || own !== structure) continue;
      for (const value of foreground) addTo(found, value, name);
    }
  }
  return found;
}

/** Values that may be another class, or a border, where they are the only ones of a file: files of a data set that disagree. */
function mixedValues(masks: readonly NamedFacts[]): Finding[] {
  const files = masks.flatMap(({ facts }) => facts.understood);
  const structures = [...new Set(files.map(({ structure }) => structure))];
  return structures.flatMap((structure): Finding[] => {
    const unusual = files.some((file) => file.structure === structure && file.unusual !== undefined);
    const grey = byValue(masks, structure, 'grey');
    const palette = byValue(masks, structure, 'palette');
    const mixed = [
      ...(unusual && grey.size > 1 ? [grey] : []),
      ...(palette.has(VOID) && palette.size > 1 ? [palette] : []),
    ];
    return mixed.map((values) => {
      const sorted = [...values].sort(([a], [b]) => byNumber(a, b));
      const told = sorted.slice(0, NAMED_VALUES).map(([value, names]) => `${value} in ${names.length} (${few(names)})`);
      const more = sorted.length - told.length;
      const list = `${told.join('; ')}${more > 0 ? `; and ${more} more values` : ''}`;
      const message = `the foreground of masks differs: ${list}; state which values are foreground (--mask-values)`;
      return finding('mask-values', 'error', message, [...new Set([...values.values()].flat())]);
    });
  });
}

/** Of some structure masks that hold several values, and none of them one that was stated. */
function missedValues(masks: readonly NamedFacts[]): Finding[] {
  const files = masks.flatMap(({ name, facts }) => facts.understood.map((file) => ({ ...file, name })));
  const structures = [...new Set(files.map(({ structure }) => structure))];
  return structures.flatMap((structure): Finding[] => {
    const own = files.filter((file) => file.structure === structure && file.kind === 'stated');
    const missed = own.filter((file) => file.missed === true).map(({ name }) => name);
    if (missed.length === 0 || own.some(({ foreground }) => foreground.length > 0)) return [];
    const message = `${counted(missed.length, 'mask', ' holds', ' hold')} values, and not one of them any that is stated as foreground (--mask-values): ${few(missed)}`;
    return [finding('mask-values', 'error', message, missed)];
  });
}

/** An error where one of several structures is on no mask: the values of it are other ones than was thought. */
function emptyStructures(masks: readonly NamedFacts[]): Finding[] {
  const [first, ...more] = masks.map(({ facts }) => facts.empty);
  const empty = (first ?? []).filter((structure) => more.every((own) => own.includes(structure)));
  const shown = masks.some(({ facts }) => facts.understood.some(({ structure }) => !empty.includes(structure)));
  if (!shown) return [];
  return empty.map((structure) =>
    finding('nothing-to-learn', 'error', `every mask of structure ${structure + 1} is empty, and others are not`),
  );
}

/** A warning about files that show nothing beside others of the same structure. */
function emptyFiles(masks: readonly NamedFacts[]): Finding[] {
  const some = masks.filter(({ facts: { understood } }) =>
    understood.some(
      ({ foreground, structure, kind }) =>
        foreground.length === 0 &&
        kind !== 'segmentation' &&
        understood.some((other) => other.structure === structure && other.foreground.length > 0),
    ),
  );
  if (some.length === 0) return [];
  const names = some.map(({ name }) => name);
  const message = `of ${counted(some.length, 'image')} one of several mask files shows nothing: ${few(names)}`;
  return [finding('empty-mask', 'warning', message, names)];
}

/** Warnings about what is lost at the size of the model's input: whole masks, and lesions beside others that are left. */
function lostAtInput(masks: readonly NamedFacts[]): Finding[] {
  const found: Finding[] = [];
  const namesOf = (some: readonly NamedFacts[]): string[] => some.map(({ name }) => name).sort();
  const gone = namesOf(masks.filter(({ facts }) => facts.vanishes));
  if (gone.length > 0) {
    const message =
      `${gone.length} of ${counted(masks.length, 'mask', ' shows', ' show')} something that is lost at the size of the ` +
      `model's input, so that it can neither be learnt nor found: ${few(gone)}`;
    found.push(finding('vanishing-mask', 'warning', message, gone));
  }
  const some = masks.filter(({ facts }) => facts.lostLesions > 0);
  if (some.length > 0) {
    const lost = some.reduce((sum, { facts }) => sum + facts.lostLesions, 0);
    const names = namesOf(some);
    const message =
      `in ${some.length} of ${counted(masks.length, 'mask')} ${counted(lost, 'lesion', ' is', ' are')} lost at the size of ` +
      `the model's input, beside others that are left: ${few(names)}`;
    found.push(finding('vanishing-lesion', 'warning', message, names));
  }
  return found;
}

export function maskValueFindings(masks: readonly NamedFacts[]): Finding[] {
  const names = (keep: (facts: MaskFacts) => boolean): string[] =>
    masks.flatMap(({ name, facts }) => (keep(facts) ? [name] : [])).sort();
  const found = [...mixedValues(masks), ...missedValues(masks)];
  const around = names(({ surrounds }) => surrounds);
  if (around.length > 0) {
    const stated = masks.some(({ facts }) => facts.understood.some(({ kind }) => kind === 'stated'));
    const others = masks.filter(({ facts }) => !facts.surrounds);
    const reach = others.filter(({ facts }) => facts.reachesBorder).length;
    const mistaken = around.length > MOST * masks.length || reach <= REACH * others.length;
    const severity = !stated && mistaken ? 'error' : 'warning';
    const message = `in ${around.length} of ${counted(masks.length, 'mask')} the border of the picture is foreground: ${few(around)}`;
    found.push(finding('background-foreground', severity, message, around));
  }
  found.push(...emptyStructures(masks), ...emptyFiles(masks), ...lostAtInput(masks));
  const turned = names((facts) => facts.turned);
  if (turned.length > 0) {
    const message =
      `EXIF turns ${counted(turned.length, 'image')} or mask, the other of the pair is not turned alike and fits both ways: ` +
      `one cannot tell whether the mask is of the turned or of the stored picture, and it is taken to be of the turned ` +
      `one; store both upright: ${few(turned)}`;
    found.push(finding('mask-orientation', 'error', message, turned));
  }
  return found;
}

/** How masks were read, e.g. `palette, foreground = index 1, index 2 (12 masks)`; empty where nothing is to be said. */
export function maskReading(masks: readonly MaskFacts[]): string {
  const kinds = new Map<string, { files: number; foreground: Set<string> }>();
  for (const { kind, foreground } of masks.flatMap(({ understood }) => understood)) {
    const known = kinds.get(kind) ?? { files: 0, foreground: new Set<string>() };
    known.files += 1;
    for (const value of foreground) known.foreground.add(value);
    kinds.set(kind, known);
  }
  return [...kinds]
    .map(([kind, { files, foreground }]) => {
      const values = [...foreground].sort(byNumber);
      const more = values.length - NAMED_VALUES;
      const list = `${values.slice(0, NAMED_VALUES).join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
      return `${kind}, foreground = ${list || 'nothing'} (${counted(files, 'mask')})`;
    })
    .join('; ');
}
