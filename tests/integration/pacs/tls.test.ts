// DICOM over TLS, between the bridge's own sender and receiver, with certificates of openssl.

import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { StorageServer } from '../../../services/dicom-net/storage-server';
import { StoreScu } from '../../../services/pacs/adapters/dimse/store-scu';
import type { PeerTls, PortTls } from '../../../services/dicom-net/tls-files';
import { makeAuthority, type Authority } from '../../support/certificates';
import { pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { imageUid, seriesFiles } from '../../support/scanned-series';

let at: Receiving;
let ours: Authority;
let server: StorageServer | undefined;
let port: number;
let cuts: string[];

beforeEach(async () => {
  at = await receiving();
  ours = makeAuthority(at.folder);
  cuts = [];
});
afterEach(async () => {
  await server?.close(0);
  server = undefined;
  at.end();
});

async function listen(tls: PortTls | undefined, certificate?: string): Promise<void> {
  server = new StorageServer(
    { host: '127.0.0.1', port: 0, maxConnections: 20, maxConnectionsPerAddress: 20, tls },
    {
      listener: () => ({ ownTitles: ['AUTOMED'], peers: [{ ae: 'SCANNER', certificate }] }),
      receiver: at.receiver,
      limits: { associateMs: 500, idleMs: 10_000, maxPduBytes: 1024 * 1024 },
      log: at.log,
      cut: (why) => cuts.push(why),
    },
  );
  port = await server.listen();
}

const identity = (name: string, authority = ours): { cert: string; key: string } => {
  const { certFile: cert, keyFile: key } = authority.issue(name, ['127.0.0.1', 'localhost']);
  return { cert, key };
};

const scu = (tls?: PeerTls, timeoutMs = 10_000): StoreScu =>
  new StoreScu({ host: '127.0.0.1', port, callingAe: 'SCANNER', calledAe: 'AUTOMED', timeoutMs, tls });

function object(): { sopClass: string; sopInstance: string; path: string } {
  const path = join(at.folder, 'sent.dcm');
  writeFileSync(path, seriesFiles(pictures(1), { study: '1.2.3' })[0] ?? '');
  return { sopClass: '1.2.840.10008.5.1.4.1.1.2', sopInstance: imageUid('1.2.3', 0), path };
}

describe('DICOM over TLS', () => {
  it('carries objects to a port that shows a certificate', async () => {
    await listen(identity('bridge'));
    expect(await scu({ ca: ours.caFile }).send([object()])).toEqual([{ stored: true }]);
    expect(at.journal.overview.totals().instances).toBe(1);
  });

  it('does not send to a port whose certificate is of others, or has another name', async () => {
    await listen(identity('bridge'));
    const others = makeAuthority(at.folder, 'others');
    const refused = [expect.objectContaining({ stored: false, code: 'NOT_TRUSTED', class: 'permanent' })];
    expect(await scu({ ca: others.caFile }).send([object()])).toEqual(refused);
    expect(await scu({ ca: ours.caFile, name: 'elsewhere' }).send([object()])).toEqual(refused);
    expect(at.files()).toEqual([]);
  });

  it('asks for certificates of its own authorities (mutual TLS)', async () => {
    await listen({ ...identity('bridge'), client_ca: ours.caFile });
    const others = makeAuthority(at.folder, 'others');
    const stored = async (own: object): Promise<boolean | undefined> =>
      (await scu({ ca: ours.caFile, ...own }).send([object()]))[0]?.stored;
    expect(await stored({})).toBe(false);
    expect(await stored(identity('stranger', others))).toBe(false);
    expect(await stored(identity('scanner'))).toBe(true);
  });

  it('binds an AE title to a certificate', async () => {
    await listen({ ...identity('bridge'), client_ca: ours.caFile }, 'scanner');
    await expect(scu({ ca: ours.caFile, ...identity('other') }).echo()).rejects.toMatchObject({
      fault: { kind: 'rejected', reason: 3 },
    });
    expect(await scu({ ca: ours.caFile, ...identity('scanner') }).echo()).toBe(0);
  });

  it('cuts who speaks without TLS, and who says nothing', async () => {
    await listen(identity('bridge'));
    await expect(scu().echo()).rejects.toBeInstanceOf(Error);
    const silent = connect(port, '127.0.0.1');
    await new Promise((resolve) => silent.once('close', resolve));
    expect(cuts).toEqual(['no-tls', 'no-tls']);
    expect(await scu({ ca: ours.caFile }).echo()).toBe(0);
  });

  it('accepts no version below 1.2', async () => {
    await listen(identity('bridge'));
    const old = connectTls({
      host: '127.0.0.1',
      port,
      rejectUnauthorized: false,
      maxVersion: 'TLSv1.1',
      minVersion: 'TLSv1',
    });
    const error = await new Promise<{ code?: string }>((resolve) => old.once('error', resolve));
    expect(error.code).toMatch(/^ERR_SSL_/);
  });

  it('shows a new certificate without a restart', async () => {
    const files = identity('bridge');
    await listen(files);
    const next = makeAuthority(at.folder, 'next');
    const renewed = identity('renewed', next);
    copyFileSync(renewed.key, files.key);
    copyFileSync(renewed.cert, files.cert);
    const end = Date.now() + 60_000;
    while (Date.now() < end) {
      if (
        await scu({ ca: next.caFile })
          .echo()
          .then(
            () => true,
            () => false,
          )
      )
        return;
      await new Promise((resolve) => setTimeout(resolve, 200));
    }
    throw new Error('the old certificate is shown');
  }, 90_000);
});
