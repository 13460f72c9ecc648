import type { ClassificationMetrics } from '../metrics/metrics';
import { label, shorten, type Figure } from './figure';

const LARGEST_CELL = 62;
/** Beyond this many classes the counts no longer fit into the cells. */
const NUMBERED = 24;

/** The confusion matrix: rows are true classes, the strength of the colour is the share of their row. */
export function confusionFigure(part: string, { classes, confusion, accuracy }: ClassificationMetrics): Figure {
  const cell = Math.max(14, Math.min(LARGEST_CELL, Math.floor(620 / classes.length)));
  const [left, top] = [170, 62];
  const side = classes.length * cell;
  const cells = confusion.flatMap((row, y) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, x) => {
      const share = total === 0 ? 0 : count / total;
      const place = `x="${left + x * cell}" y="${top + y * cell}" width="${cell}" height="${cell}"`;
      const [middle, base] = [left + (x + 0.5) * cell, top + (y + 0.5) * cell + 4];
      const number = label(middle, base, String(count), `text-anchor="middle"${share > 0.5 ? ' class="on"' : ''}`);
      return (
        `<rect class="mark s0" fill-opacity="${share.toFixed(3)}" ${place}/><rect class="grid" ${place}/>` +
        (classes.length <= NUMBERED ? number : '')
      );
    });
  });
  const names = classes.map(({ name }, index) => {
    const middle = (index + 0.5) * cell;
    const [x, y] = [left + middle, top + side + 14];
    return (
      label(left - 8, top + middle + 4, shorten(name), 'text-anchor="end"') +
      label(x, y, shorten(name), `text-anchor="end" transform="rotate(-35 ${x} ${y})"`)
    );
  });
  const width = Math.max(left + side + 24, 420);
  return {
    name: `confusion-${part}`,
    title: `Confusion matrix (${part})`,
    description: `Rows are true classes, columns predicted ones; accuracy ${accuracy.toFixed(3)}. ${confusionWords(classes, confusion)}`,
    width,
    height: top + side + 110,
    body: [
      label(16, 20, `Confusion matrix (${part})`, 'class="title"'),
      label(16, 40, 'rows: true class, columns: predicted class; colour: share of the row', 'class="soft"'),
      ...cells,
      ...names,
    ].join('\n'),
  };
}

/** The largest confusion, which is what people look for first. */
function confusionWords(classes: ClassificationMetrics['classes'], confusion: readonly (readonly number[])[]): string {
  let [most, words] = [0, 'No image was put into a wrong class.'];
  confusion.forEach((row, truth) =>
    row.forEach((count, predicted) => {
      if (truth === predicted || count <= most) return;
      most = count;
      words = `Most often ${classes[truth]?.name ?? ''} was taken for ${classes[predicted]?.name ?? ''} (${count} images).`;
    }),
  );
  return words;
}
