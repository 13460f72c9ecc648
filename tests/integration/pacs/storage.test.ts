// The storage SCP over real sockets: what is kept, what is refused, and who is cut. The sender is the bridge's own.

import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../../../services/common/logging';
import { AssociationError, AssociationScu } from '../../../services/dicom-net/association-scu';
import { CStoreRequest, Dataset } from '../../../services/dicom-net/library';
import { dataSetOf } from '../../../services/dicom-net/part10';
import { StorageServer } from '../../../services/dicom-net/storage-server';
import { StoreScu } from '../../../services/pacs/adapters/dimse/store-scu';
import { openJournal, type Journal } from '../../../services/pacs/adapters/journal/journal';
import { Receiver } from '../../../services/pacs/adapters/receiver';
import { Spool } from '../../../services/pacs/adapters/spool';
import type { Sendable, Sent } from '../../../services/pacs/domain/delivery';
import type { DicomElements } from '../../support/dicom';
import { eventually } from '../../support/grpc';
import { imageUid, seriesFiles } from '../../support/scanned-series';
import { mount, unmount, whyNoMount } from '../../support/tmpfs';

const CT = '1.2.840.10008.5.1.4.1.1.2';
const EXPLICIT = '1.2.840.10008.1.2.1';
const LIMITS = { associateMs: 300, idleMs: 10_000, maxPduBytes: 1024 * 1024 };

