// DICOM over TLS with dcmtk on the other side: its storescu sends to the bridge's port, and the bridge sends to its storescp.

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageServer } from '../../../services/dicom-net/storage-server';
import { StoreScu } from '../../../services/pacs/adapters/dimse/store-scu';
import { freePorts } from '../../../services/stack/free-ports';
import { makeAuthority, type Authority } from '../../support/certificates';
import { pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { imageUid, seriesFiles } from '../../support/scanned-series';
import { until, withArchive } from './platform';

withArchive('dcmtk over TLS', () => {
  let at: Receiving;
  let ours: Authority;
  let file: string;

  beforeEach(async () => {
    at = await receiving();
    ours = makeAuthority(at.folder);
    file = join(at.folder, 'sent.dcm');
    writeFileSync(file, seriesFiles(pictures(1), { study: '1.2.3' })[0] ?? '');
  });
  afterEach(() => at.end());

  it('sends to a port that asks for certificates, and is refused without one', async () => {
    const { certFile: cert, keyFile: key } = ours.issue('bridge', ['localhost']);
    const server = new StorageServer(
      {
        host: '127.0.0.1',
        port: 0,
        maxConnections: 9,
        maxConnectionsPerAddress: 9,
        tls: { cert, key, client_ca: ours.caFile },
      },
      {
        listener: () => ({ ownTitles: ['AUTOMED'], peers: [{ ae: 'SCANNER' }] }),
        receiver: at.receiver,
        limits: { associateMs: 5_000, idleMs: 10_000, maxPduBytes: 1024 * 1024 },
        log: at.log,
        cut: () => undefined,
      },
    );
    const port = await server.listen();
    const own = ours.issue('scanner', ['localhost']);
    const other = makeAuthority(at.folder, 'others').issue('stranger', ['localhost']);
    const send = async (...tls: string[]): Promise<number | null> => {
      const args = [...tls, '-aet', 'SCANNER', '-aec', 'AUTOMED', 'localhost', String(port), file];
      const child = spawn('storescu', args, { stdio: 'ignore' });
      return new Promise((resolve) => child.once('exit', resolve));
    };
    expect(await send('+tls', own.keyFile, own.certFile, '+cf', ours.caFile)).toBe(0);
    expect(await send('+tls', other.keyFile, other.certFile, '+cf', ours.caFile)).not.toBe(0);
    expect(await send('+tla', '+cf', ours.caFile)).not.toBe(0);
    expect(await send()).not.toBe(0);
    expect(at.journal.overview.totals().instances).toBe(1);
    await server.close(0);
  });

  it('receives from the bridge, which shows its certificate', async () => {
    const { certFile, keyFile } = ours.issue('archive', ['localhost']);
    const own = ours.issue('bridge', ['localhost']);
    const archived = join(at.folder, 'archived');
    mkdirSync(archived);
    const port = (await freePorts('127.0.0.1', 25_000 + Math.floor(Math.random() * 5_000), 1)) ?? 0;
    const options = ['+tls', keyFile, certFile, '+cf', ours.caFile, '-od', archived, String(port)];
    const storescp: ChildProcess = spawn('storescp', options, { stdio: 'ignore' });
    try {
      const tls = { ca: ours.caFile, cert: own.certFile, key: own.keyFile };
      const target = { host: 'localhost', port, callingAe: 'AUTOMED', calledAe: 'ARCHIVE', timeoutMs: 10_000 };
      const scu = new StoreScu({ ...target, tls });
      await until('storescp', () => spawnSync('sh', ['-c', `ss -ltn | grep -q :${port}`]).status === 0);
      const object = { sopClass: '1.2.840.10008.5.1.4.1.1.2', sopInstance: imageUid('1.2.3', 0), path: file };
      expect(await scu.send([object])).toEqual([{ stored: true }]);
      expect(readdirSync(archived)).toHaveLength(1);
      const withoutOwn = new StoreScu({ ...target, tls: { ca: ours.caFile } });
      expect((await withoutOwn.send([object]))[0]?.stored).toBe(false);
    } finally {
      storescp.kill();
    }
  });
});
