// Deliveries to a real archive that is away, refuses, or is reached by another protocol.

import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Orthanc } from '../../support/orthanc';
import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

/** How long the archive is away. */
const AWAY_SECONDS = Number(process.env['AUTOMED_PACS_AWAY_SECONDS'] ?? 5);

/** Retries within seconds instead of minutes, and few: who is away uses none of them up. */
function quickSite(folder: string, orthanc: Orthanc): string {
  const path = writeSite(folder, orthanc, BRIDGE, 'lesion');
  const delivery = 'delivery: { attempts: 3, first_seconds: 0.2, longest_seconds: 1, timeout_seconds: 5 }\n';
  writeFileSync(path, delivery + readFileSync(path, 'utf8'));
  return path;
}

function webSite(folder: string, orthanc: Orthanc): string {
  const path = quickSite(folder, orthanc);
  const web = `archive: { kind: dicomweb, url: '${orthanc.url}', user: ${orthanc.user}, password_from: ARCHIVE_PASSWORD }`;
  writeFileSync(path, readFileSync(path, 'utf8').replace(/archive: \{ kind: dicom,.*/, web));
  return path;
}

withArchive('an archive that is away', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start(quickSite);
  });
  afterAll(() => platform?.stop());

  it('gets everything once when it comes back, without a person', async () => {
    await platform.orthanc.down();
    const studies = ['1.2.826.0.1.98.1', '1.2.826.0.1.98.2', '1.2.826.0.1.98.3'];
    for (const [at, study] of studies.entries()) platform.send(study, { seed: at });
    const away = async (): Promise<boolean> => {
      const { awayDestinations } = await platform.ask((client) => client.status());
      return awayDestinations.includes('archive');
    };
    await until('the archive is known to be away', away);
    await new Promise((resolve) => setTimeout(resolve, AWAY_SECONDS * 1000));
    await platform.orthanc.up();
    for (const study of studies) {
      await until(study, () => platform.settled(study));
      expect(await platform.archived(study)).toEqual(['SEG', 'SR']);
    }
  });

  it('holds objects in which dciodvfy finds no error', async () => {
    const objects = await platform.orthanc.retrieve('/studies/1.2.826.0.1.98.1');
    expect(objects).toHaveLength(2);
    for (const [at, object] of objects.entries()) {
      const path = join(platform.folder, `back-${at}.dcm`);
      writeFileSync(path, object);
      const { stderr } = spawnSync('dciodvfy', [path], { encoding: 'utf8' });
      expect(stderr.split('\n').filter((line) => line.startsWith('Error'))).toEqual([]);
      // It has found what it is looking at: a validator that read nothing would be content, too.
      expect(stderr).toMatch(/^(Segmentation|ComprehensiveSR)$/m);
    }
  });

  it('computes its results again, equal, from what the bridge keeps', async () => {
    for (const data of await platform.orthanc.retrieve('/studies/1.2.826.0.1.98.1')) {
      const answer = await platform.ask((client) => client.verify([{ data, endsFile: true }], { timeoutMs: 60_000 }));
      expect(answer).toMatchObject({ equal: true, differences: [], imageCount: 3 });
    }
  });

  it('says nothing of the patient in any log', () => {
    platform.send('1.2.826.0.1.98.9', { patientId: 'SECRET-PATIENT' });
    const log = JSON.stringify(platform.bridge.lines);
    const found = ['SECRET-PATIENT', 'Demo^Synthetic', 'DEMO-1', '1.2.826.0.1.98'].filter((secret) =>
      log.includes(secret),
    );
    expect(found).toEqual([]);
    expect(platform.bridge.lines.some((line) => line['event'] === 'delivered')).toBe(true);
  });
});

withArchive('an archive that does not know the bridge', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start(quickSite, { mayStore: false });
  });
  afterAll(() => platform?.stop());

  it('makes a dead letter after three attempts, which a person can send again', async () => {
    const study = '1.2.826.0.1.97.1';
    platform.send(study);
    await until(study, () => platform.settled(study));
    const { series } = await platform.ask((client) => client.get(study));
    const deliveries = series.flatMap(({ analyses }) =>
      analyses.flatMap(({ results }) => results.flatMap((each) => each.deliveries)),
    );
    expect(deliveries.map(({ state }) => state)).toEqual(['WORK_STATE_DEAD', 'WORK_STATE_DEAD']);
    for (const { attempts, code, message } of deliveries) {
      expect(attempts).toBeLessThanOrEqual(3);
      expect(code).toBe('ABORTED');
      expect(message).toContain('may not know our AE title');
    }
    expect(await platform.ask((client) => client.retry(study))).toMatchObject({ deliveryCount: 2 });
  });
});

withArchive('an archive that is reached by STOW-RS', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start(webSite, { environment: { ARCHIVE_PASSWORD: 'secret' } });
  });
  afterAll(() => platform?.stop());

  it('lists what it has stored, and only that counts', async () => {
    const study = '1.2.826.0.1.96.1';
    platform.send(study);
    await until(study, () => platform.settled(study));
    expect(await platform.archived(study)).toEqual(['SEG', 'SR']);
  });
});
