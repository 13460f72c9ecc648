import type { NextLabels__Output } from '../../proto/gen/automed/datasets/v1/NextLabels';
import { table } from './table';

/** An order of images to label, and whether it helps. */
export function nextLabelLines({
  images,
  unlabelledCount,
  labelledCount,
  benefit,
  reason,
}: NextLabels__Output): string[] {
  const rows = images.map(({ name, uncertainty }, at) => [String(at + 1), name, uncertainty.toFixed(3)]);
  return [
    table(['', 'IMAGE', 'UNCERTAINTY'], rows),
    `${images.length} of ${unlabelledCount} images without a label; ${labelledCount} labelled ones were learned from`,
    benefit?.statement ?? reason,
  ];
}

export function nextLabelsJson(dataset: string, order: NextLabels__Output): object {
  const { unlabelledCount: unlabelled, labelledCount: labelled, benefit, reason } = order;
  const images = order.images.map(({ name, uncertainty }) => ({ name, uncertainty }));
  return { dataset, images, unlabelled, labelled, benefit, reason };
}
