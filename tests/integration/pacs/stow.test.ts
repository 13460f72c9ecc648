// STOW-RS over real sockets: what is answered for each object, and what for a request as a whole.

import { connect } from 'node:net';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { automedError } from '../../../services/common/errors';
import { StowCourier } from '../../../services/pacs/adapters/dicomweb/stow-courier';
import { StowServer } from '../../../services/pacs/adapters/dicomweb/stow-server';
import { dicomFile } from '../../support/dicom';
import { dataSetsOf, pictures, receiving, type Receiving } from '../../support/pacs-receiver';
import { imageUid, seriesFiles } from '../../support/scanned-series';

const MOST = 200_000;
const STUDY = '1.2.3';
const TYPE = 'multipart/related; type="application/dicom"; boundary=B';

let at: Receiving;
let server: StowServer;
let port: number;
let admit: (authorization: string | undefined) => Promise<string>;

beforeEach(async () => {
  at = await receiving();
  admit = () => Promise.resolve('scanner');
  server = StowServer.build({
    receiver: at.receiver,
    admit: (authorization) => admit(authorization),
    ownTitle: () => 'AUTOMED',
    mostBytes: () => MOST,
    idleMs: 10_000,
    maxConnections: 10,
    log: at.log,
  });
  port = await server.listen('127.0.0.1', 0);
});
afterEach(async () => {
  await server.close();
  at.end();
});

const series = (count: number, study = STUDY): Buffer[] => seriesFiles(pictures(count), { study });

function body(
  files: readonly (Buffer | string)[],
  { line = '\r\n', end = true, type = 'application/dicom' } = {},
): Buffer {
  const parts = files.flatMap((file) => [
    Buffer.from(`--B${line}Content-Type: ${type}${line}${line}`),
    Buffer.from(file),
    Buffer.from(line),
  ]);
  return Buffer.concat([...parts, Buffer.from(end ? `--B--${line}` : '')]);
}

interface Answered {
  status: number;
  stored: string[];
  failed: [uid: string, reason: number][];
  warning: string;
}

type Item = Record<string, { Value: (string | number)[] }>;

interface Sequence {
  Value?: Item[];
}

async function post(bytes: Buffer, { study = '', headers = {} }: { study?: string; headers?: object } = {}) {
  const response = await fetch(`http://127.0.0.1:${port}/dicom-web/studies${study}`, {
    method: 'POST',
    headers: { 'content-type': TYPE, ...headers },
    body: bytes,
  });
  const json = (await response.json()) as Record<string, Sequence | undefined>;
  const items = (tag: string): Item[] => json[tag]?.Value ?? [];
  const uid = (item: Item): string => String(item['00081155']?.Value[0] ?? '');
  const answered: Answered = {
    status: response.status,
    stored: items('00081199').map(uid),
    failed: items('00081198').map((item) => [uid(item), Number(item['00081197']?.Value[0])]),
    warning: response.headers.get('warning') ?? '',
  };
  return answered;
}

describe('objects', () => {
  it('are kept byte by byte, and listed', async () => {
    const files = series(3);
    const { status, stored, failed } = await post(body(files));
    expect([status, failed]).toEqual([200, []]);
    expect(stored).toEqual([0, 1, 2].map((slice) => imageUid(STUDY, slice)));
    expect(at.dataSets()).toEqual(dataSetsOf(files));
    expect(at.journal.overview.totals().instances).toBe(3);
  });

  it('have each their own answer: 202 where some are kept', async () => {
    const [good = Buffer.alloc(0)] = series(1);
    const { status, stored, failed } = await post(body([good, 'garbage']));
    expect([status, stored, failed]).toEqual([202, [imageUid(STUDY, 0)], [['', 0xc000]]]);
  });

  it('are all refused: 409', async () => {
    const [good = Buffer.alloc(0)] = series(1);
    expect(await post(body(['garbage', good.subarray(0, 400)]))).toMatchObject({ status: 409, stored: [] });
    expect(at.files()).toEqual([]);
  });

  it('of another study than the address names are refused', async () => {
    const [own = Buffer.alloc(0), other = Buffer.alloc(0)] = [...series(1), ...series(1, '1.2.4')];
    const answered = await post(body([own, other]), { study: `/${STUDY}` });
    expect(answered).toMatchObject({ status: 202, failed: [[imageUid('1.2.4', 0), 0xa900]] });
    expect(await post(body([other]), { study: `/${STUDY}` })).toMatchObject({ status: 409 });
  });

  it('that come twice are kept once; with other bytes both are kept, with a warning', async () => {
    const [file = Buffer.alloc(0)] = series(1);
    const changed = Buffer.concat([file.subarray(0, -1), Buffer.from([9])]);
    expect(await post(body([file, file]))).toMatchObject({ status: 200 });
    expect(at.files()).toHaveLength(1);
    expect(await post(body([changed]))).toMatchObject({ status: 202, stored: [imageUid(STUDY, 0)] });
    expect(at.journal.overview.series(1)[0]).toMatchObject({ instanceCount: 1, conflictCount: 1 });
  });

  it('in a transfer syntax that is not read are refused by its name', async () => {
    const file = dicomFile(
      { '00080016': ['UI', '1.2.840.10008.5.1.4.1.1.2'], '00080018': ['UI', '1.9'] },
      '1.2.840.10008.1.2.4.110',
    );
    const answered = await post(body([file]));
    expect(answered).toMatchObject({ status: 409, failed: [['', 0xc122]] });
    expect(answered.warning).toContain('JPEG XL');
  });

  it('come from the sender of the bridge, too', async () => {
    const path = join(at.folder, 'sent.dcm');
    writeFileSync(path, series(1)[0] ?? '');
    const courier = new StowCourier({ url: `http://127.0.0.1:${port}/dicom-web`, timeoutMs: 10_000 });
    const object = { sopClass: '1.2.840.10008.5.1.4.1.1.2', sopInstance: imageUid(STUDY, 0), path };
    expect(await courier.send([object])).toEqual([{ stored: true }]);
  });
});

