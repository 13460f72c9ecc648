import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { assess, type ScoredSample } from '../../../../../services/scoring/results/assessment';
import type { EpochMetrics } from '../../../../../services/scoring/results/epoch-metrics';
import { drawCases } from '../../../../../services/scoring/report/cases';
import { confusionFigure } from '../../../../../services/scoring/report/confusion';
import { curvesFigure } from '../../../../../services/scoring/report/curves';
import { standaloneSvg } from '../../../../../services/scoring/report/figure';
import { writeReport, type Report } from '../../../../../services/scoring/report/write-report';
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
/** What somebody may call a class or a file, to do harm. */
const SCRIPT = '<script>alert(1)</script>';
const ATTRIBUTE = '" onload="alert(2)\u0001';

const classes = [SCRIPT, 'c&d'];
const sorted: ScoredSample[] = [0.9, 0.4, 0.7, 0.2].map((probability, index) => ({
  name: index === 0 ? `${SCRIPT}${ATTRIBUTE}.png` : `image-${index}.png`,
  group: 'p<1>',
  loss: 0.5,
  structures: null,
  point: null,
  probabilities: [probability, 1 - probability],
  label: index % 2,
}));
const classified = { classes, structures: [] };
const ofClasses: Report = {
  title: ATTRIBUTE,
  labels: classified,
  history,
  parts: { validation: { metrics: assess(sorted, classified, { seed: 1 }), samples: sorted } },
  shown: 'validation',
  facts: [{ name: 'origin', value: `<img src=x>` }],
};

const pixels = {
  data: new Uint8Array(40 * 30 * 3).fill(90),
  width: 40,
  height: 30,
  channels: 3,
  sampleType: 'uint8',
} as const;
const square = (left: number): Uint8Array =>
  Uint8Array.from({ length: 40 * 30 }, (_, at) => (at % 40 >= left && at % 40 < left + 10 && at < 600 ? 1 : 0));
const drawn: ScoredSample[] = ['b', 'a'].map((name, index) => ({
  name,
  structures: [{ dice: 0.5 + index / 4, iou: 0.4, hd95Px: 5, asdPx: null }],
  point: null,
  probabilities: null,
  label: null,
}));
const segmented = { classes: [], structures: ['lesion'] };

async function reportOfMasks(): Promise<Report> {
  return {
    title: 'lesion',
    labels: segmented,
    history: [],
    parts: { test: { metrics: assess(drawn, segmented, { seed: 1 }), samples: drawn } },
    shown: 'test',
    facts: [],
    cases: await drawCases(drawn, async () => ({ pixels, truth: square(5), predicted: square(8) }), segmented),
  };
}

