// Many studies over eight associations at a time: each is complete once, and the time until its results are delivered is printed.
//
//   AUTOMED_PACS_STUDIES=500 AUTOMED_PACS_SLICES=20 npm run test:pacs -- throughput

import { spawn } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seriesFiles } from '../../support/scanned-series';
import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

const STUDIES = Number(process.env['AUTOMED_PACS_STUDIES'] ?? 24);
const SLICES = Number(process.env['AUTOMED_PACS_SLICES'] ?? 4);
const ASSOCIATIONS = 8;
const studyOf = (at: number): string => `1.2.826.0.1.92.${at + 1}`;

withArchive('many studies at a time', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start((folder, orthanc) => writeSite(folder, orthanc, BRIDGE, 'lesion'));
  });
  afterAll(() => platform?.stop());

  function storescu(at: number): Promise<number | null> {
    const folder = join(platform.folder, studyOf(at));
    mkdirSync(folder);
    const pixels = new Uint8Array(64 * 64).map((_, pixel) => (pixel * (7 + at)) % 251);
    const pictures = Array.from({ length: SLICES }, () => ({ pixels, width: 64, height: 64 }));
    seriesFiles(pictures, { study: studyOf(at) }).forEach((file, slice) => {
      writeFileSync(join(folder, `${slice}.dcm`), file);
    });
    const args = ['+sd', '-aet', 'SCANNER', '-aec', BRIDGE, '127.0.0.1', String(platform.port), folder];
    return new Promise((resolve) => spawn('storescu', args, { stdio: 'ignore' }).once('close', resolve));
  }

  it('are all complete once', async () => {
    const began = Date.now();
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < STUDIES) {
        const at = next;
        next += 1;
        expect(await storescu(at)).toBe(0);
      }
    };
    await Promise.all(Array.from({ length: ASSOCIATIONS }, worker));
    const seconds: number[] = [];
    for (let at = 0; at < STUDIES; at += 1) {
      const study = studyOf(at);
      await until(study, () => platform.settled(study));
      expect(await platform.archived(study)).toEqual(['SEG', 'SR']);
      const { study: summary, series } = await platform.ask((client) => client.get(study));
      const delivered = series.flatMap(({ analyses }) =>
        analyses.flatMap(({ results }) =>
          results.flatMap(({ deliveries }) => deliveries.map(({ time }) => Number(time?.seconds ?? 0))),
        ),
      );
      seconds.push(Math.max(...delivered) - Number(summary?.arrivalTime?.seconds ?? 0));
    }
    const { instanceCount } = await platform.ask((client) => client.status());
    expect(Number(instanceCount)).toBe(STUDIES * SLICES);
    const sorted = seconds.toSorted((a, b) => a - b);
    const p95 = sorted[Math.ceil(0.95 * sorted.length) - 1];
    const all = Math.round((Date.now() - began) / 1000);
    process.stdout.write(
      `${STUDIES} studies of ${SLICES} images in ${all} s: delivered after ${p95} s (95th percentile)\n`,
    );
  });
});
