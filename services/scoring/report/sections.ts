// What a report says, from top to bottom.

import { escapeXml } from '../../common/xml';
import { PREDICTION_WORDS, TRUTH_WORDS } from '../../imaging/overlay';
import type { Assessment, ScoredSample } from '../results/assessment';
import type { Estimate, Intervals } from '../metrics/bootstrap';
import { basisText, type Whole } from '../metrics/estimate';
import type { Labels } from '../results/evaluation';
import { mostProbable } from '../metrics/metrics';
import { type Case, type Rank, worstFirst } from './cases';
import { htmlTable, type Cell } from './document';
import { inlineSvg, type Figure } from './figure';
import { describeIntervals, interval, scoreTitle, unscored } from './score-names';

/** Rows of the table of images at most; metrics.json has them all. */
const ROWS = 2000;

const number = (value: number | null | undefined): Cell => ({
  number: value === null || value === undefined || Number.isNaN(value) ? '-' : value.toFixed(3),
});

/** Scores of the whole part first, then those of structures and classes. */
export function summarySection(part: string, { images, intervals }: Assessment, labels: Labels): string {
  const entries = Object.entries(intervals.estimates);
  const { resamples } = intervals;
  const all = { images, structures: labels.structures.length, classes: labels.classes.length, resamples };
  const overall = entries.filter(([name]) => !/^(class|structure)\./.test(name));
  const rows = overall.map(([name, estimate]): Cell[] => {
    return [scoreTitle(name), number(estimate.value), interval(estimate), basisText(estimate, all) || 'all'];
  });
  return [
    `<h3>${escapeXml(part)}, ${images} images</h3>`,
    htmlTable(['score', 'value', '95 % interval', 'measured on'], rows),
    detailTable(entries, labels, all),
    ...unscored(labels, intervals).map((text) => `<p>${escapeXml(text)}</p>`),
    `<p class="soft">${escapeXml(describeIntervals(intervals))}</p>`,
  ].join('\n');
}

/** One row for each structure or class, one column for each score. */
function detailTable(entries: readonly [string, Estimate][], { classes, structures }: Labels, all: Whole): string {
  const several = structures.length > 1 ? structures : [];
  const rows = new Map([...classes, ...several].map((name) => [name, new Map<string, Estimate>()]));
  const columns: string[] = [];
  let kind = '';
  for (const [name, estimate] of entries) {
    const match = /^(class|structure)\.(.*)\.([a-z0-9_]+)$/s.exec(name);
    if (!match) continue;
    const [, what = '', of = '', score = ''] = match;
    kind = what;
    if (!columns.includes(score)) columns.push(score);
    rows.set(of, (rows.get(of) ?? new Map<string, Estimate>()).set(score, estimate));
  }
  if (kind === '') return '';
  const cells = [...rows].map(([of, scores]): Cell[] => [
    of,
    ...columns.map((column): Cell => {
      const estimate = scores.get(column);
      if (!estimate) return '-';
      const basis = basisText(estimate, all);
      return `${estimate.value.toFixed(3)} (${interval(estimate)})${basis === '' ? '' : `, ${basis}`}`;
    }),
  ]);
  return htmlTable([kind, ...columns.map(scoreTitle)], cells);
}

export function figuresSection(figures: readonly Figure[]): string {
  const each = figures.map(
    (figure) =>
      `<figure class="figure">${inlineSvg(figure)}<figcaption>${escapeXml(figure.description)}</figcaption></figure>`,
  );
  return `<div class="figures">${each.join('\n')}</div>`;
}

const RANK_TITLES: Record<Rank, string> = { worst: 'Worst', middle: 'In the middle', best: 'Best' };

export function casesSection(cases: readonly Case[], outlined: boolean): string {
  const legend = outlined
    ? `<p><span class="swatch truth"></span> ${TRUTH_WORDS} <span class="swatch"></span> ${PREDICTION_WORDS}</p>`
    : '';
  const groups = (['worst', 'middle', 'best'] as const).map((rank) => {
    const pictures = cases
      .filter((each) => each.rank === rank)
      .map(
        ({ svg, name, caption }) =>
          `<figure class="case">${svg}<figcaption>${escapeXml(caption)}<br>${escapeXml(name)}</figcaption></figure>`,
      );
    return pictures.length === 0
      ? ''
      : `<h3>${RANK_TITLES[rank]}</h3><div class="figures">${pictures.join('\n')}</div>`;
  });
  return legend + groups.join('\n');
}

/** Every image with its scores, the worst first. */
export function samplesSection(
  samples: readonly ScoredSample[],
  { classes, structures }: { classes: readonly string[]; structures: readonly string[] },
): string {
  const order = worstFirst(samples);
  const shown = order.slice(0, ROWS).map((index) => samples[index]!);
  const grouped = samples.some(({ group }) => group !== undefined);
  const group = ({ group: own }: ScoredSample): Cell[] => (grouped ? [own ?? ''] : []);
  const groupHead = grouped ? ['group'] : [];
  const table =
    classes.length > 0
      ? htmlTable(
          ['image', ...groupHead, 'true class', 'predicted class', 'probability of the true class'],
          shown.map((sample) => [
            sample.name,
            ...group(sample),
            classes[sample.label ?? 0] ?? '',
            classes[mostProbable(sample.probabilities ?? [])] ?? '',
            number(sample.probabilities?.[sample.label ?? 0]),
          ]),
          { sortable: true },
        )
      : htmlTable(
          [
            'image',
            ...groupHead,
            ...structures.flatMap((name) => structureHeads(name, structures.length > 1, samples)),
          ],
          shown.map((sample) => [
            sample.name,
            ...group(sample),
            ...structures.flatMap((_, index) => structureCells(sample, index, samples)),
          ]),
          { sortable: true },
        );
  const rest = order.length - shown.length;
  const more = rest > 0 ? `<p class="soft">${rest} better images are in metrics.json.</p>` : '';
  return `<div class="scroll" tabindex="0" role="region" aria-label="Images and their scores">${table}</div>${more}`;
}

const measured = (samples: readonly ScoredSample[]): boolean => samples[0]?.structures?.[0]?.hd95Px !== undefined;

function structureHeads(name: string, several: boolean, samples: readonly ScoredSample[]): string[] {
  const heads = ['Dice', 'IoU', ...(measured(samples) ? ['HD95 (px)', 'surface distance (px)'] : [])];
  return several ? heads.map((head) => `${name}: ${head}`) : heads;
}

function structureCells({ structures }: ScoredSample, index: number, samples: readonly ScoredSample[]): Cell[] {
  const scores = structures?.[index];
  const distances = measured(samples) ? [number(scores?.hd95Px), number(scores?.asdPx)] : [];
  return [number(scores?.dice), number(scores?.iou), ...distances];
}

export interface Fact {
  name: string;
  value: string;
}

export function factsSection(facts: readonly Fact[]): string {
  return htmlTable(
    ['', ''],
    facts.map(({ name, value }) => [name, value]),
  );
}

export type { Intervals };
