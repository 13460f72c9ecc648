import { isCount } from '../scoring/metrics/score-directions';

/** Lines of a table: cells padded to their column, headings in the first line. */
export function table(headings: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...rows.map((row) => (row[column] ?? '').length)),
  );
  return [headings, ...rows]
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** `0.8342` as people read a score, a count as a whole number; a number that is not one stays visible. */
export function score(value: number, name = ''): string {
  return Number.isFinite(value) && !isCount(name) ? value.toFixed(4) : String(value);
}

/** `0.8342 (0.8120 to 0.8533)`: a score and its 95 % interval, where there is one. */
export function scoreWithInterval(
  { value, low, high }: { value: number; low?: number | undefined; high?: number | undefined },
  name = '',
): string {
  const text = score(value, name);
  return low === undefined || high === undefined ? text : `${text} (${score(low)} to ${score(high)})`;
}

/** What there was nothing to score of; no line where there is none. */
export function unscoredText(classes: readonly string[]): string[] {
  if (classes.length === 0) return [];
  return [`nothing to score: no image is of ${classes.join(', ')}, and none was taken for it; means leave it out`];
}

/** `12.3 MB`. */
export function byteSize(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  let size = bytes;
  while (size >= 1000 && unit < units.length - 1) {
    size /= 1000;
    unit += 1;
  }
  return `${unit === 0 ? size : size.toFixed(1)} ${units[unit] ?? ''}`;
}
