import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { IncomingObjects } from '../../../../services/dicom-net/incoming-objects';
import type { IncomingFile, ObjectReceiver } from '../../../../services/dicom-net/reception';
import { CT_IMAGE } from '../../../support/dicom-series';
import { EXPLICIT } from '../../../support/dicom';
import { memoryLogger } from '../../../support/grpc';

const PACKET = Buffer.alloc(64 * 1024, 7);
const MIB = 1024 * 1024;

class Connection extends EventEmitter {
  readonly destroyed = false;
  isPaused = false;

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    this.isPaused = false;
  }
}

/** An object that begins, and whose file is there when `open` is called. */
function beginning() {
  const connection = new Connection();
  connection.on('data', () => undefined);
  let written = 0;
  const file: IncomingFile = {
    write: ({ length }) => (written += length) > 0,
    onceDrained: () => undefined,
    discard: async () => undefined,
  };
  const { promise, resolve, reject } = deferred<IncomingFile>();
  const receiver = { hasRoom: true, begin: () => promise } as unknown as ObjectReceiver;
  const objects = new IncomingObjects(connection as unknown as Socket, {
    receiver,
    log: memoryLogger([]),
    source: () => ({ way: 'dicom', calling: 'SCANNER', called: 'AUTOMED' }),
  });
  const context = { getAcceptedTransferSyntaxUid: () => EXPLICIT };
  const request = { getAffectedSopClassUid: () => CT_IMAGE, getAffectedSopInstanceUid: () => '1.2.3' };
  objects.begin(context as never, request as never);
  /** As long as the connection lets packets come, at most so many bytes. */
  const send = (most: number): number => {
    let sent = 0;
    for (; sent < most && !connection.isPaused; sent += PACKET.length) objects.take(PACKET);
    return sent;
  };
  return { connection, send, open: () => resolve(file), refuse: reject, written: () => written };
}

function deferred<T>() {
  let [resolve, reject] = [(_: T): void => undefined, (_: Error): void => undefined];
  const promise = new Promise<T>((...both) => ([resolve, reject] = both));
  return { promise, resolve, reject };
}

const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

it('a sender waits while the file of its object is not there yet, and nothing is lost', async () => {
  const { connection, send, open, written } = beginning();
  const early = send(64 * MIB);
  expect(early).toBeGreaterThan(MIB);
  expect(early).toBeLessThan(2 * MIB);
  open();
  await settled();
  expect(connection.isPaused).toBe(false);
  const late = send(4 * MIB);
  expect(written()).toBe(early + late);
});

it('a sender whose object has no file goes on, and nothing of it is kept', async () => {
  const { connection, send, refuse, written } = beginning();
  send(64 * MIB);
  refuse(new Error('no file'));
  await settled();
  expect(connection.isPaused).toBe(false);
  expect(send(4 * MIB)).toBe(4 * MIB);
  expect(written()).toBe(0);
});