let folder: string;
let journal: Journal;
let server: StorageServer;
let port: number;
let room: boolean;
let gauge: { hasRoom: () => boolean };
let cuts: string[];

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'automed-storage-'));
  journal = openJournal(join(folder, 'journal.db'));
  room = true;
  gauge = { hasRoom: () => room };
  cuts = [];
  const log = createLogger('test', 'silent');
  const spool = await Spool.open(join(folder, 'received'));
  const receiver = new Receiver({ spool, journal: journal.arrivals, room: gauge, log });
  server = new StorageServer(
    { host: '127.0.0.1', port: 0, maxConnections: 20, maxConnectionsPerAddress: 20 },
    {
      listener: () => ({
        ownTitles: ['AUTOMED'],
        peers: [
          { ae: 'SCANNER', address: '127.0.0.1' },
          { ae: 'FAR', address: '10.0.0.1' },
        ],
      }),
      receiver,
      limits: LIMITS,
      log,
      cut: (why) => cuts.push(why),
    },
  );
  port = await server.listen();
});
afterEach(async () => {
  await server.close(0);
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const scu = (callingAe = 'SCANNER', calledAe = 'AUTOMED'): StoreScu =>
  new StoreScu({ host: '127.0.0.1', port, callingAe, calledAe, timeoutMs: 20_000 });

/** Files of a series on the disk, as they are sent. */
function series(study: string, count: number, change: (file: Buffer) => Buffer = (file) => file): Sendable[] {
  const pixels = new Uint8Array(64 * 64).map((_, at) => at % 251);
  const pictures = Array.from({ length: count }, () => ({ pixels, width: 64, height: 64 }));
  return seriesFiles(pictures, { study }).map((file, at) => {
    const path = join(folder, `${study}-${at}.dcm`);
    writeFileSync(path, change(file));
    return { sopClass: CT, sopInstance: imageUid(study, at), path };
  });
}

/** An image of 16 bits, black. */
function largeFile(study: string, side: number): Sendable {
  const more = { '7fe00010': ['OW', Buffer.alloc(2 * side * side)] as const };
  const picture = { pixels: new Uint8Array(0), width: side, height: side };
  const [bytes = Buffer.alloc(0)] = seriesFiles([picture], { study, more });
  const path = join(folder, `${study}.dcm`);
  writeFileSync(path, bytes);
  return { sopClass: CT, sopInstance: imageUid(study, 0), path };
}

const kept = (): string[] =>
  (readdirSync(join(folder, 'received'), { recursive: true }) as string[]).filter((name) => /\.(dcm|part)$/.test(name));
const stored = (sent: readonly Sent[]): boolean[] => sent.map((each) => each.stored);

describe('C-STORE', () => {
  it('keeps every byte of what it says it has', async () => {
    const objects = series('1.2.3', 3);
    expect(stored(await scu().send(objects))).toEqual([true, true, true]);
    expect(journal.overview.totals().instances).toBe(3);
    const received = kept().map((name) => dataSetOf(readFileSync(join(folder, 'received', name))).toString('hex'));
    const sent = objects.map(({ path }) => dataSetOf(readFileSync(path)).toString('hex'));
    expect(received.sort()).toEqual(sent.sort());
  });

  it('takes the same object twice without keeping it twice', async () => {
    const objects = series('1.2.3', 1);
    await scu().send(objects);
    expect(stored(await scu().send(objects))).toEqual([true]);
    expect(kept()).toHaveLength(1);
  });

  it('keeps both objects that come under one UID', async () => {
    await scu().send(series('1.2.3', 1));
    const changed = series('1.2.3', 1, (file) => Buffer.concat([file.subarray(0, -1), Buffer.from([7])]));
    expect(stored(await scu().send(changed))).toEqual([true]);
    expect(journal.overview.series(1)[0]).toMatchObject({ instanceCount: 1, conflictCount: 1 });
  });

  it('takes several associations at a time', async () => {
    const studies = ['1.5.1', '1.5.2', '1.5.3', '1.5.4'].map((study) => series(study, 5));
    const sent = await Promise.all(studies.map((objects) => scu().send(objects)));
    expect(sent.flat().every((each) => each.stored)).toBe(true);
    expect(journal.overview.totals()).toMatchObject({ studies: 4, instances: 20 });
  });

  it('answers an echo', async () => {
    expect(await scu().echo()).toBe(0);
  });
});

describe('an object that is refused', () => {
  class Raw extends Dataset {
    constructor(
      uids: Record<string, unknown>,
      private readonly bytes: Buffer,
    ) {
      super(uids, EXPLICIT);
    }
    override getDenaturalizedDataset(): Buffer {
      return this.bytes;
    }
  }

  /** Statuses of objects over one association, each announced as the slice of its place. */
  async function statuses(files: readonly Buffer[]): Promise<number[]> {
    const target = { host: '127.0.0.1', port, callingAe: 'SCANNER', calledAe: 'AUTOMED', timeoutMs: 20_000 };
    const open = await AssociationScu.open(target, [{ abstractSyntax: CT, transferSyntax: EXPLICIT }]);
    const said: number[] = [];
    for (const [at, file] of files.entries()) {
      const uids = { SOPClassUID: CT, SOPInstanceUID: imageUid('1.2.8', at) };
      said.push(await open.request(new CStoreRequest(new Raw(uids, dataSetOf(file)))));
    }
    await open.release();
    return said;
  }

  const sliceOf = (at: number, more: DicomElements = {}): Buffer => {
    const picture = { pixels: new Uint8Array(64 * 64), width: 64, height: 64 };
    return seriesFiles(
      Array.from({ length: at + 1 }, () => picture),
      { study: '1.2.8', more },
    )[at] as Buffer;
  };

  it.each<[string, number, Buffer]>([
    ['another instance than was announced', 0xa900, sliceOf(1)],
    ['another class than was announced', 0xa900, sliceOf(0, { '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.4'] })],
    ['one without a study', 0xc000, sliceOf(0, { '0020000d': ['UI', ''] })],
    ['a UID that is a path', 0xc000, sliceOf(0, { '0020000e': ['UI', '../../etc/passwd'] })],
    ['letters for a UID', 0xc000, sliceOf(0, { '0020000d': ['UI', '1.2.x'] })],
    ['a header that ends early', 0xc000, sliceOf(0).subarray(0, 400)],
    ['random bytes', 0xc000, Buffer.concat([sliceOf(0).subarray(0, 300), Buffer.alloc(500, 0xa7)])],
  ])('is %s; the association goes on', async (_, status, file) => {
    expect(await statuses([file, sliceOf(1)])).toEqual([status, 0]);
    expect(journal.overview.totals().instances).toBe(1);
    expect(kept()).toHaveLength(1);
  });
});

describe('a sender that goes away', () => {
  it('in the middle of an object leaves nothing, and others go on', async () => {
    const large = [largeFile('1.2.9', 2000), ...series('1.2.11', 1)];
    let passed = 0;
    const relay = createServer((inner) => {
      const outer = connect(port, '127.0.0.1');
      for (const socket of [inner, outer]) socket.on('error', () => undefined);
      outer.pipe(inner);
      inner.on('data', (chunk: Buffer) => {
        passed += chunk.length;
        if (passed < 1_000_000) outer.write(chunk);
        else [inner, outer].forEach((socket) => socket.destroy());
      });
    });
    await new Promise<void>((resolve) => relay.listen(0, '127.0.0.1', resolve));
    const { port: through } = relay.address() as AddressInfo;
    const cut = new StoreScu({
      host: '127.0.0.1',
      port: through,
      callingAe: 'SCANNER',
      calledAe: 'AUTOMED',
      timeoutMs: 20_000,
    });
    expect(stored(await cut.send(large))).toEqual([false, false]);
    relay.close();
    expect(passed).toBeGreaterThan(1_000_000);
    expect(stored(await scu().send(series('1.2.10', 2)))).toEqual([true, true]);
    await eventually(() => kept().length === 2);
    expect(kept().every((name) => name.endsWith('.dcm'))).toBe(true);
    expect(journal.overview.totals()).toMatchObject({ studies: 1, instances: 2 });
  });
});

describe('a receiver that is away', () => {
  it('is told apart from one that refuses us, so that deliveries to it wait', async () => {
    await server.close(0);
    expect(await scu().send(series('1.2.3', 1))).toEqual([
      expect.objectContaining({ code: 'UNREACHABLE', class: 'away' }),
    ]);
  });
});

describe('who may send', () => {
  it.each([
    ['an unknown calling title', 'EVIL', 'AUTOMED', 3],
    ['a known title from another address', 'FAR', 'AUTOMED', 3],
    ['another called title', 'SCANNER', 'OTHER', 7],
  ])('refuses %s with its reason', async (_, calling, called, reason) => {
    const echo = scu(calling, called).echo();
    await expect(echo).rejects.toBeInstanceOf(AssociationError);
    await expect(scu(calling, called).echo()).rejects.toMatchObject({ fault: { permanent: true, reason } });
  });

  it('refuses objects of an open association once there is no room', async () => {
    let looks = 0;
    jest.spyOn(gauge, 'hasRoom').mockImplementation(() => (looks += 1) <= 2);
    const objects = series('1.2.7', 3);
    const full = expect.objectContaining({ code: 'OUT_OF_RESOURCES', class: 'away' }) as object;
    expect(await scu().send(objects)).toEqual([{ stored: true }, full, full]);
  });

  (whyNoMount() === undefined ? it : it.skip)(
    'refuses an object that fills the disk at once, and goes on',
    async () => {
      const received = join(folder, 'received');
      mount(received, 'size=200k');
      try {
        const [large, small] = [largeFile('1.2.12', 500), series('1.2.11', 1)];
        const full = expect.objectContaining({ code: 'OUT_OF_RESOURCES', class: 'away' }) as object;
        expect(await scu().send([large, ...small])).toEqual([full, { stored: true }]);
        expect(kept()).toHaveLength(1);
        expect(journal.overview.totals()).toMatchObject({ studies: 1, instances: 1 });
      } finally {
        unmount(received);
      }
    },
  );

  it('refuses everybody for now while there is no room', async () => {
    room = false;
    await expect(scu().echo()).rejects.toMatchObject({ fault: { kind: 'rejected', permanent: false } });
  });
});

/** Resolves when the other side has closed the connection. */
function closed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.on('error', () => undefined);
    socket.on('data', () => undefined);
    socket.once('close', () => resolve());
  });
}

describe('hostile connections', () => {
  it.each([
    ['a PDU of 4 GiB', Buffer.from([1, 0, 0xff, 0xff, 0xff, 0xff])],
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n')],
    ['data before an association', Buffer.from([4, 0, 0, 0, 0, 4, 0, 0, 0, 0])],
    ['an association request of zeros', Buffer.concat([Buffer.from([1, 0, 0, 0, 0, 100]), Buffer.alloc(100)])],
    ['silence', Buffer.alloc(0)],
    ['half a request', Buffer.from([1, 0, 0])],
  ])('cuts %s, and goes on with others', async (_, bytes) => {
    const socket = connect(port, '127.0.0.1');
    const gone = closed(socket);
    socket.write(bytes);
    expect(stored(await scu().send(series('1.2.3', 2)))).toEqual([true, true]);
    await gone;
    expect(kept()).toHaveLength(2);
  });

  it('says why it cut', async () => {
    const socket = connect(port, '127.0.0.1');
    const gone = closed(socket);
    socket.write('GET / HTTP/1.1\r\n\r\n');
    await gone;
    expect(cuts).toEqual(['not-dicom']);
  });
});
