// What the probabilities of a classifier are worth: ROC and precision-recall curves, and the reliability diagram.

import type { Intervals } from '../metrics/bootstrap';
import {
  CALIBRATION_BINS,
  calibrationBins,
  expectedCalibrationError,
  operations,
  rank,
  type Operation,
  type Prediction,
} from '../metrics/probability-metrics';
import { label, SERIES, shorten, type Figure } from './figure';
import { evenly, legend, line, PANEL, plot, shareAxis } from './plot';

/** Points of a curve that are drawn at most. */
const POINTS = 300;

interface ClassCurve {
  name: string;
  series: number;
  positives: number;
  negatives: number;
  operations: Operation[];
}

/** Of the most frequent classes that occur, as many as there are colours. */
function classCurves(predictions: readonly Prediction[], classes: readonly string[]): ClassCurve[] {
  const all = classes.map((name, index) => {
    const positive = Uint8Array.from(predictions, ({ label: truth }) => (truth === index ? 1 : 0));
    const positives = positive.reduce((sum, value) => sum + value, 0);
    return { name, index, positive, positives, negatives: positive.length - positives };
  });
  return all
    .filter(({ positives, negatives }) => positives > 0 && negatives > 0)
    .sort((a, b) => b.positives - a.positives || a.index - b.index)
    .slice(0, SERIES)
    .sort((a, b) => a.index - b.index)
    .map(({ index, positive, ...rest }, series) => {
      const ranking = rank(
        predictions.map(({ probabilities }) => probabilities[index] ?? 0),
        positive,
      );
      return { ...rest, series, operations: thinned(operations(ranking)) };
    });
}

/** First, last, and evenly between them. */
function thinned<T>(values: readonly T[]): T[] {
  if (values.length <= POINTS) return [...values];
  return evenly(0, values.length - 1, POINTS - 1).map((at) => values[Math.round(at)]!);
}

type Point = readonly [number, number];

const rocPoints = ({ operations: all, positives, negatives }: ClassCurve): Point[] => [
  [0, 0],
  ...all.map(({ truePositives, falsePositives }): Point => [falsePositives / negatives, truePositives / positives]),
];
/** Precision belongs to the recall that its threshold reaches, so the curve is a staircase. */
const precisionPoints = ({ operations: all, positives }: ClassCurve): Point[] =>
  all.flatMap(({ truePositives, falsePositives }, index): Point[] => {
    const precision = truePositives / (truePositives + falsePositives);
    return [
      [(all[index - 1]?.truePositives ?? 0) / positives, precision],
      [truePositives / positives, precision],
    ];
  });

function scored(curves: readonly ClassCurve[], score: string, { estimates }: Intervals) {
  return curves.map(({ name, series }) => {
    const value = estimates[`class.${name}.${score}`]?.value;
    return { series, name: `${shorten(name, 18)} ${value === undefined ? '' : value.toFixed(3)}` };
  });
}

/** Nothing when there is no class with samples on both sides. */
export function rankingFigures(
  part: string,
  predictions: readonly Prediction[],
  classes: readonly string[],
  intervals: Intervals,
): Figure[] {
  const curves = classCurves(predictions, classes);
  if (curves.length === 0) return [];
  const size = { width: PANEL.width, height: PANEL.height };
  const some = curves.length < classes.length ? ` Of ${classes.length} classes ${curves.length} are drawn.` : '';
  const [right, bottom] = [PANEL.width - 24, PANEL.height - 58];
  const roc = plot(`ROC, one class against the rest (${part})`, shareAxis('1 - specificity'), shareAxis('sensitivity'));
  const recall = plot(`Precision and recall (${part})`, shareAxis('recall'), shareAxis('precision'));
  const draw = (on: typeof roc, points: (curve: ClassCurve) => Point[]): string =>
    curves
      .map((curve) =>
        line(
          points(curve).map(([x, y]) => [on.x(x), on.y(y)] as const),
          curve.series,
        ),
      )
      .join('');
  const words = (entries: { name: string }[]): string => entries.map(({ name }) => name).join(', ');
  const [areas, precisions] = [scored(curves, 'auroc', intervals), scored(curves, 'average_precision', intervals)];
  return [
    {
      ...size,
      name: `roc-${part}`,
      title: `ROC curves (${part})`,
      description: `Area under the curve of each class: ${words(areas)}.${some}`,
      body:
        `${roc.frame}<path class="grid" d="M${roc.x(0)} ${roc.y(0)}L${roc.x(1)} ${roc.y(1)}"/>` +
        draw(roc, rocPoints) +
        legend(areas, { right, bottom }),
    },
    {
      ...size,
      name: `precision-recall-${part}`,
      title: `Precision-recall curves (${part})`,
      description: `Average precision of each class: ${words(precisions)}.${some}`,
      body: recall.frame + draw(recall, precisionPoints) + legend(precisions, { right, bottom }),
    },
  ];
}

/** How often the model is right among the answers it is so sure of: on the diagonal it knows itself. */
export function reliabilityFigure(part: string, predictions: readonly Prediction[]): Figure {
  const bins = calibrationBins(predictions);
  const error = expectedCalibrationError(bins);
  const axes = [shareAxis('confidence'), shareAxis('share of right answers')] as const;
  const { x, y, frame } = plot(`Reliability (${part})`, ...axes);
  const width = x(1 / CALIBRATION_BINS) - x(0);
  const bars = bins.map(({ count, accuracy, confidence }, index) => {
    if (count === 0) return '';
    const left = x(index / CALIBRATION_BINS);
    const [top, height] = [y(accuracy), y(0) - y(accuracy)].map((value) => value.toFixed(1));
    return (
      `<rect class="mark s0" fill-opacity="0.7" x="${(left + 1).toFixed(1)}" y="${top}" width="${(width - 2).toFixed(1)}" height="${height}"/>` +
      `<circle class="mark s1" cx="${x(confidence).toFixed(1)}" cy="${top}" r="3.2"/>` +
      label(left + width / 2, y(0) - 5, String(count), 'text-anchor="middle" style="font-size:8.5px"')
    );
  });
  return {
    name: `calibration-${part}`,
    title: `Reliability diagram (${part})`,
    description: `Expected calibration error ${error.toFixed(3)} in ${CALIBRATION_BINS} bins of equal width. Bars: share of right answers by confidence; numbers: images.`,
    width: PANEL.width,
    height: PANEL.height,
    body:
      `${frame}<path class="axis" stroke-dasharray="4 3" d="M${x(0)} ${y(0)}L${x(1)} ${y(1)}"/>${bars.join('')}` +
      label(x(0.03), y(0.8), `ECE ${error.toFixed(3)}`, 'class="title"') +
      label(x(0.03), y(0.73), 'numbers: images in the bin', 'class="soft"'),
  };
}