describe('the report', () => {
  it('draws every figure as an SVG and a PNG that can be read', async () => {
    const target = join(folder, 'classes');
    await writeReport(target, ofClasses);
    const figures = ['calibration', 'confusion', 'precision-recall', 'roc'].map((name) => `${name}-validation`);
    const files = [...figures, 'curves'].flatMap((name) => [`${name}.png`, `${name}.svg`]);
    expect(readdirSync(target).sort()).toEqual([...files, 'metrics.json', 'report.html'].sort());
    for (const name of [...figures, 'curves']) {
      const { format, width = 0 } = await sharp(join(target, `${name}.png`)).metadata();
      expect([name, format, width >= 800]).toEqual([name, 'png', true]);
    }
  });

  it('draws one epoch, and names that would break XML', async () => {
    const metrics = ofClasses.parts['validation']?.metrics;
    if (!metrics || !('confusion' in metrics)) throw new Error('these are classes');
    for (const figure of [curvesFigure(history.slice(0, 1)), confusionFigure('test', metrics)]) {
      const { data } = await sharp(Buffer.from(standaloneSvg(figure)))
        .raw()
        .toBuffer({ resolveWithObject: true });
      expect(new Set(data).size).toBeGreaterThan(2);
    }
  });

  it('lets no name of a class, a file or a model become markup', async () => {
    const target = join(folder, 'hostile');
    await writeReport(target, ofClasses);
    const html = readFileSync(join(target, 'report.html'), 'utf8');
    expect(html).not.toContain(SCRIPT);
    expect(html.match(/<script/g)).toHaveLength(1);
    expect(html).not.toMatch(/<img/);
    expect(html).not.toMatch(/<[^>]*[\s"]onload=/);
    expect(html).not.toContain('\u0001');
    expect(html).toContain('&#60;script&#62;alert(1)');
    expect(html).toMatch(/script-src 'sha256-[A-Za-z0-9+/=]+'/);
    for (const name of readdirSync(target).filter((each) => each.endsWith('.svg'))) {
      expect(readFileSync(join(target, name), 'utf8')).not.toContain('<script');
    }
  });

  it('refers to nothing outside of itself', async () => {
    const target = join(folder, 'masks');
    await writeReport(target, await reportOfMasks());
    const html = readFileSync(join(target, 'report.html'), 'utf8');
    const references = [...html.matchAll(/(?:\b(?:href|src)\s*=\s*["']?|\burl\()([^"'\s)>]+)/g)].map(
      ([, target = '']) => target,
    );
    expect(references.length).toBeGreaterThan(0);
    expect(references.filter((reference) => !reference.startsWith('data:image/png;base64,'))).toEqual([]);
    expect(html).toContain('aria-label="a with the true and the predicted outline: Dice 0.750, IoU 0.400"');
    expect(html).toContain('prefers-color-scheme:dark');
  });

  it('lists the worst image first', async () => {
    const target = join(folder, 'order');
    await writeReport(target, await reportOfMasks());
    const html = readFileSync(join(target, 'report.html'), 'utf8');
    const rows = [...html.matchAll(/<tr><td>(.)<\/td><td class="number">(0\.\d+)/g)].map(([, name, dice]) => [
      name,
      dice,
    ]);
    expect(rows).toEqual([['b', '0.500'], ['a', '0.750']]); // prettier-ignore
  });

  it('holds pictures of the data only where they are wanted', async () => {
    const [without, withThem] = [join(folder, 'without'), join(folder, 'with')];
    const { cases, ...report } = await reportOfMasks();
    await writeReport(without, report);
    await writeReport(withThem, { ...report, cases: cases ?? [] });
    expect(readFileSync(join(without, 'report.html'), 'utf8')).not.toContain('data:image');
    expect(existsSync(join(without, 'gallery.png'))).toBe(false);
    expect(readFileSync(join(withThem, 'report.html'), 'utf8').match(/data:image\/png/g)).toHaveLength(2);
    expect(existsSync(join(withThem, 'gallery.png'))).toBe(true);
  });

  it('says on how many images a score was measured, and of which class nothing is known', async () => {
    const target = join(folder, 'counts');
    const labels = { classes: [...classes, 'absent'], structures: [] };
    const three = sorted.map((sample) => ({
      ...sample,
      probabilities: [...Array.from(sample.probabilities ?? []), 0],
    }));
    const metrics = assess(three, labels, { seed: 1 });
    await writeReport(target, { ...ofClasses, labels, parts: { validation: { metrics, samples: three } } });
    const html = readFileSync(join(target, 'report.html'), 'utf8');
    expect(html).toMatch(/macro F1<\/td>.*2 of 3 classes/);
    expect(html).toContain('<tr><td>absent</td><td>-</td><td>-</td><td>-</td><td>-</td><td>-</td></tr>');
    expect(html).toContain('2 of 4 images');
    expect(html).toContain('Nothing to score: no image is of absent, and none was taken for it.');
    const { metrics: written } = JSON.parse(readFileSync(join(target, 'metrics.json'), 'utf8')) as {
      metrics: Record<string, { classes: object[] }>;
    };
    const unknown = { name: 'absent', precision: null, recall: null, f1: null, support: 0 };
    expect(written['validation']?.classes[2]).toEqual(unknown);
  });

  it('keeps the same numbers for programs', async () => {
    const target = join(folder, 'numbers');
    await writeReport(target, ofClasses);
    const {
      metrics,
      samples,
      history: epochs,
    } = JSON.parse(readFileSync(join(target, 'metrics.json'), 'utf8')) as {
      metrics: Record<string, unknown>;
      samples: unknown[];
      history: unknown[];
    };
    expect(metrics['validation']).toMatchObject({ accuracy: 1, intervals: { unit: 'group', units: 1 } });
    expect(epochs).toHaveLength(3);
    expect(samples[1]).toEqual({
      name: 'image-1.png',
      group: 'p<1>',
      loss: 0.5,
      label: 'c&d',
      predicted: 'c&d',
      probabilities: [0.4, 0.6],
    });
  });
});
