// A whole table at a size that says nothing about the systems: what matters is that every row is trained, measured on the
// same images and reported, and that a second run of the command has nothing left to do.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TableReport } from '../../../services/reproduction/report';
import { ModelStore } from '../../../services/store';
import { writeDemoData } from '../../../services/synthetic/demo-data';
import { temporaryFolder } from '../../support/data';
import { startAutomed, type Ended } from './automed-process';

jest.setTimeout(900_000);

const root = temporaryFolder();
let data: { segmentation: string; classification: string };

beforeAll(async () => {
  data = await writeDemoData(join(root, 'data'), { seed: 3, trainCount: 18, testCount: 6 });
});

async function reproduce(table: string, folder: string): Promise<Ended> {
  const out = ['--out', join(root, table), '--home', join(root, 'home')];
  const size = ['--epochs', '1', '--limit', '12', '--threads', '1'];
  return startAutomed(['reproduce', table, '--data', folder, ...size, ...out]).ended;
}

const reportOf = (table: string): TableReport =>
  JSON.parse(readFileSync(join(root, table, 'report.json'), 'utf8')) as TableReport;

test('reproduce trains and measures every system of a table once, and reports them', async () => {
  const first = await reproduce('table4', data.segmentation);
  expect({ code: first.code, err: first.code === 0 ? '' : first.err }).toEqual({ code: 0, err: '' });
  const report = reportOf('table4');
  expect(report.lines.map(({ title, prompt }) => `${title}: ${prompt}`)).toEqual([
    'SAM: true box',
    'SAM: one point',
    'SAM-Med2D: true box',
    'SAM-Med2D: one point',
    'AutoSAM: none',
    'SAM-AutoMed: none',
  ]);
  for (const { measured, paper } of report.lines) {
    expect(Object.keys(measured)).toEqual(['miou', 'mdsc']);
    expect(Object.keys(paper ?? {})).toEqual(['REFUGE2', 'CVC-ClinicDB', 'HAM10000']);
  }
  expect(report.split).toMatchObject({ test: 3 });
  const store = await ModelStore.open(join(root, 'home'));
  const [autosam, automed] = await Promise.all(
    ['autosam', 'automed'].map((id) => store.resolveModel(`reproduce-table4-${id}`)),
  );
  expect(autosam?.manifest.architecture.kind).toBe('autosam');
  // Each on its own base, SAM's and SAM-Med2D's, and on the same data.
  expect([autosam?.manifest.base.name, automed?.manifest.base.name]).toEqual([
    'reproduce-table4-sam',
    'reproduce-table4-sam-med2d',
  ]);
  expect(autosam?.manifest.dataset.fingerprint).toBe(automed?.manifest.dataset.fingerprint);

  const second = await reproduce('table4', data.segmentation);
  expect(second.code).toBe(0);
  expect(reportOf('table4').lines).toEqual(report.lines);
  expect((await store.listModels()).filter(({ manifest }) => manifest.version > 1)).toEqual([]);
});

test('reproduce refuses a folder of the other task by name', async () => {
  const { code, err } = await reproduce('table9', data.classification);
  expect(code).toBe(1);
  expect(err).toMatch(/has no images\//);
});
