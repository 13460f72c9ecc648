// Pulls from a real archive (Orthanc): by C-FIND with C-GET and C-MOVE, and by QIDO-RS with WADO-RS. What comes is what is stored,
// byte by byte, compressed objects that the archive itself cannot decode among them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { WebArchive } from '../../../services/pacs/adapters/dicomweb/web-archive';
import { StowCourier } from '../../../services/pacs/adapters/dicomweb/stow-courier';
import { DimseArchive } from '../../../services/pacs/adapters/dimse/dimse-archive';
import type { StorageServer } from '../../../services/dicom-net/storage-server';
import { readInstanceHeader } from '../../../services/pacs/domain/instance-header';
import { pull, type Archive, type PullProgress } from '../../../services/pacs/domain/pull';
import { readSite } from '../../../services/pacs-site/read-site';
import { runCommand } from '../../support/cli';
import { dicomFile } from '../../support/dicom';
import { Orthanc } from '../../support/orthanc';
import { dataSetsOf, pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { seriesFiles } from '../../support/scanned-series';
import { storagePort } from '../../support/storage-port';
import { writeSite } from './demo/parts';
import { BRIDGE, Platform, until, withArchive } from './platform';

const STUDY = '1.2.826.0.1.98';
const WAYS = ['get', 'move', 'wado'] as const;

/** In JPEG 2000, which the archive stores and cannot decode: its stream is none. */
function compressed(): Buffer {
  const elements = {
    '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.4'],
    '00080018': ['UI', `${STUDY}.1.1`],
    '00080060': ['CS', 'MR'],
    '00100020': ['LO', 'P1'],
    '0020000d': ['UI', STUDY],
    '0020000e': ['UI', `${STUDY}.1`],
    '00280002': ['US', [1]],
    '00280004': ['CS', 'MONOCHROME2'],
    '00280010': ['US', [8]],
    '00280011': ['US', [8]],
    '00280100': ['US', [16]],
    '00280101': ['US', [16]],
    '00280102': ['US', [15]],
    '00280103': ['US', [0]],
  } as const;
  return dicomFile(elements, '1.2.840.10008.1.2.4.90', [Buffer.from([0xff, 0x4f, 1, 2, 3, 4, 0xff, 0xd9])]);
}

