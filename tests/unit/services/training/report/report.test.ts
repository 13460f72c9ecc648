import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { classificationMetrics } from '../../../../../services/training/domain/metrics';
import type { EpochMetrics } from '../../../../../services/training/protocol';
import { confusionSvg } from '../../../../../services/training/report/confusion';
import { curvesSvg } from '../../../../../services/training/report/curves';
import { chooseExamples } from '../../../../../services/training/report/pictures';
import { writeReport } from '../../../../../services/training/report/write-report';
import { temporaryFolder } from '../../../../support/data';

const folder = temporaryFolder();
const history: EpochMetrics[] = [1, 2, 3].map((epoch) => ({
  epoch,
  trainLoss: 1 / epoch,
  validationLoss: 1.2 / epoch,
  learningRate: 1e-3,
  score: epoch / 4,
  accuracy: epoch / 4,
  macroF1: epoch / 5,
}));
const scores = {
  ...classificationMetrics(
    [
      { label: 0, predicted: 0 },
      { label: 1, predicted: 0 },
    ],
    ['a<b', 'c&d'],
  ),
  loss: 0.5,
};

describe('the report', () => {
  it('draws curves and matrix as SVG that renders', async () => {
    for (const svg of [curvesSvg(history), curvesSvg(history.slice(0, 1)), confusionSvg(scores)]) {
      expect((await sharp(Buffer.from(svg)).metadata()).format).toBe('svg');
    }
  });

  it('shows the best, the middle and the worst without repeats', () => {
    const sorted = Array.from({ length: 30 }, (_, index) => index);
    expect(chooseExamples(sorted)).toEqual([0, 1, 2, 3, 13, 14, 15, 16, 26, 27, 28, 29]);
    expect(chooseExamples([1, 2, 3])).toEqual([1, 2, 3]);
  });

  it('is written as files, without pictures when they are not wanted', async () => {
    await writeReport(folder, { history, metrics: { validation: scores }, samples: [{ name: 'x' }] });
    const text = readFileSync(join(folder, 'report', 'metrics.json'), 'utf8');
    expect(JSON.parse(text)).toMatchObject({ metrics: { validation: { accuracy: 0.5 } }, samples: [{ name: 'x' }] });
    expect(existsSync(join(folder, 'report', 'confusion-validation.svg'))).toBe(true);
    expect(existsSync(join(folder, 'report', 'gallery.png'))).toBe(false);
  });
});
