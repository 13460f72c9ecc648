import type { ClassificationMetrics } from '../domain/metrics';
import { escapeXml } from './curves';

const CELL = 64;
const MARGIN = { left: 150, top: 60 };

/** The confusion matrix as an SVG: rows are true classes, colours the share of their row. */
export function confusionSvg({ classes, confusion, accuracy }: ClassificationMetrics): string {
  const side = classes.length * CELL;
  const width = MARGIN.left + side + 20;
  const height = MARGIN.top + side + 70;
  const cells = confusion.flatMap((row, y) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, x) => {
      const share = total === 0 ? 0 : count / total;
      const [left, top] = [MARGIN.left + x * CELL, MARGIN.top + y * CELL];
      const shade = `hsl(${x === y ? 140 : 10} 60% ${(97 - 50 * share).toFixed(0)}%)`;
      return (
        `<rect x="${left}" y="${top}" width="${CELL}" height="${CELL}" fill="${shade}" stroke="white"/>` +
        `<text x="${left + CELL / 2}" y="${top + CELL / 2 + 4}" text-anchor="middle">${count}</text>`
      );
    });
  });
  const names = classes.flatMap(({ name }, index) => {
    const middle = index * CELL + CELL / 2;
    const [x, y] = [MARGIN.left + middle, MARGIN.top + side + 16];
    return [
      `<text x="${MARGIN.left - 8}" y="${MARGIN.top + middle + 4}" text-anchor="end">${escapeXml(name)}</text>`,
      `<text x="${x}" y="${y}" text-anchor="end" transform="rotate(-30 ${x} ${y})">${escapeXml(name)}</text>`,
    ];
  });
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" font-family="sans-serif" font-size="12">`,
    '<rect width="100%" height="100%" fill="white"/>',
    `<text x="${MARGIN.left}" y="24" font-weight="bold">Confusion matrix, accuracy ${accuracy.toFixed(3)}</text>`,
    `<text x="${MARGIN.left}" y="44">rows: true class, columns: predicted class</text>`,
    ...cells,
    ...names,
    '</svg>\n',
  ].join('\n');
}
