import type { EpochMetrics } from '../protocol';

interface Series {
  name: string;
  colour: string;
  values: number[];
}

interface Panel {
  title: string;
  series: Series[];
  /** Lowest and highest value shown. */
  range: [number, number];
}

const WIDTH = 420;
const HEIGHT = 280;
const PLOT = { left: 52, top: 34, right: 14, bottom: 36 };

export function escapeXml(text: string): string {
  return text.replace(/[<>&"']/g, (character) => `&#${character.charCodeAt(0)};`);
}

const text = (x: number, y: number, content: string, extra = ''): string =>
  `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${extra}>${escapeXml(content)}</text>`;

function drawPanel({ title, series, range: [low, high] }: Panel, epochs: number[], offset: number): string {
  const across = WIDTH - PLOT.left - PLOT.right;
  const down = HEIGHT - PLOT.top - PLOT.bottom;
  const x = (index: number): number => PLOT.left + (across * (index + 0.5)) / Math.max(1, epochs.length);
  const y = (value: number): number => PLOT.top + down * (1 - (value - low) / (high - low || 1));
  const parts = [text(WIDTH / 2, 18, title, 'text-anchor="middle" font-weight="bold"')];
  for (let tick = 0; tick <= 4; tick += 1) {
    const value = low + ((high - low) * tick) / 4;
    const at = y(value).toFixed(1);
    parts.push(
      `<line x1="${PLOT.left}" x2="${WIDTH - PLOT.right}" y1="${at}" y2="${at}" stroke="#ddd"/>`,
      text(PLOT.left - 6, y(value) + 4, value.toPrecision(2), 'text-anchor="end"'),
    );
  }
  const labelEvery = Math.ceil(epochs.length / 10);
  epochs.forEach((epoch, index) => {
    if (index % labelEvery === 0) parts.push(text(x(index), HEIGHT - 18, String(epoch), 'text-anchor="middle"'));
  });
  parts.push(text(WIDTH / 2, HEIGHT - 4, 'epoch', 'text-anchor="middle"'));
  series.forEach(({ name, colour, values }, index) => {
    const points = values.map((value, at) => `${x(at).toFixed(1)},${y(value).toFixed(1)}`);
    parts.push(
      `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`,
      ...points.map((point) => `<circle cx="${point.replace(',', '" cy="')}" r="2.5" fill="${colour}"/>`),
      text(WIDTH - PLOT.right - 4, PLOT.top + 14 + 15 * index, name, `text-anchor="end" fill="${colour}"`),
    );
  });
  return `<g transform="translate(${offset} 0)">${parts.join('')}</g>`;
}

/** Loss and scores by epoch, as one SVG. */
export function curvesSvg(history: readonly EpochMetrics[]): string {
  const epochs = history.map(({ epoch }) => epoch);
  const losses: Series[] = [
    { name: 'training', colour: '#1f77b4', values: history.map(({ trainLoss }) => trainLoss) },
    { name: 'validation', colour: '#ff7f0e', values: history.map(({ validationLoss }) => validationLoss) },
  ];
  const segmentation = history.some(({ mdsc }) => mdsc !== undefined);
  const scores: Series[] = segmentation
    ? [
        { name: 'mDSC', colour: '#2ca02c', values: history.map(({ mdsc }) => mdsc ?? 0) },
        { name: 'mIoU', colour: '#9467bd', values: history.map(({ miou }) => miou ?? 0) },
      ]
    : [
        { name: 'accuracy', colour: '#2ca02c', values: history.map(({ accuracy }) => accuracy ?? 0) },
        { name: 'macro F1', colour: '#9467bd', values: history.map(({ macroF1 }) => macroF1 ?? 0) },
      ];
  const highest = Math.max(...losses.flatMap(({ values }) => values), 1e-6);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${2 * WIDTH}" height="${HEIGHT}" font-family="sans-serif" font-size="11">`,
    `<rect width="100%" height="100%" fill="white"/>`,
    drawPanel({ title: 'Loss', series: losses, range: [0, highest] }, epochs, 0),
    drawPanel({ title: 'Validation', series: scores, range: [0, 1] }, epochs, WIDTH),
    '</svg>\n',
  ].join('\n');
}
