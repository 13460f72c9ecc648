import { assess, type ScoredSample } from '../../../../../services/scoring/results/assessment';
import { limitsOf, literal, modelCard, type CardFacts } from '../../../../../services/scoring/report/model-card';

const samples: ScoredSample[] = [0.9, 0.4, 0.7].map((probability, index) => ({
  name: `${index}`,
  group: `p${index}`,
  structures: null,
  point: null,
  probabilities: [probability, 1 - probability],
  label: index % 2,
}));
const classes = ['rare|<b>', 'common'];
const part = (images: number, perClass: number[]): CardFacts['parts']['train'] => ({
  images,
  groups: undefined,
  perClass,
});
const facts: CardFacts = {
  name: 'tumour',
  purpose: 'tells things apart',
  classes,
  data: [{ name: 'fingerprint', value: 'abc' }],
  parts: { train: part(110, [10, 100]), validation: part(3, [1, 2]), test: part(0, [0, 0]) },
  groupColumn: undefined,
  skipped: 2,
  lineage: [{ name: 'base', value: 'tiny@1' }],
  training: [{ name: 'seed', value: '7' }],
  metrics: { validation: assess(samples, { classes, structures: [] }, { seed: 1 }) },
  licence: 'research *only*',
};

describe('the model card', () => {
  it('says what the model is for, on which data, how well, and with which limits', () => {
    const card = modelCard(facts);
    for (const heading of ['Intended use', 'Data', 'Base and lineage', 'Training', 'Metrics', 'Limits', 'Licence']) {
      expect(card).toContain(`\n## ${heading}\n`);
    }
    expect(card).toContain('Not a medical device');
    expect(card).toMatch(/\| accuracy \| 1\.0000 \| 1\.000 to 1\.000 \| all \|/);
    expect(card).toContain('| train | 110 | 10 | 100 |');
    expect(card).toMatch(/: recall \| 1\.0000 \| - \| 1 of 3 images \|/);
  });

  it('names the limits that the data shows', () => {
    const limits = limitsOf(facts).join('\n');
    expect(limits).toMatch(/There is no test part/);
    expect(limits).toMatch(/names no patients/);
    expect(limits).toMatch(/smallest class in training is rare\\\|&lt;b\\> with 10 images, the largest is 10\.0 times/);
    expect(limits).toMatch(/rest on 3 groups/);
    expect(limits).toMatch(/2 files of the data could not be used/);
    const better = limitsOf({
      ...facts,
      groupColumn: 'patient',
      skipped: 0,
      parts: { ...facts.parts, test: part(500, [50, 450]) },
    });
    expect(better.join('\n')).not.toMatch(/test part|names no patients|could not be used/);
  });

  it('takes names literally', () => {
    expect(literal('a|b\n# <script> [x](y) `z`')).toBe(String.raw`a\|b \# &lt;script\> \[x\]\(y\) \`z\``);
    expect(modelCard(facts)).not.toContain('<b>');
    expect(modelCard(facts)).toContain(String.raw`research \*only\*`);
  });
});
