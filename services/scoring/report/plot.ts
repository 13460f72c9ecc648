// The frame that every diagram of the report stands in: two axes with ticks, a grid, and scales for what is drawn inside. Ours,
// because a library costs more than these lines: Observable Plot needs 62 packages (16 MB, a DOM of its own, 1 s to load), Vega and
// Vega-Lite 79 (25 MB, 2 s), and neither has the report's themes and legends.

import { label, shorten } from './figure';

export const PANEL = { width: 420, height: 300 };
const INSET = { left: 54, top: 34, right: 16, bottom: 44 };

export interface Axis {
  title: string;
  range: readonly [low: number, high: number];
  /** Values at which there is a tick. */
  ticks: readonly number[];
  format?: (value: number) => string;
}

export interface Plot {
  x: (value: number) => number;
  y: (value: number) => number;
  /** Axes, grid, title. */
  frame: string;
}

/** `count` + 1 values from low to high. */
export function evenly(low: number, high: number, count: number): number[] {
  return Array.from({ length: count + 1 }, (_, index) => low + ((high - low) * index) / count);
}

/** Shares from 0 to 1, with some air so that lines along the edge can be seen. */
export function shareAxis(title: string): Axis {
  return { title, range: [-0.02, 1.02], ticks: evenly(0, 1, 5), format: (value) => value.toFixed(1) };
}

export function plot(title: string, across: Axis, up: Axis, offset = 0): Plot {
  const [left, right] = [offset + INSET.left, offset + PANEL.width - INSET.right];
  const [top, bottom] = [INSET.top, PANEL.height - INSET.bottom];
  const scale = ([low, high]: Axis['range'], from: number, to: number) => {
    return (value: number): number => from + ((to - from) * (value - low)) / (high - low || 1);
  };
  const [x, y] = [scale(across.range, left, right), scale(up.range, bottom, top)];
  const text = ({ format = String }: Axis, value: number): string => format(value);
  const rows = up.ticks.map(
    (tick) =>
      `<path class="grid" d="M${left} ${y(tick).toFixed(1)}H${right}"/>` +
      label(left - 7, y(tick) + 4, text(up, tick), 'text-anchor="end" class="soft"'),
  );
  const columns = across.ticks.map((tick) =>
    label(x(tick), bottom + 17, text(across, tick), 'text-anchor="middle" class="soft"'),
  );
  const middle = (top + bottom) / 2;
  const frame = [
    label((left + right) / 2, 19, title, 'text-anchor="middle" class="title"'),
    ...rows,
    ...columns,
    `<path class="axis" d="M${left} ${top}V${bottom}H${right}"/>`,
    label((left + right) / 2, PANEL.height - 8, across.title, 'text-anchor="middle"'),
    label(offset + 13, middle, up.title, `text-anchor="middle" transform="rotate(-90 ${offset + 13} ${middle})"`),
  ].join('');
  return { x, y, frame };
}

/** A line through points, with a dot at each when there are few. */
export function line(points: readonly (readonly [x: number, y: number])[], series: number, dots = false): string {
  const place = ([x, y]: readonly [number, number]): string => `${x.toFixed(1)},${y.toFixed(1)}`;
  const marks = points.map(
    ([x, y]) => `<circle class="mark s${series}" cx="${x.toFixed(1)}" cy="${y.toFixed(1)}" r="2.6"/>`,
  );
  return `<polyline class="line s${series}" points="${points.map(place).join(' ')}"/>${dots ? marks.join('') : ''}`;
}

/** Names of lines beside a piece of each; grows upwards from `bottom`, or downwards from `top`. */
export function legend(
  entries: readonly { name: string; series: number }[],
  place: { right: number; bottom: number } | { right: number; top: number },
): string {
  const first = 'top' in place ? place.top : place.bottom - 16 * (entries.length - 1);
  return entries
    .map(({ name, series }, index) => {
      const y = first + 16 * index;
      return (
        label(place.right - 32, y + 4, shorten(name, 30), 'text-anchor="end"') +
        `<path class="line s${series}" d="M${place.right - 26} ${y}h26"/>`
      );
    })
    .join('');
}
