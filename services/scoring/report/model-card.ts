// MODEL_CARD.md: what somebody who did not train a model must know before using it (after Mitchell et al., Model Cards for
// Model Reporting, 2019).

import type { Assessment } from '../results/assessment';
import { basisText } from '../metrics/estimate';
import { describeIntervals, interval, scoreTitle, unscored } from './score-names';
import type { Fact } from './sections';
import { isCount } from '../metrics/score-directions';

/** Its file, in the folder of the version. */
export const MODEL_CARD = 'MODEL_CARD.md';

export interface CardPart {
  images: number;
  /** Groups among them; nothing when the data has none. */
  groups: number | undefined;
  /** Classification: images of each class, in the order of the classes. */
  perClass: number[];
}

export interface CardFacts {
  name: string;
  /** What it is for, e.g. `draws polyp`. */
  purpose: string;
  classes: readonly string[];
  data: Fact[];
  parts: Record<'train' | 'validation' | 'test', CardPart>;
  /** Column whose values no split separates. */
  groupColumn: string | undefined;
  /** Files that were left out. */
  skipped: number;
  lineage: Fact[];
  training: Fact[];
  metrics: Record<string, Assessment>;
  licence: string;
}

/** Text that Markdown takes literally, on one line. */
export function literal(text: string): string {
  return text
    .replace(/\p{Cc}+/gu, ' ')
    .replace(/[\\`*_{}[\]()#+!|~>-]/g, '\\$&')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;');
}

const list = (facts: readonly Fact[]): string =>
  facts.map(({ name, value }) => `- ${name}: ${literal(value)}`).join('\n');

function row(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`;
}

function partTable({ classes, parts }: CardFacts): string {
  const grouped = Object.values(parts).some(({ groups }) => groups !== undefined);
  const heads = ['part', 'images', ...(grouped ? ['groups'] : []), ...classes.map(literal)];
  const rows = Object.entries(parts).map(([part, { images, groups, perClass }]) =>
    row([part, String(images), ...(grouped ? [String(groups ?? '')] : []), ...perClass.map(String)]),
  );
  return [row(heads), row(heads.map(() => '---')), ...rows].join('\n');
}

function metricsOf(part: string, { images, intervals }: Assessment, classes: readonly string[]): string {
  const { resamples } = intervals;
  const rows = Object.entries(intervals.estimates).map(([name, estimate]) => {
    const [, kind, of, score] = /^(class|structure)\.(.*)\.([a-z0-9_]+)$/s.exec(name) ?? [];
    const title = kind === undefined ? scoreTitle(name) : `${literal(of ?? '')}: ${scoreTitle(score ?? '')}`;
    const basis = basisText(estimate, { images, classes: classes.length, resamples }) || 'all';
    return row([title, isCount(name) ? String(estimate.value) : estimate.value.toFixed(4), interval(estimate), basis]);
  });
  return [
    `### ${part}, ${images} images`,
    '',
    row(['score', 'value', '95 % interval', 'measured on']),
    row(['---', '---', '---', '---']),
    ...rows,
    '',
    ...unscored({ classes }, intervals).flatMap((text) => [literal(text), '']),
    describeIntervals(intervals),
  ].join('\n');
}

/** What the scores do not show, as far as the data tells. */
export function limitsOf({ classes, parts, groupColumn, skipped, metrics }: CardFacts): string[] {
  const limits: string[] = [];
  const { train, test } = parts;
  if (test.images === 0) {
    limits.push(
      'There is no test part: the scores are of the validation images, which also chose the best epoch, and flatter the model.',
    );
  }
  if (groupColumn === undefined) {
    limits.push(
      'The data names no patients or sequences, or not of every picture: pictures of one patient may be in training and in the parts that were scored, which flatters the scores.',
    );
  }
  if (classes.length > 0) {
    const counts = train.perClass;
    const [smallest, largest] = [Math.min(...counts), Math.max(...counts)];
    const name = literal(classes[counts.indexOf(smallest)] ?? '');
    const ratio = smallest === 0 ? '' : `, the largest is ${(largest / smallest).toFixed(1)} times as large`;
    limits.push(`The smallest class in training is ${name} with ${smallest} images${ratio}.`);
  }
  const scored = metrics['test'] ?? metrics['validation'];
  if (scored && scored.intervals.units < 100) {
    const what = scored.intervals.unit === 'group' ? 'groups' : 'images';
    limits.push(`The scores rest on ${scored.intervals.units} ${what}; the intervals say how little that is.`);
  }
  if (skipped > 0) limits.push(`${skipped} files of the data could not be used and are in no part.`);
  limits.push(
    'Nothing was tested on data of other hospitals, devices, populations or protocols than those of the training data, nor on images that show neither.',
  );
  return limits;
}

export function modelCard(facts: CardFacts): string {
  const { name, purpose, data, lineage, training, metrics, licence } = facts;
  return [
    `# ${literal(name)}`,
    '',
    'Version, checksums and architecture are in the JSON file beside this card; figures and single images in `report/`.',
    '',
    '## Intended use',
    '',
    `Research: ${literal(purpose)}. **Not a medical device**: its output must not be used for diagnosis or treatment.`,
    '',
    '## Data',
    '',
    list(data),
    '',
    partTable(facts),
    '',
    '## Base and lineage',
    '',
    list(lineage),
    '',
    '## Training',
    '',
    list(training),
    '',
    '## Metrics',
    '',
    Object.entries(metrics)
      .map(([part, assessment]) => metricsOf(part, assessment, facts.classes))
      .join('\n\n'),
    '',
    '## Limits',
    '',
    limitsOf(facts)
      .map((limit) => `- ${limit}`)
      .join('\n'),
    '',
    '## Licence',
    '',
    literal(licence),
    '',
  ].join('\n');
}
