// Which rules fit a series, and for those that do not, why.

import type { Condition, Rule } from '../schema';
import { orientationName, type OrientationName } from './orientation';

/** What rules look at; of a series whose images differ, every value. Texts may identify patients. */
export interface SeriesFacts {
  modality: string;
  bodyPart: string;
  seriesDescription: string;
  imageTypes: string[];
  callingAes: string[];
  calledAes: string[];
  /** Of each image; undefined without one. */
  orientations: (number[] | undefined)[];
  rows: number[];
  columns: number[];
  frames: number;
  /** Whether the series holds images at all: reports and the like are nothing for a model. */
  hasPixels: boolean;
}

/** Either it fits, or every condition that does not hold, as a sentence each. */
export interface Verdict {
  rule: string;
  fits: boolean;
  /** Nothing is analysed although it fits. */
  dryRun: boolean;
  reasons: string[];
}

function matches(text: string, pattern: string): boolean {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'is').test(text);
}

const quoted = (values: readonly string[]): string => values.map((value) => `"${value}"`).join(' or ');

/** Says why a text is none of the patterns. */
function* text(name: string, value: string, patterns: readonly string[] | undefined): Generator<string> {
  if (!patterns || patterns.some((pattern) => matches(value, pattern))) return;
  yield `${name} is ${value === '' ? 'empty' : `"${value}"`}, not ${quoted(patterns)}`;
}

function* within(name: string, values: readonly number[], range: Condition['rows']): Generator<string> {
  if (!range) return;
  const { min = 0, max = Infinity } = range;
  const outside = values.find((value) => value < min || value > max);
  if (outside !== undefined) yield `${name} is ${outside}, not from ${min} to ${max === Infinity ? 'any' : max}`;
}

function* titles(name: string, values: readonly string[], wanted: readonly string[] | undefined): Generator<string> {
  if (!wanted || values.every((value) => wanted.includes(value))) return;
  yield `${name} is ${values.join(', ') || 'none'}, not ${wanted.join(' or ')}`;
}

function* orientation(facts: SeriesFacts, wanted: readonly OrientationName[] | undefined): Generator<string> {
  if (!wanted) return;
  const names = [...new Set(facts.orientations.map(orientationName))];
  if (names.some((name) => !wanted.includes(name)))
    yield `orientation is ${names.join(', ')}, not ${wanted.join(' or ')}`;
}

function* misfits(when: Condition, facts: SeriesFacts): Generator<string> {
  if (!facts.hasPixels) yield 'the series holds no images';
  if (when.modality && !when.modality.includes(facts.modality)) {
    yield `modality is ${facts.modality || 'empty'}, not ${when.modality.join(' or ')}`;
  }
  yield* text('body part', facts.bodyPart, when.body_part);
  yield* text('series description', facts.seriesDescription, when.series_description);
  const missing = when.image_type?.filter((value) => !facts.imageTypes.includes(value)) ?? [];
  if (missing.length > 0) yield `image type lacks ${missing.join(', ')}`;
  yield* titles('calling AE', facts.callingAes, when.calling_ae);
  yield* titles('called AE', facts.calledAes, when.called_ae);
  yield* orientation(facts, when.orientation);
  yield* within('rows', facts.rows, when.rows);
  yield* within('columns', facts.columns, when.columns);
  yield* within('frames', [facts.frames], when.frames);
}

/** What each rule makes of a series. */
export function judge(rules: readonly Rule[], facts: SeriesFacts): Verdict[] {
  return rules.map(({ name, when, dry_run: dryRun = false }) => {
    const reasons = [...misfits(when, facts)];
    return { rule: name, fits: reasons.length === 0, dryRun, reasons };
  });
}
