// In which encoding receivers get what was drawn: Orthanc without unknown classes, and a storescp that takes captures and reports only.

import { readFileSync, writeFileSync } from 'node:fs';
import { valueOf, type Orthanc } from '../../support/orthanc';
import { StoreScp } from '../../support/storescp';
import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

const BINARY = '1.2.840.10008.5.1.4.1.1.66.4';
const LABELMAP = '1.2.840.10008.5.1.4.1.1.66.7';
const PRESENTATION = '1.2.840.10008.5.1.4.1.1.11.1';
const REPORT = '1.2.840.10008.5.1.4.1.1.88.33';

/** Site with what the archive gets, and a second destination. */
function siteWith(folder: string, orthanc: Orthanc, archive: string, second = ''): string {
  const path = writeSite(folder, orthanc, BRIDGE, 'lesion');
  const text = readFileSync(path, 'utf8')
    .replace(`ae: ${orthanc.aet} }`, `ae: ${orthanc.aet}, ${archive} }${second}`)
    .replace('send_to: archive', second === '' ? 'send_to: archive' : 'send_to: [archive, old]');
  writeFileSync(path, text);
  return path;
}

async function classes(platform: Platform, study: string): Promise<string[]> {
  const instances = await platform.orthanc.query(`/studies/${study}/instances?includefield=00080016`);
  return [...new Set(instances.map((each) => valueOf(each, '00080016')))].sort();
}

withArchive('an archive that takes label maps, and a receiver that takes captures and reports only', () => {
  let platform: Platform;
  let old: StoreScp;
  beforeAll(async () => {
    platform = await Platform.start((folder, orthanc) =>
      siteWith(folder, orthanc, 'encodings: [LABELMAP, BINARY], also: [GSPS]'),
    );
    old = await StoreScp.start(platform.folder, ['SecondaryCaptureImageStorage', 'ComprehensiveSRStorage']);
    siteWith(
      platform.folder,
      platform.orthanc,
      'encodings: [LABELMAP, BINARY], also: [GSPS]',
      `\n  old: { kind: dicom, host: 127.0.0.1, port: ${old.port}, ae: STORESCP }`,
    );
    await until('the site is read again', () => platform.bridge.lines.some(({ event }) => event === 'site-reloaded'));
  });
  afterAll(async () => {
    old?.stop();
    await platform?.stop();
  });

  it('gets what each of them takes', async () => {
    const study = '1.2.826.0.1.95.1';
    platform.send(study);
    await until(study, () => platform.settled(study));
    expect(await classes(platform, study)).toEqual([PRESENTATION, LABELMAP, REPORT].sort());
    expect(old.received().sort()).toEqual(['SC', 'SC', 'SC', 'SRc']);
    const explained = await platform.ask((client) => client.get(study));
    const choices = explained.series[0]?.verdicts[0]?.encodings ?? [];
    expect(choices.map(({ destination, encoding }) => [destination, encoding])).toEqual([
      ['archive', 'LABELMAP'],
      ['old', 'CAPTURE'],
    ]);
    expect(choices[1]?.reason).toMatch(/BINARY was refused on .*LABELMAP was refused on/);
  });

  it('sends the next study in the right encoding at once', async () => {
    const study = '1.2.826.0.1.95.2';
    platform.send(study, { seed: 2 });
    await until(study, () => platform.settled(study));
    const { series } = await platform.ask((client) => client.get(study));
    const sent = series.flatMap(({ analyses }) => analyses.flatMap(({ results }) => results));
    const states = sent.flatMap(({ kind, deliveries }) =>
      deliveries.filter(({ destination }) => destination === 'old').map(({ state }) => `${kind} ${state}`),
    );
    expect([...new Set(states)].sort()).toEqual(['SC WORK_STATE_DONE', 'SR WORK_STATE_DONE']);
  });
});

withArchive('an archive that does not know label maps', () => {
  let platform: Platform;
  beforeAll(async () => {
    const site = (folder: string, orthanc: Orthanc): string =>
      siteWith(folder, orthanc, 'encodings: [LABELMAP, BINARY, CAPTURE]');
    platform = await Platform.start(site, { takesUnknown: false });
  });
  afterAll(() => platform?.stop());

  it('gets a binary segmentation, with a report that refers to that', async () => {
    const study = '1.2.826.0.1.94.1';
    platform.send(study);
    await until(study, () => platform.settled(study));
    expect(await classes(platform, study)).toEqual([BINARY, REPORT]);
    const objects = await platform.orthanc.retrieve(`/studies/${study}`);
    const report = objects.find((bytes) => bytes.includes('Imaging Measurement Report'));
    const segmentation = objects.find((bytes) => bytes !== report);
    expect(segmentation).toBeDefined();
    const instances = await platform.orthanc.query(`/studies/${study}/instances?includefield=00080016`);
    const uid = valueOf(
      instances.find((each) => valueOf(each, '00080016') === BINARY),
      '00080018',
    );
    expect(report?.includes(uid)).toBe(true);
  });

  it('says in the trace what was not sent, and why', async () => {
    const { series } = await platform.ask((client) => client.get('1.2.826.0.1.94.1'));
    const results = series.flatMap(({ analyses }) => analyses.flatMap((each) => each.results));
    const labelmap = results.find(({ kind }) => kind === 'LABELMAP')?.deliveries[0];
    expect(labelmap).toMatchObject({ state: 'WORK_STATE_SUPERSEDED', code: 'NOT_SUPPORTED' });
    expect(labelmap?.message).toContain('It goes as SEG instead.');
  });
});
