// Messages over a stream: the lengths of both parts (32 bits each, little endian), a head of JSON, and bytes as they are. Read by hand,
// since whoever writes them may be anybody by then, and Node ends a process for what it cannot read on its own channels.

import type { Duplex } from 'node:stream';

const LENGTHS_BYTES = 8;
const MOST_HEAD_BYTES = 64 * 1024;

export function writeFrame(stream: Duplex, head: unknown, body: Uint8Array = Buffer.alloc(0)): void {
  const json = Buffer.from(JSON.stringify(head));
  const lengths = Buffer.alloc(LENGTHS_BYTES);
  lengths.writeUInt32LE(json.length, 0);
  lengths.writeUInt32LE(body.length, 4);
  stream.cork();
  stream.write(Buffer.concat([lengths, json]));
  stream.write(body);
  stream.uncork();
}

export interface FrameEvents {
  /** Bytes that the next body may have at most. */
  mostBytes: () => number;
  /** @param body in memory of its own, aligned for every type of sample */
  frame: (head: unknown, body: Buffer) => void;
  /** Something else came; nothing is read afterwards. */
  fault: (error: unknown) => void;
}

/** Hears of each frame of a stream. */
export function readFrames(stream: Duplex, { mostBytes, frame, fault }: FrameEvents): void {
  let [part, filled] = [Buffer.alloc(LENGTHS_BYTES), 0];
  let bodyBytes = 0;
  let head: unknown;
  const begin = (bytes: number): void => void ([part, filled] = [Buffer.allocUnsafeSlow(bytes), 0]);
  const ofLengths = (): void => {
    const headBytes = part.readUInt32LE(0);
    bodyBytes = part.readUInt32LE(4);
    if (headBytes > MOST_HEAD_BYTES || bodyBytes > mostBytes()) throw new Error('a message is longer than it may be');
    begin(headBytes);
    next = ofHead;
  };
  const ofHead = (): void => {
    head = JSON.parse(part.toString());
    begin(bodyBytes);
    next = ofBody;
  };
  const ofBody = (): void => {
    const body = part;
    begin(LENGTHS_BYTES);
    next = ofLengths;
    frame(head, body);
  };
  let next = ofLengths;
  const read = (chunk: Buffer): void => {
    for (let at = 0; at < chunk.length || filled === part.length;) {
      const copied = chunk.copy(part, filled, at);
      [at, filled] = [at + copied, filled + copied];
      if (filled === part.length) next();
    }
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      read(chunk);
    } catch (error) {
      stream.destroy();
      fault(error);
    }
  });
}