withArchive('pulling', () => {
  let at: Receiving;
  let server: StorageServer;
  let orthanc: Orthanc;

  beforeEach(async () => {
    at = await receiving();
    server = storagePort(at, { listener: () => ({ ownTitles: [BRIDGE], peers: [{ ae: 'TESTPACS' }] }) });
    const port = await server.listen();
    mkdirSync(join(at.folder, 'orthanc'));
    orthanc = await Orthanc.start({ folder: join(at.folder, 'orthanc'), modalities: { [BRIDGE]: { port } } });
  });
  afterEach(async () => {
    await server.close(0);
    await orthanc.down();
    at.end();
  });

  async function archive(files: readonly Buffer[]): Promise<void> {
    const courier = new StowCourier({
      url: orthanc.url,
      user: orthanc.user,
      password: orthanc.password,
      timeoutMs: 20_000,
    });
    const objects = files.map((file, index) => {
      const path = join(at.folder, `${index}.sent`);
      writeFileSync(path, file);
      return { ...readInstanceHeader(file), path };
    });
    expect((await courier.send(objects)).every(({ stored }) => stored)).toBe(true);
  }

  function archiveBy(way: (typeof WAYS)[number]): Archive {
    const { url, user, password, dicomPort } = orthanc;
    const { receiver, log } = at;
    if (way === 'wado') {
      const service = { url, user, password, timeoutMs: 20_000 };
      return new WebArchive({ service, receiver, source: { calling: 'archive', called: BRIDGE } });
    }
    const target = { host: '127.0.0.1', port: dicomPort, callingAe: BRIDGE, calledAe: 'TESTPACS', timeoutMs: 20_000 };
    return new DimseArchive({ target, receiver, log, by: way });
  }

  async function pulled(way: (typeof WAYS)[number], study: string, series?: string): Promise<PullProgress | undefined> {
    const { arrivals, completion } = at.journal;
    const journal = {
      missing: (uids: readonly string[]) => arrivals.missing(uids),
      expect: (...args: Parameters<typeof completion.expect>) => completion.expect(...args),
    };
    let last: PullProgress | undefined;
    for await (last of pull({ study, series }, archiveBy(way), journal, new AbortController().signal));
    return last;
  }

  it.each(WAYS)('by %s brings what is stored, byte by byte, and later only what is missing', async (way) => {
    const [first, second] = [1, 2].map((number) => seriesFiles(pictures(4), { study: STUDY, number }));
    const files = [...(first ?? []), ...(second ?? [])];
    await archive(files);
    const counts = { found: 4, known: 0, received: 4, refused: 0, missing: 0 };
    expect(await pulled(way, STUDY, `${STUDY}.1`)).toMatchObject(counts);
    expect(await pulled(way, STUDY)).toMatchObject({ ...counts, found: 8, known: 4 });
    expect(at.dataSets()).toEqual(dataSetsOf(files));
    expect(await pulled(way, STUDY)).toMatchObject({ found: 8, known: 8, received: 0, missing: 0 });
  });

  it.each(WAYS)('by %s brings compressed objects as they are', async (way) => {
    const file = compressed();
    await archive([file]);
    expect(await pulled(way, STUDY)).toMatchObject({ found: 1, received: 1, missing: 0 });
    expect(at.dataSets()).toEqual(dataSetsOf([file]));
  });

  it.each(WAYS)('by %s of what the archive does not have says so', async (way) => {
    await expect(pulled(way, '1.2.826.0.1.97')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });

  it.each(WAYS)('by %s from an archive that is away says so', async (way) => {
    await orthanc.down();
    await expect(pulled(way, STUDY)).rejects.toMatchObject({ code: 'SERVICE_UNAVAILABLE' });
  });

  it.each(WAYS)('by %s completes its series with the last object, without any timer', async (way) => {
    await archive(seriesFiles(pictures(3), { study: STUDY }));
    await pulled(way, STUDY);
    const text = 'ae_title: A\ncomplete: { series_seconds: 80000, study_seconds: 80000, longest_seconds: 80000 }\n';
    const never = readSite(text, 'pacs.yaml');
    at.journal.completion.closeDue(never);
    expect(at.journal.overview.series(1)[0]).toMatchObject({ isOpen: false, revision: 1, instanceCount: 3 });
  });
});

withArchive('automed pacs pull', () => {
  let platform: Platform;
  beforeAll(async () => {
    platform = await Platform.start((folder, orthanc) => writeSite(folder, orthanc, BRIDGE, 'lesion'));
  });
  afterAll(() => platform?.stop());

  it('fetches a study, which is analysed and goes back', async () => {
    const { orthanc, folder, bridge } = platform;
    const { url, user, password } = orthanc;
    const courier = new StowCourier({ url, user, password, timeoutMs: 20_000 });
    const objects = seriesFiles(pictures(3), { study: STUDY }).map((file, index) => {
      const path = join(folder, `${index}.sent`);
      writeFileSync(path, file);
      return { ...readInstanceHeader(file), path };
    });
    await courier.send(objects);
    const { code, out, err } = await runCommand(
      'pacs',
      'pull',
      STUDY,
      '--from',
      'archive',
      '--address',
      bridge.address,
    );
    expect([code, err]).toEqual([0, '']);
    expect(out).toBe('3 objects: 0 were here, 3 came, 0 refused\n');
    await until('the study', () => platform.settled(STUDY));
    expect(await platform.archived(STUDY)).toEqual(['CT', 'CT', 'CT', 'SEG', 'SR']);
  });

  it('says what is wrong', async () => {
    const from = (...args: string[]) => runCommand('pacs', 'pull', ...args, '--address', platform.bridge.address);
    expect(await from(STUDY, '--from', 'nowhere')).toMatchObject({ code: expect.any(Number) as number });
    expect((await from('1.2.9.9', '--from', 'archive')).err).toContain('The archive has nothing of it');
  });
});
