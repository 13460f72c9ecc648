import { type Figure, label } from './figure';
import { evenly, PANEL, plot, shareAxis } from './plot';

const BINS = 20;

/** How the images' Dice coefficients are distributed: a mean hides whether all are fair or some are lost. */
export function overlapFigure(part: string, dice: readonly number[]): Figure {
  const counts = new Array<number>(BINS).fill(0);
  for (const value of dice) {
    const bin = Math.min(BINS - 1, Math.floor(value * BINS));
    counts[bin] = (counts[bin] ?? 0) + 1;
  }
  const most = Math.max(...counts, 1);
  const step = Math.max(1, Math.ceil(most / 5));
  const up = { title: 'images', range: [0, most * 1.14] as const, ticks: evenly(0, most, Math.floor(most / step)) };
  const format = (value: number): string => String(Math.round(value));
  const { x, y, frame } = plot(`Dice of single images (${part})`, shareAxis('Dice'), { ...up, format });
  const width = x(1 / BINS) - x(0) - 2;
  const bars = counts.map((count, index) =>
    count === 0
      ? ''
      : `<rect class="mark s0" x="${(x(index / BINS) + 1).toFixed(1)}" y="${y(count).toFixed(1)}" ` +
        `width="${width.toFixed(1)}" height="${(y(0) - y(count)).toFixed(1)}"/>`,
  );
  const mean = dice.reduce((sum, value) => sum + value, 0) / Math.max(1, dice.length);
  const low = dice.filter((value) => value < 0.5).length;
  return {
    name: `overlap-${part}`,
    title: `Dice of single images (${part})`,
    description: `Distribution over ${dice.length} images, mean ${mean.toFixed(3)}; ${low} of them are below 0.5.`,
    width: PANEL.width,
    height: PANEL.height,
    body:
      frame +
      bars.join('') +
      `<path class="line s1" d="M${x(mean).toFixed(1)} ${y(0)}V${y(most)}"/>` +
      label(x(mean), y(most) - 6, `mean ${mean.toFixed(3)}`, 'text-anchor="middle"'),
  };
}
