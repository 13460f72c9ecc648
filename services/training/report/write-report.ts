import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { PartMetrics } from '../domain/evaluation';
import type { EpochMetrics } from '../protocol';
import { confusionSvg } from './confusion';
import { curvesSvg } from './curves';

export interface Report {
  history: EpochMetrics[];
  /** Of the best epoch, by part. */
  metrics: Record<string, PartMetrics>;
  /** Per sample of the part that the pictures show. */
  samples: { name: string; [score: string]: unknown }[];
  /** Absent when pictures of the data are not wanted. */
  examples?: Buffer;
}

/** Writes the report's files below `folder`/report. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  const target = join(folder, 'report');
  await mkdir(target, { recursive: true });
  const { history, metrics, samples, examples } = report;
  await writeFile(join(target, 'metrics.json'), `${JSON.stringify({ metrics, history, samples }, null, 2)}\n`);
  await writeFile(join(target, 'curves.svg'), curvesSvg(history));
  for (const [part, scores] of Object.entries(metrics)) {
    if ('confusion' in scores) await writeFile(join(target, `confusion-${part}.svg`), confusionSvg(scores));
  }
  if (examples) await writeFile(join(target, 'gallery.png'), examples);
}