describe('requests', () => {
  it.each([
    ['lines that end with LF only', body(series(1), { line: '\n' }), 0],
    ['no closing boundary', body(series(2), { end: false }), 1],
    ['no part', Buffer.from('--B--\r\n'), 0],
  ])('with %s are refused with 400, and say what is kept nevertheless', async (_, bytes, kept) => {
    const { status, stored, warning } = await post(bytes);
    expect([status, stored.length]).toEqual([400, kept]);
    expect(warning).toMatch(/^299 automed ".+"$/);
    expect(at.files()).toHaveLength(kept);
  });

  it.each([
    ['multipart/related; boundary=B', 415],
    ['multipart/related; type="application/dicom+json"; boundary=B', 415],
    ['application/dicom', 415],
    ['multipart/related; type="application/dicom"', 400],
  ])('of type %s are refused with %i', async (type, status) => {
    expect(await post(body(series(1)), { headers: { 'content-type': type } })).toMatchObject({ status });
  });

  it('that are too long are refused with 413, with and without a length', async () => {
    const long = body([Buffer.alloc(MOST)]);
    expect(await post(long)).toMatchObject({ status: 413 });
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    const answer = new Promise<string>((resolve) => socket.once('data', (data) => resolve(data.toString())));
    socket.write(
      `POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: ${TYPE}\r\nTransfer-Encoding: chunked\r\n\r\n`,
    );
    socket.write(`${long.length.toString(16)}\r\n`);
    socket.write(long);
    expect(await answer).toContain(' 413 ');
    socket.destroy();
    expect(at.files()).toEqual([]);
  });

  it('are refused one by one once there is no room within a request', async () => {
    let looks = 0;
    at.room.check = () => (looks += 1) <= 2;
    const answer = await post(body(series(3)));
    expect(answer.stored).toHaveLength(1);
    expect(answer.failed.map(([, reason]) => reason)).toEqual([0xa700, 0xa700]);
  });

  it('are refused with 503 while there is no room', async () => {
    at.room.value = false;
    expect(await post(body(series(1)))).toMatchObject({ status: 503 });
  });

  it('without a key, or with one that may not, are refused', async () => {
    admit = () => Promise.reject(automedError('UNAUTHENTICATED', 'no'));
    expect(await post(body(series(1)))).toMatchObject({ status: 401 });
    admit = () => Promise.reject(automedError('PERMISSION_DENIED', 'no'));
    expect(await post(body(series(1)))).toMatchObject({ status: 403 });
    expect(at.files()).toEqual([]);
  });

  it('that cannot take JSON as an answer get 406', async () => {
    expect(await post(body(series(1)), { headers: { accept: 'application/dicom+xml' } })).toMatchObject({
      status: 406,
    });
  });

  it('whose sender goes away leave nothing behind', async () => {
    const socket = connect(port, '127.0.0.1');
    const whole = body(series(1));
    socket.write(
      `POST /dicom-web/studies HTTP/1.1\r\nHost: x\r\nContent-Type: ${TYPE}\r\nContent-Length: ${whole.length}\r\n\r\n`,
    );
    socket.write(whole.subarray(0, -200));
    while (at.files().length === 0) await new Promise((resolve) => setTimeout(resolve, 10));
    socket.destroy();
    while (at.files().length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
    expect(at.journal.overview.totals().instances).toBe(0);
  });
});
