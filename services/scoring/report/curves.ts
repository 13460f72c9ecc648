import type { EpochMetrics } from '../results/epoch-metrics';
import type { Figure } from './figure';
import { evenly, legend, line, PANEL, plot, shareAxis, type Axis } from './plot';

interface Series {
  name: string;
  /** NaN where an epoch has no such score. */
  values: number[];
}

/** At most eleven epochs get a number. */
function epochAxis(epochs: readonly number[]): Axis {
  const every = Math.ceil(epochs.length / 10);
  const [first = 1, last = 1] = [epochs[0], epochs.at(-1)];
  return {
    title: 'epoch',
    range: [first - 0.5, last + 0.5],
    ticks: epochs.filter((_, index) => index % every === 0),
  };
}

function panel(title: string, up: Axis, epochs: readonly number[], all: readonly Series[], offset: number): string {
  const { x, y, frame } = plot(title, epochAxis(epochs), up, offset);
  const lines = all.map(({ values }, series) =>
    line(
      values.flatMap((value, index) => (Number.isNaN(value) ? [] : [[x(epochs[index] ?? 0), y(value)] as const])),
      series,
      epochs.length <= 40,
    ),
  );
  const names = all.map(({ name }, series) => ({ name, series }));
  const top = title === 'Loss';
  const right = offset + PANEL.width - 20;
  return frame + lines.join('') + legend(names, top ? { right, top: 48 } : { right, bottom: PANEL.height - 58 });
}

function scoresOf(history: readonly EpochMetrics[]): Series[] {
  const series = (name: string, of: (metrics: EpochMetrics) => number | undefined): Series[] =>
    history.some((metrics) => of(metrics) !== undefined)
      ? [{ name, values: history.map((metrics) => of(metrics) ?? NaN) }]
      : [];
  return [
    ...series('mDSC', ({ mdsc }) => mdsc),
    ...series('mIoU', ({ miou }) => miou),
    ...series('accuracy', ({ accuracy }) => accuracy),
    ...series('macro F1', ({ macroF1 }) => macroF1),
    ...series('mDSC, one point', ({ point }) => point?.mdsc),
  ];
}

/** Loss and scores by epoch. */
export function curvesFigure(history: readonly EpochMetrics[]): Figure {
  const epochs = history.map(({ epoch }) => epoch);
  const losses: Series[] = [
    { name: 'training', values: history.map(({ trainLoss }) => trainLoss) },
    { name: 'validation', values: history.map(({ validationLoss }) => validationLoss) },
  ];
  const highest = Math.max(...losses.flatMap(({ values }) => values), 1e-6);
  const lossAxis: Axis = {
    title: 'loss',
    range: [0, highest * 1.05],
    ticks: evenly(0, highest, 4),
    format: (value) => String(Number(value.toPrecision(2))),
  };
  const best = history.reduce((left, right) => (right.score > left.score ? right : left), history[0]!);
  return {
    name: 'curves',
    title: 'Training curves',
    description: `Loss and validation scores over ${epochs.length} epochs; the best score, ${best.score.toFixed(3)}, is that of epoch ${best.epoch}.`,
    width: 2 * PANEL.width,
    height: PANEL.height,
    body:
      panel('Loss', lossAxis, epochs, losses, 0) +
      panel('Validation', shareAxis('score'), epochs, scoresOf(history), PANEL.width),
  };
}
