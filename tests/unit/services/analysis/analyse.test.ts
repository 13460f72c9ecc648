// Series that are not what they should be, and models that answer what they should not: each ends with its reason.

import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  analyse,
  FileImages,
  type AnalysisDeps,
  type DescribedModel,
  type Models,
} from '../../../../services/analysis';
import { judgeFailure } from '../../../../services/pacs/domain/failures';
import type { DicomElements } from '../../../support/dicom';
import { MODEL } from '../../../support/drawn-masks';
import { imageUid, seriesFiles } from '../../../support/scanned-series';

const STUDY = '1.2.3';
const SIDE = 16;
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
const BY = { weightsSha256: DESCRIBED.weightsSha256, baseSha256: DESCRIBED.baseSha256, precision: 'fp32' };

type Segmented = Awaited<ReturnType<Models['segment']>>;

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'automed-analyse-'))));
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function good(change: Partial<Segmented['masks'][number]> = {}): Segmented {
  const mask = new Uint8Array(SIDE * SIDE).fill(1, 0, 40);
  return { by: BY, masks: [{ structure: 'lesion', width: SIDE, height: SIDE, mask, probability: 0.8, ...change }] };
}

/** Writes slices, each with what it has besides, and answers what becomes of their analysis. */
async function ends(slices: readonly DicomElements[], answer: () => Segmented = good): Promise<object> {
  mkdirSync(folder, { recursive: true });
  const picture = { width: SIDE, height: SIDE, pixels: new Uint8Array(SIDE * SIDE).fill(90) };
  const files = slices.map((more, at) => {
    const path = join(folder, `${at}.dcm`);
    const made = seriesFiles(
      slices.map(() => picture),
      { study: STUDY, more },
    );
    writeFileSync(path, made[at] ?? '');
    return path;
  });
  const deps: AnalysisDeps = {
    models: {
      describe: () => Promise.resolve(DESCRIBED),
      segment: () => Promise.resolve(answer()),
      classify: () => Promise.reject(new Error('it draws')),
    },
    images: new FileImages((path) => path, 1),
    build: MODEL.build,
    inFlight: 1,
  };
  const rule = { name: 'r', task: 'segmentation' as const, model: MODEL.name, results: ['SEG' as const] };
  const created = new Date('2026-11-29T12:00:00Z');
  return analyse({ rule, created, files }, deps, new AbortController().signal).then(
    ({ model }) => ({ model }),
    (error: unknown) => judgeFailure(error),
  );
}

const at = (z: number): DicomElements => ({ '00200032': ['DS', `-100\\-100\\${z}`] });
const uid = (slice: number): string => imageUid(STUDY, slice);
const rejected = (code: string, ...said: string[]): object => ({
  ...{ code, transient: false },
  message: expect.stringMatching(new RegExp(said.map((each) => each.replaceAll('.', '[.]')).join('.*'))) as string,
});

it('of a stack is an analysis', async () => {
  expect(await ends([at(0), at(3), at(6)])).toEqual({ model: `${MODEL.name}@${MODEL.version}` });
});

it.each<[string, DicomElements[], object]>([
  ['a gap', [at(0), at(3), at(9), at(12)], rejected('GEOMETRY_REJECTED', 'missing', uid(2))],
  ['a slice twice', [at(0), at(3), at(3), at(6)], rejected('GEOMETRY_REJECTED', 'in one place', uid(2))],
  [
    'two orientations',
    [at(0), at(3), { ...at(6), '00200037': ['DS', '1\\0\\0\\0\\0\\-1'] }],
    rejected('GEOMETRY_REJECTED', 'another orientation', uid(2)),
  ],
  [
    'two spacings',
    [at(0), at(3), { ...at(6), '00280030': ['DS', '9\\9'] }],
    rejected('GEOMETRY_REJECTED', 'another size or pixel spacing', uid(2)),
  ],
  [
    'pixels that are too few',
    [at(0), at(3), { ...at(6), '7fe00010': ['OW', Buffer.alloc(20)] }],
    { code: expect.stringMatching(/^PIXEL/) as string, transient: false },
  ],
])('of a series with %s is refused, the slice named', async (_, slices, failure) => {
  expect(await ends(slices)).toMatchObject(failure);
});

it.each<[string, () => Segmented, object]>([
  [
    'a mask of another size',
    () => good({ width: SIDE / 2, mask: new Uint8Array((SIDE * SIDE) / 2) }),
    rejected('BAD_ANSWER', 'another size'),
  ],
  ['another structure', () => good({ structure: 'spleen' }), rejected('BAD_ANSWER', 'other structures')],
  ['no structure', () => ({ by: BY, masks: [] }), rejected('BAD_ANSWER', 'other structures')],
  [
    'the weights of another version',
    () => ({ ...good(), by: { ...BY, weightsSha256: 'ff'.repeat(32) } }),
    { code: 'SERVICE_UNAVAILABLE', transient: true },
  ],
])('with %s for an answer is none', async (_, answer, failure) => {
  expect(await ends([at(0), at(3)], answer)).toMatchObject(failure);
});
