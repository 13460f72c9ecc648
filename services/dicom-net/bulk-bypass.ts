// Lets the data sets of objects pass by the library. It would gather each PDU anew with every packet, and copy each fragment several
// times: half of the time that receiving takes is the collection of those copies. The library sees two empty fragments instead, with
// which an object begins and ends.

import type { Socket } from 'node:net';

/** Who takes the bytes. */
export interface BulkSink {
  /** Whether the library has begun an object, whose data set comes. */
  readonly isReceiving: boolean;
  take(chunk: Buffer): void;
}

const PDU_HEADER = 6;
const P_DATA = 4;
/** Length, number of the context, and control header of a PDV (PS3.8, 9.3.5.1). */
const PDV_HEADER = 6;
/** What the length of a PDV counts besides its value. */
const PDV_COUNTED = 2;
const COMMAND = 1;
const LAST = 2;

/** A PDU of one PDV, up to its value. @param length of the value, bytes */
function dataPdu(context: number, control: number, length: number): Buffer {
  const bytes = Buffer.alloc(PDU_HEADER + PDV_HEADER);
  bytes.writeUInt8(P_DATA, 0);
  bytes.writeUInt32BE(PDV_HEADER + length, 2);
  bytes.writeUInt32BE(PDV_COUNTED + length, PDU_HEADER);
  bytes.writeUInt8(context, PDU_HEADER + 4);
  bytes.writeUInt8(control, PDU_HEADER + 5);
  return bytes;
}

/** Walks over what comes, and gives each byte to the library or to the sink. */
export class BulkBypass {
  private readonly header = Buffer.alloc(PDV_HEADER);
  private filled = 0;
  /** Of the present PDU, bytes that are still to come. */
  private pduLeft = 0;
  /** Of the present PDV's value; or of a PDU that is no P-DATA. */
  private left = 0;
  private inData = false;
  private context = 0;
  private control = 0;
  private isBulk = false;
  /** Whether fragments of a data set are coming; the first one may begin an object. */
  private inDataSet = false;

  constructor(
    private readonly library: (chunk: Buffer) => void,
    private readonly sink: BulkSink,
  ) {}

  take(chunk: Buffer): void {
    for (let at = 0; at < chunk.length;) {
      if (this.left > 0) {
        const part = chunk.subarray(at, at + this.left);
        this.left -= part.length;
        at += part.length;
        if (this.isBulk) this.sink.take(part);
        else if (this.left !== Infinity) this.library(part);
        if (this.left === 0) this.endOfValue();
        continue;
      }
      this.header[this.filled] = chunk[at] as number;
      this.filled += 1;
      at += 1;
      if (this.filled === PDV_HEADER) this.endOfHeader();
    }
  }

  private endOfHeader(): void {
    this.filled = 0;
    if (this.inData) return this.beginPdv();
    const length = this.header.readUInt32BE(2);
    this.inData = this.header[0] === P_DATA;
    this.pduLeft = length;
    if (this.inData) {
      // A PDU without room for a PDV holds none: the library says so.
      if (length >= PDV_HEADER) return;
      this.inData = false;
    }
    this.library(Buffer.from(this.header));
    this.left = length;
  }

  private beginPdv(): void {
    const counted = this.header.readUInt32BE(0);
    this.context = this.header.readUInt8(4);
    this.control = this.header.readUInt8(5);
    const length = counted - PDV_COUNTED;
    this.pduLeft -= PDV_HEADER + length;
    // Neither longer than its PDU, nor so long that no other one fits behind it.
    if (length < 0 || this.pduLeft < 0 || (this.pduLeft > 0 && this.pduLeft < PDV_HEADER)) return this.malformed();
    this.left = length;
    const isCommand = (this.control & COMMAND) !== 0;
    if (!isCommand && !this.inDataSet) {
      this.inDataSet = true;
      this.library(dataPdu(this.context, this.control & ~LAST, 0));
    }
    this.isBulk = !isCommand && this.sink.isReceiving;
    if (!this.isBulk) this.library(dataPdu(this.context, this.control, length));
    if (length === 0) this.endOfValue();
  }

  /** The library ends the association at a PDV that is longer than its PDU. */
  private malformed(): void {
    this.left = Infinity;
    this.isBulk = false;
    const bytes = dataPdu(this.context, this.control, 0);
    bytes.writeUInt32BE(0xffff, PDU_HEADER);
    this.library(bytes);
  }

  private endOfValue(): void {
    if (!this.inData) return;
    const isLast = (this.control & (LAST | COMMAND)) === LAST;
    const ended = this.isBulk && isLast;
    this.isBulk = false;
    if (isLast) this.inDataSet = false;
    if (this.pduLeft === 0) this.inData = false;
    if (ended) this.library(dataPdu(this.context, this.control, 0));
  }
}

/** Puts the bypass between a socket and the library, which must have its listener there already as the last one. */
export function bypass(socket: Socket, sink: BulkSink): void {
  const library = socket.listeners('data').at(-1) as ((chunk: Buffer) => void) | undefined;
  if (!library) throw new Error('the library does not listen');
  socket.removeListener('data', library);
  const filter = new BulkBypass(library, sink);
  socket.on('data', (chunk: Buffer) => filter.take(chunk));
}
