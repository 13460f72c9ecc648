// What is said of the masks of a data set together.

import type { Finding } from '../finding';
import type { Problem } from '../data-folder';
import type { DecodedSample } from '../load-samples';
import type { Understood } from './understand-mask';

/** Longer side of a model's input, pixels, where no base says another. */
export const DEFAULT_INPUT_SIDE = 256;
/** Share of an image's border that is foreground when the background was taken for it. */
const BORDER = 0.95;
/** Above this share of masks the background is foreground by mistake. */
const MOST = 0.5;
/** Files named in a message. */
const NAMED = 5;

export interface MaskFacts {
  understood: readonly Pick<Understood, 'kind' | 'foreground' | 'unusual'>[];
  /** Foreground surrounds and fills every structure's mask. */
  surrounds: boolean;
  /** Some structure shows something, and nothing at the size of the model's input. */
  vanishes: boolean;
}

export function maskFactsOf({ pixels, masks, understood = [] }: DecodedSample, side = DEFAULT_INPUT_SIDE): MaskFacts {
  const { width, height } = pixels;
  const size = width * height;
  const each = Array.from({ length: (masks?.length ?? 0) / size }, (_, at) =>
    (masks as Uint8Array).subarray(at * size, (at + 1) * size),
  );
  return {
    understood: understood.map(({ mask: _, ...facts }) => facts),
    surrounds: each.length > 0 && each.every((mask) => surrounds(mask, width, height)),
    vanishes: each.some((mask) => mask.includes(1) && vanishes(mask, width, height, side)),
  };
}

function surrounds(mask: Uint8Array, width: number, height: number): boolean {
  let [all, drawn, inside] = [0, 0, 0];
  for (let at = 0; at < mask.length; at += 1) {
    inside += mask[at] as number;
    const [x, y] = [at % width, Math.floor(at / width)];
    if (x > 0 && y > 0 && x < width - 1 && y < height - 1) continue;
    all += 1;
    drawn += mask[at] as number;
  }
  return drawn >= BORDER * all && inside * 2 > mask.length && inside < mask.length;
}

/** As prepare_mask of the native pipeline samples where both sides become `side`: the pixel under the centre of each pixel of the input. */
function vanishes(mask: Uint8Array, width: number, height: number, side: number): boolean {
  if (width <= side && height <= side) return false;
  const [columns, rows] = [side, side];
  for (let y = 0; y < rows; y += 1) {
    const row = Math.floor(((2 * y + 1) * height) / (2 * rows)) * width;
    for (let x = 0; x < columns; x += 1) {
      if (mask[row + Math.floor(((2 * x + 1) * width) / (2 * columns))] === 1) return false;
    }
  }
  return true;
}

interface NamedFacts {
  name: string;
  facts: MaskFacts;
}

const few = (names: readonly string[]): string =>
  names.slice(0, NAMED).join(', ') + (names.length > NAMED ? ` and ${names.length - NAMED} more` : '');

/** One error for all masks whose values are not certain. */
export function ambiguousMasks(problems: readonly Problem[]): Finding[] {
  const found = problems.filter(({ ambiguous }) => ambiguous === true);
  if (found.length === 0) return [];
  const named = found.slice(0, NAMED).map(({ name, problem }) => `${name}: ${problem}`);
  const more = found.length > NAMED ? `; and ${found.length - NAMED} more` : '';
  const message = `it is not certain what ${found.length} masks show: ${named.join('; ')}${more}`;
  return [{ kind: 'mask-values', severity: 'error', message, names: found.map(({ name }) => name).sort() }];
}

/** Grey masks of one data set whose two values differ, so that one of them may be another class. */
function mixedValues(masks: readonly NamedFacts[]): Finding[] {
  const byValue = new Map<string, string[]>();
  const unusual = masks.some(({ facts }) => facts.understood.some((each) => each.unusual !== undefined));
  if (!unusual) return [];
  for (const { name, facts } of masks) {
    for (const { kind, foreground } of facts.understood) {
      if (kind === 'grey') for (const value of foreground) byValue.set(value, [...(byValue.get(value) ?? []), name]);
    }
  }
  if (byValue.size < 2) return [];
  const list = [...byValue].map(([value, names]) => `${value} in ${names.length} (${few(names)})`).join('; ');
  const message = `the largest value of masks differs: ${list}; state which are foreground (--mask-values)`;
  return [{ kind: 'mask-values', severity: 'error', message, names: [...byValue.values()].flat().sort() }];
}

export function maskValueFindings(masks: readonly NamedFacts[]): Finding[] {
  const names = (keep: (facts: MaskFacts) => boolean): string[] =>
    masks.flatMap(({ name, facts }) => (keep(facts) ? [name] : [])).sort();
  const around = names(({ surrounds }) => surrounds);
  const gone = names(({ vanishes }) => vanishes);
  const stated = masks.some(({ facts }) => facts.understood.some(({ kind }) => kind === 'stated'));
  const wrong = !stated && around.length > MOST * masks.length;
  return [
    ...mixedValues(masks),
    ...(around.length === 0
      ? []
      : [
          {
            kind: 'background-foreground' as const,
            severity: wrong ? ('error' as const) : ('warning' as const),
            message: `in ${around.length} of ${masks.length} masks the border of the picture is foreground: ${few(around)}`,
            names: around,
          },
        ]),
    ...(gone.length === 0
      ? []
      : [
          {
            kind: 'vanishing-mask' as const,
            severity: 'warning' as const,
            message:
              `${gone.length} of ${masks.length} masks show something that is lost at the size of the model's input, ` +
              `so that it counts as empty in training: ${few(gone)}`,
            names: gone,
          },
        ]),
  ];
}

/** How masks were read, e.g. `palette, foreground = index 1, index 2 (12)`; empty where nothing is to be said. */
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
      const values = [...foreground].sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
      return `${kind}, foreground = ${values.slice(0, 12).join(', ') || 'nothing'} (${files} masks)`;
    })
    .join('; ');
}
