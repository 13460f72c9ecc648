// Results that are computed again: by a model of one line, on real files.

import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  analyse,
  dicomResults,
  FileImages,
  resultPool,
  verify,
  type AnalysisDeps,
  type DescribedModel,
  type Models,
  type Verification,
} from '../../../../services/analysis';
import { seriesFiles } from '../../../support/scanned-series';
import { MODEL } from '../../../support/drawn-masks';

const STUDY = '1.2.3';
const SIDE = 16;
const CREATED = new Date('2026-11-29T12:00:00Z');
const signal = new AbortController().signal;

const DESCRIBED: DescribedModel = {
  name: MODEL.name,
  version: MODEL.version,
  task: 'segmentation',
  weightsSha256: MODEL.weightsSha256,
  baseSha256: 'b2'.repeat(32),
  names: ['lesion'],
  threshold: 0.5,
  preprocessing: MODEL.preprocessing,
  terms: MODEL.terms,
};

/** Draws what is brighter than `level`. */
function modelsOf(described: DescribedModel, level = 128): Models & { asked: number } {
  const { weightsSha256, baseSha256 } = described;
  const by = { weightsSha256, baseSha256, precision: 'fp32' };
  return {
    asked: 0,
    describe: () => Promise.resolve(described),
    segment({ pixels: { data, width, height } }) {
      this.asked += 1;
      const mask = Uint8Array.from(data, (value) => (value > level ? 1 : 0));
      return Promise.resolve({ by, masks: [{ structure: 'lesion', width, height, mask, probability: 0.8 }] });
    },
    classify: () => Promise.reject(new Error('it draws')),
  };
}

let folder: string;
let result: Record<'segmentation' | 'report', Uint8Array>;

const depsOf = (models: Models): AnalysisDeps => ({
  models,
  images: new FileImages((path) => path, 1),
  build: MODEL.build,
  inFlight: 2,
});

/** Writes the study, and answers its paths. */
function study(name: string, { bright = 200, window = '127.5' } = {}): string[] {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  const pictures = [0, 1, 2].map((slice) => ({
    width: SIDE,
    height: SIDE,
    pixels: Uint8Array.from({ length: SIDE * SIDE }, (_, at) => (at % SIDE < 4 + slice ? bright : 20)),
  }));
  const more = { '00281050': ['DS', window] as const };
  seriesFiles(pictures, { study: STUDY, more }).forEach((file, at) => writeFileSync(join(path, `${at}.dcm`), file));
  return readdirSync(path).map((file) => join(path, file));
}

const task = { name: 'r', task: 'segmentation' as const, model: MODEL.name, results: ['SEG' as const, 'SR' as const] };

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-verify-'));
  const files = study('first');
  const found = await analyse({ rule: task, created: CREATED, files }, depsOf(modelsOf(DESCRIBED)), signal);
  const { context, masks } = found;
  if (!masks) throw new Error('it draws');
  const segmentation = await dicomResults.segmentation(context, masks);
  const report = await dicomResults.report(context, { masks }, segmentation);
  result = { segmentation: segmentation?.bytes ?? new Uint8Array(), report: report.bytes };
});
afterAll(async () => {
  await resultPool.close();
  rmSync(folder, { recursive: true, force: true });
});

const changes = ({ differences }: Verification): string[] => differences.map(({ what }) => what);

it.each(['segmentation', 'report'] as const)('the same study and model: the %s is equal', async (kind) => {
  const answer = await verify(result[kind], study('first'), depsOf(modelsOf(DESCRIBED)), signal);
  expect(answer).toMatchObject({ equal: true, differences: [], images: 3 });
});

it('names changed weights, and says how far the masks agree', async () => {
  const other = { ...DESCRIBED, weightsSha256: 'c3'.repeat(32) };
  const answer = await verify(result.segmentation, study('first'), depsOf(modelsOf(other, 10)), signal);
  expect(changes(answer)).toEqual(['weights']);
  expect(answer.equal).toBe(false);
  // 4 + 5 + 6 columns of 16 were drawn, and now all of them.
  expect(answer.agreements).toEqual([{ name: 'lesion', dice: (2 * 15) / (15 + 48) }]);
});

it('names a changed pixel, even when the model draws the same', async () => {
  const answer = await verify(
    result.segmentation,
    study('pixel', { bright: 201 }),
    depsOf(modelsOf(DESCRIBED)),
    signal,
  );
  expect(changes(answer)).toEqual(['pixels']);
  expect(answer.equal).toBe(true);
});

it('names a changed window', async () => {
  const answer = await verify(result.report, study('window', { window: '60' }), depsOf(modelsOf(DESCRIBED)), signal);
  expect(changes(answer)).toEqual(['window']);
});

it.each<[string, Partial<DescribedModel>]>([
  ['base', { baseSha256: 'd4'.repeat(32) }],
  ['preprocessing', { preprocessing: '{"fit":"pad"}' }],
])('names a changed %s', async (what, change) => {
  const deps = depsOf(modelsOf({ ...DESCRIBED, ...change }));
  expect(changes(await verify(result.report, study('first'), deps, signal))).toEqual([what]);
});

it('says how many images are missing', async () => {
  const verified = verify(result.report, study('first').slice(1), depsOf(modelsOf(DESCRIBED)), signal);
  await expect(verified).rejects.toMatchObject({
    code: 'NOT_FOUND',
    message: expect.stringMatching(/^1 of the 3 images/) as string,
  });
});

it('a model without coded terms is refused before it is asked anything', async () => {
  const models = modelsOf({ ...DESCRIBED, terms: {} });
  const refused = analyse({ rule: task, created: CREATED, files: study('first') }, depsOf(models), signal);
  await expect(refused).rejects.toMatchObject({
    defect: 'TERMS',
    message: expect.stringContaining('"lesion"') as string,
  });
  expect(models.asked).toBe(0);
});
