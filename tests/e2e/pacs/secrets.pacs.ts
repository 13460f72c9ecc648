// Names and numbers planted into headers, good and bad: none of them is in anything that the programs write for operators.

import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseDicom } from 'dicom-parser';
import type { Orthanc } from '../../support/orthanc';
import { objectErrors } from '../../support/dicom-tools';
import { ReidentificationMap } from '../../../services/deidentification';
import type { DicomElements } from '../../support/dicom';
import { seriesFiles } from '../../support/scanned-series';
import { sendStudy, writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

const STUDY = '1.2.826.0.1.93.1';
const PLANTED: DicomElements = {
  '00080080': ['LO', 'PLANTED-HOSPITAL'],
  '00080090': ['PN', 'PLANTED^REFERRER'],
  '00081030': ['LO', 'PLANTED-STUDY'],
  '00081070': ['PN', 'PLANTED^OPERATOR'],
  '00100010': ['PN', 'PLANTED^NAME'],
  '00101000': ['LO', 'PLANTED-OTHER-ID'],
  '00101040': ['LO', 'PLANTED-ADDRESS'],
  '00104000': ['LT', 'PLANTED-COMMENT'],
  '00091040': ['LO', 'PLANTED-PRIVATE'],
  '00204000': ['LT', 'PLANTED-IMAGE-COMMENT'],
};

/** A second destination, outside the trust domain. */
function siteWithOutside(folder: string, orthanc: Orthanc): string {
  const path = writeSite(folder, orthanc, BRIDGE, 'lesion');
  const outside = `destinations:\n  outside: { kind: folder, path: ${join(folder, 'outside')}, deidentify: { dates: shift } }`;
  const text = readFileSync(path, 'utf8').replace('destinations:', outside);
  writeFileSync(path, text.replace('send_to: archive', 'send_to: [archive, outside]'));
  return path;
}

withArchive('what is written for operators', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start(siteWithOutside);
  });
  afterAll(() => platform?.stop());

  function send(name: string, change: (file: Buffer, at: number) => Buffer, more: DicomElements = {}): void {
    const folder = join(platform.folder, name);
    mkdirSync(folder);
    const pixels = new Uint8Array(64 * 64).map((_, pixel) => (pixel * 11) % 251);
    const pictures = [0, 1, 2].map(() => ({ pixels, width: 64, height: 64 }));
    const options = { study: `${STUDY}.${name.length}`, patientId: 'PLANTED-ID', description: 'PLANTED-SERIES' };
    const files = seriesFiles(pictures, { ...options, more: { ...PLANTED, ...more } });
    files.forEach((file, at) => writeFileSync(join(folder, `${at}.dcm`), change(file, at)));
    try {
      sendStudy(folder, { port: platform.port, from: 'SCANNER', to: BRIDGE });
    } catch {
      // Some of them are refused.
    }
  }

  it('holds no planted name: logs, library output, audit trail, metrics', async () => {
    send('good', (file) => file);
    send('cut-short', (file, at) => (at === 1 ? file.subarray(0, file.length - 3000) : file));
    send('other-character-set', (file) => file, { '00080005': ['CS', 'ISO_IR 9999'] });
    send('no-orientation-at-all', (file) => file, { '00200037': ['DS', 'PLANTED\\0\\0\\0\\1\\0'] });
    spawnSync('echoscu', ['-aet', 'STRANGER', '-aec', BRIDGE, '127.0.0.1', String(platform.port)]);
    await until('the good study', () => platform.settled(`${STUDY}.4`));
    await until('the others', async () => {
      const { openSeriesCount, analyses } = await platform.ask((client) => client.status());
      return Number(openSeriesCount) === 0 && !analyses.some(({ state }) => /QUEUED|RUNNING/.test(state));
    });
    const metrics = await (await fetch(`http://${platform.bridge.metricsAddress}/metrics`)).text();
    await platform.bridge.stop();

    const audit = join(platform.folder, 'pacs', 'audit');
    const trail = readdirSync(audit).map((name) => readFileSync(join(audit, name), 'utf8'));
    const outputs = [platform.bridge.output(), platform.inference.output(), metrics, ...trail];
    for (const text of outputs) {
      expect(text.match(/PLANTED[^\s"]*/g)).toBeNull();
      expect(text).not.toContain(STUDY);
    }
    // They have told what happened, all the same.
    const events = trail.join('').match(/"action":"[a-z]+"/g) ?? [];
    expect(new Set(events)).toEqual(
      new Set(
        ['start', 'received', 'analysed', 'sent', 'exported', 'refused', 'stop'].map(
          (action) => `"action":"${action}"`,
        ),
      ),
    );
    expect(trail.join('')).toMatch(/"id":"lesion@1","alternative":"sha256:[0-9a-f]{64}"/);
    expect(trail.join('')).toContain('"id":"STRANGER"');
  });

  it('and outside the trust domain nothing, which the map alone leads back', () => {
    const outside = join(platform.folder, 'outside');
    const sent = readdirSync(outside).map((name) => readFileSync(join(outside, name)));
    expect(sent.length).toBeGreaterThanOrEqual(2);
    for (const bytes of sent) {
      expect(bytes.toString('latin1').match(/PLANTED[^\0]*|1\.2\.826\.0\.1\.93[.\d]*/g)).toBeNull();
      expect(objectErrors(bytes)).toEqual([]);
    }
    const map = ReidentificationMap.open(join(platform.folder, 'pacs', 'reidentification.db'));
    const patient = parseDicom(sent[0] ?? Buffer.alloc(0)).string('x00100020') ?? '';
    expect(map.find(patient)).toEqual([{ kind: 'patient', pseudonym: patient, original: 'PLANTED-ID' }]);
    map.close();
  });
});
