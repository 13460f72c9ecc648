// Which stored values of a mask are foreground, as a person says it: `1,2`, `128-255`, `#ff0000`, or for several structures
// `disc=1,2,cup=2`; of DICOM segmentations also by the label of a segment, `label:Left kidney`.

import { automedError } from '../../common/errors';

/** Both included; of colours 0xRRGGBB. */
interface Range {
  from: number;
  to: number;
  colour: boolean;
}

export interface StatedValues {
  text: string;
  ranges: readonly Range[];
  /** Labels of segments, which capitals do not matter in. */
  labels: readonly string[];
}

const LABEL = /^label:(.*)$/is;

const ITEM = /^(?:#([0-9a-f]{6})|(\d+(?:\.\d+)?)(?:-(\d+(?:\.\d+)?))?)$/i;

function invalid(text: string): Error {
  return automedError(
    'INVALID_ARGUMENT',
    `The mask values "${text.slice(0, 100)}" must be values, ranges or colours, as in 1,2 or 128-255 or #ff0000; ` +
      'of several structures disc=1,2,cup=2.',
    { field: 'mask_values' },
  );
}

function labelOf(item: string, text: string): string | undefined {
  const label = LABEL.exec(item)?.[1]?.trim();
  if (label === '') throw invalid(text);
  return label;
}

function rangeOf(item: string, text: string): Range {
  const [, colour, from, to] = ITEM.exec(item) ?? [];
  if (colour !== undefined) {
    const rgb = Number.parseInt(colour, 16);
    return { from: rgb, to: rgb, colour: true };
  }
  const range = { from: Number(from), to: Number(to ?? from), colour: false };
  if (from === undefined || range.to < range.from) throw invalid(text);
  return range;
}

/**
 * The values of each structure, by its name; those of every structure under the empty name.
 * @throws InvalidInputError (field `mask_values`)
 */
export function parseMaskValues(text: string): Map<string, StatedValues> {
  const items = new Map<string, string[]>();
  let name = '';
  for (const entry of text.split(',')) {
    const [left = '', right] = entry.trim().split('=');
    if (right !== undefined) name = left.trim();
    if (right !== undefined && (name === '' || items.has(name))) throw invalid(text);
    items.set(name, [...(items.get(name) ?? []), (right ?? left).trim()]);
  }
  if (items.has('') && items.size > 1) throw invalid(text);
  return new Map(
    [...items].map(([structure, own]) => {
      const labels = own.flatMap((item) => labelOf(item, text) ?? []);
      const ranges = own.filter((item) => !LABEL.test(item)).map((item) => rangeOf(item, text));
      return [structure, { text: own.join(','), ranges, labels }];
    }),
  );
}

/** The values of one structure. @throws InvalidInputError (field `mask_values`) when others are stated only */
export function valuesOfStructure(values: Map<string, StatedValues>, structure: string): StatedValues {
  const own = values.get('') ?? values.get(structure);
  if (own !== undefined) return own;
  throw automedError(
    'INVALID_ARGUMENT',
    `The mask values name ${[...values.keys()].join(', ')}, and not the structure ${structure}.`,
    { field: 'mask_values' },
  );
}
