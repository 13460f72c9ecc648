// Watches the bytes of a connection before the library sees them: the library would gather a PDU of any length in memory, copying
// it anew with each packet, and leave a silent connection open for ever.

import type { Socket } from 'node:net';
import { afterMs, type Alarm } from '../common/timers';

export interface GuardLimits {
  /** Until the whole association request has arrived, milliseconds. */
  associateMs: number;
  /** Between two packets of an association, milliseconds; the library's own clock sees to it. */
  idleMs: number;
  /** Of any PDU but the association request, bytes. */
  maxPduBytes: number;
}

/** Why a connection was cut. */
export type Cut = 'not-dicom' | 'pdu-too-long' | 'no-association' | 'no-tls';

const HEADER_BYTES = 6;
const ASSOCIATE_RQ = 1;
const LAST_PDU_TYPE = 7;
/** Of an association request without any item, and far above one with 128 presentation contexts of 20 syntaxes, bytes. */
const ASSOCIATE_BYTES = { least: 68, most: 256 * 1024 };

/** Walks over the headers of PDUs, whatever packets they come in. */
export class PduWalker {
  private readonly header = Buffer.alloc(HEADER_BYTES);
  private filled = 0;
  /** Of the present PDU, bytes that are still to come. */
  private left = 0;
  private pdus = 0;
  /** Whether the whole first PDU has come. */
  associated = false;

  constructor(private readonly maxPduBytes: number) {}

  /** Looks at what came; says what is wrong with it. */
  take(chunk: Buffer): Cut | undefined {
    for (let at = 0; at < chunk.length;) {
      if (this.left > 0) {
        const step = Math.min(this.left, chunk.length - at);
        this.left -= step;
        at += step;
        if (this.left === 0) this.associated = true;
        continue;
      }
      this.header[this.filled] = chunk[at] as number;
      this.filled += 1;
      at += 1;
      // The type alone tells foreign protocols.
      const cut = this.filled === 1 || this.filled === HEADER_BYTES ? this.check() : undefined;
      if (cut) return cut;
    }
    return undefined;
  }

  private check(): Cut | undefined {
    const type = this.header[0] as number;
    const first = this.pdus === 0;
    if (first ? type !== ASSOCIATE_RQ : type === ASSOCIATE_RQ || type < 1 || type > LAST_PDU_TYPE) return 'not-dicom';
    if (this.filled < HEADER_BYTES) return undefined;
    const length = this.header.readUInt32BE(2);
    if (first && (length < ASSOCIATE_BYTES.least || length > ASSOCIATE_BYTES.most)) return 'not-dicom';
    if (!first && length > this.maxPduBytes) return 'pdu-too-long';
    this.left = length;
    this.filled = 0;
    this.pdus += 1;
    return undefined;
  }
}

/**
 * Cuts the connection when it is silent, trickles its association request, or sends what is no PDU of acceptable length.
 * To be called before the library listens.
 * @param cut hears why, after the socket was destroyed
 */
export function guard(socket: Socket, limits: GuardLimits, cut: (why: Cut) => void): void {
  const walker = new PduWalker(limits.maxPduBytes);
  const end = (why: Cut): void => {
    if (socket.destroyed) return;
    socket.destroy();
    cut(why);
  };
  const association: Alarm = afterMs(limits.associateMs, () => end('no-association'), { unref: true });
  socket.setNoDelay(true);
  socket.on('data', (chunk: Buffer) => {
    const why = walker.take(chunk);
    if (why) end(why);
    if (walker.associated) association.cancel();
  });
  socket.once('close', () => association.cancel());
}
