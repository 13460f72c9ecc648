import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makeFolder } from '../../common/make-folder';
import { escapeXml } from '../../common/xml';
import { predictionsOf, type Assessment, type ScoredSample } from '../results/assessment';
import type { Labels } from '../results/evaluation';
import { mostProbable } from '../metrics/metrics';
import type { EpochMetrics } from '../results/epoch-metrics';
import { casesPng, worthOf, type Case } from './cases';
import { confusionFigure } from './confusion';
import { curvesFigure } from './curves';
import { htmlDocument } from './document';
import { figurePng, standaloneSvg, type Figure } from './figure';
import { overlapFigure } from './overlap-figure';
import { rankingFigures, reliabilityFigure } from './probability-figures';
import { casesSection, factsSection, figuresSection, samplesSection, summarySection, type Fact } from './sections';

/** One part of the data and how it came out. */
export interface PartReport {
  metrics: Assessment;
  samples: ScoredSample[];
}

export interface Report {
  /** Name of what was measured. */
  title: string;
  labels: Labels;
  /** Epochs of the training that this is the report of; empty for an evaluation. */
  history: EpochMetrics[];
  /** With the weights of the best epoch, by part. */
  parts: Record<string, PartReport>;
  /** Part whose images are listed. */
  shown: string;
  /** Data and lineage. */
  facts: Fact[];
  /** Best and worst images of that part; absent when pictures of the data are not wanted. */
  cases?: Case[];
}

const NOTICE = 'Research use only; not a medical device. The images and their names may be those of patients.';

function figuresOf({ history, parts, labels }: Report): Figure[] {
  const ofParts = Object.entries(parts).flatMap(([part, { metrics, samples }]): Figure[] => {
    if (!('confusion' in metrics)) return [overlapFigure(part, samples.map(worthOf))];
    const predictions = predictionsOf(samples);
    return [
      confusionFigure(part, metrics),
      ...rankingFigures(part, predictions, labels.classes, metrics.intervals),
      reliabilityFigure(part, predictions),
    ];
  });
  return [...(history.length > 0 ? [curvesFigure(history)] : []), ...ofParts];
}

function reportHtml(report: Report, figures: readonly Figure[]): string {
  const { title, parts, shown, labels, facts, cases } = report;
  const outlined = labels.classes.length === 0;
  return htmlDocument(
    `Report: ${title}`,
    [
      `<h1>${escapeXml(title)}</h1>`,
      `<p class="note">${NOTICE}</p>`,
      '<h2>Scores</h2>',
      ...Object.entries(parts).map(([part, { metrics }]) => summarySection(part, metrics, labels)),
      '<h2>Figures</h2>',
      figuresSection(figures),
      ...(cases ? [`<h2>Worst and best images (${escapeXml(shown)})</h2>`, casesSection(cases, outlined)] : []),
      `<h2>Images (${escapeXml(shown)})</h2>`,
      samplesSection(parts[shown]?.samples ?? [], labels),
      '<h2>Data and lineage</h2>',
      factsSection(facts),
    ].join('\n'),
  );
}

/** A sample with its classes by name. */
function describeSample(
  { name, group, loss, label, probabilities, ...rest }: ScoredSample,
  { classes }: Labels,
): object {
  const { structures, point, widthPx, heightPx } = rest;
  return {
    name,
    ...(group === undefined ? {} : { group }),
    ...(loss === undefined ? {} : { loss }),
    ...(widthPx === undefined ? {} : { widthPx, heightPx }),
    ...(probabilities === null
      ? { structures, ...(point === null ? {} : { point }) }
      : { label: classes[label ?? 0], predicted: classes[mostProbable(probabilities)], probabilities }),
  };
}

/** Writes report.html, metrics.json and the figures, as SVG and PNG, into `folder`. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await makeFolder(folder);
  const { history, parts, shown, cases } = report;
  const metrics = Object.fromEntries(Object.entries(parts).map(([part, { metrics: scores }]) => [part, scores]));
  const samples = (parts[shown]?.samples ?? []).map((sample) => describeSample(sample, report.labels));
  const numbers = { metrics, history, samples };
  const write = (name: string, content: string | Buffer): Promise<void> => writeFile(join(folder, name), content);
  await write('metrics.json', `${JSON.stringify(numbers, null, 2)}\n`);
  const figures = figuresOf(report);
  for (const figure of figures) {
    await write(`${figure.name}.svg`, standaloneSvg(figure));
    await write(`${figure.name}.png`, await figurePng(figure));
  }
  if (cases && cases.length > 0) await write('gallery.png', await casesPng(cases));
  await write('report.html', reportHtml(report, figures));
}
