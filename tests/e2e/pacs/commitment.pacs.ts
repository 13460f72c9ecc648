// Storage commitment with a real archive (Orthanc) on the other side, as the one that asks and as the one that is asked; and
// deliveries that count only with its word.

import { ReidentificationMap } from '../../../services/deidentification';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { askCommitment, CommitmentReports } from '../../../services/dicom-net/commitment';
import type { StorageServer } from '../../../services/dicom-net/storage-server';
import { courierTo } from '../../../services/pacs/adapters/couriers';
import { CommitmentReporter } from '../../../services/pacs/adapters/commitment-reporter';
import { FileIntake } from '../../../services/pacs/adapters/file-intake';
import { readInstanceHeader } from '../../../services/pacs/domain/instance-header';
import { readSite } from '../../../services/pacs-site/read-site';
import type { Site } from '../../../services/pacs-site/schema';
import { Orthanc } from '../../support/orthanc';
import { pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { seriesFiles } from '../../support/scanned-series';
import { committingPort } from '../../support/storage-port';
import { BRIDGE, until, withArchive } from './platform';

const STUDY = '1.2.826.0.1.96';

withArchive('storage commitment', () => {
  let at: Receiving;
  let server: StorageServer;
  let orthanc: Orthanc;
  let site: Site;
  const reports = new CommitmentReports();

  beforeAll(async () => {
    at = await receiving();
    server = committingPort(at, () => site, reports);
    const port = await server.listen();
    mkdirSync(join(at.folder, 'orthanc'));
    orthanc = await Orthanc.start({ folder: join(at.folder, 'orthanc'), modalities: { [BRIDGE]: { port } } });
    const { dicomPort, url, user } = orthanc;
    process.env['TEST_ORTHANC'] = orthanc.password;
    const archive = `kind: dicom, host: 127.0.0.1, port: ${dicomPort}, ae: TESTPACS`;
    site = readSite(
      `ae_title: ${BRIDGE}
accept: [{ ae: TESTPACS, address: 127.0.0.1, port: ${dicomPort} }]
delivery: { timeout_seconds: 20 }
destinations:
  plain: { ${archive} }
  committed: { ${archive}, proof: commitment }
  queried: { ${archive}, proof: query }
  web: { kind: dicomweb, url: "${url}", user: ${user}, password_from: TEST_ORTHANC, proof: query }
`,
      'pacs.yaml',
    );
  });
  afterAll(async () => {
    await server.close(0);
    await orthanc.down();
    at.end();
  });

  function object(number: number) {
    const path = join(at.folder, `${number}.dcm`);
    const [file = Buffer.alloc(0)] = seriesFiles(pictures(1), { study: `${STUDY}.${number}` });
    writeFileSync(path, file);
    return { ...readInstanceHeader(file), path };
  }

  const send = (name: string, sent: ReturnType<typeof object>) => {
    const destination = site.destinations[name];
    if (!destination) throw new Error(name);
    const password = (variable: string | undefined): string | undefined => process.env[variable ?? ''];
    const identities = ReidentificationMap.open(join(at.folder, 'reidentification.db'));
    const deps = { site, receiver: at.receiver, password, log: at.log, reports, identities };
    return courierTo(destination, deps)
      .send([sent])
      .finally(() => identities.close());
  };

  it('is asked of the archive, which knows what it has', async () => {
    const kept = object(1);
    await send('plain', kept);
    const madeUp = { ...kept, sopInstance: '1.2.826.0.1.95' };
    const { dicomPort } = orthanc;
    const target = { host: '127.0.0.1', port: dicomPort, callingAe: BRIDGE, calledAe: 'TESTPACS', timeoutMs: 20_000 };
    const report = await askCommitment(target, [kept, madeUp], reports);
    expect(report?.kept.map(({ sopInstance }) => sopInstance)).toEqual([kept.sopInstance]);
    expect(report?.failed).toMatchObject([{ sopInstance: madeUp.sopInstance, reason: 0x0112 }]);
  });

  it.each(['committed', 'queried', 'web'])('is the proof of a delivery (%s)', async (name) => {
    expect(await send(name, object(name.length))).toEqual([{ stored: true }]);
  });

  it('is given to the archive for what it sent', async () => {
    const sent = object(20);
    await send('plain', sent);
    const post = async (path: string, body: unknown): Promise<Record<string, unknown>> => {
      const response = await fetch(`http://127.0.0.1:${orthanc.httpPort}${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${orthanc.user}:${orthanc.password}`).toString('base64')}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return (await response.json()) as Record<string, unknown>;
    };
    const instances = [
      [sent.sopClass, sent.sopInstance],
      [sent.sopClass, '1.2.826.0.1.94'],
    ];
    // The bridge has the first one.
    const intake = new FileIntake(at.receiver, { way: 'folder', calling: 'TESTS', called: BRIDGE });
    await intake.write(readFileSync(sent.path));
    await intake.finish();
    const { ID } = await post(`/modalities/${BRIDGE.toLowerCase()}/storage-commitment`, { DicomInstances: instances });
    let report: Record<string, unknown> = {};
    const reporter = new CommitmentReporter({ site: () => site, reports: at.journal.reports, log: at.log });
    await until('the report', async () => {
      await reporter.step();
      report = await post(`/storage-commitment/${String(ID)}`, undefined);
      return report['Status'] !== 'Pending';
    });
    expect(report).toMatchObject({
      Status: 'Failure',
      Success: [{ SOPInstanceUID: sent.sopInstance }],
      Failures: [{ SOPInstanceUID: '1.2.826.0.1.94' }],
    });
  });
});
