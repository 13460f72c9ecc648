import { BulkBypass } from '../../../../services/dicom-net/bulk-bypass';

const COMMAND = 1;
const LAST = 2;

function pdv(control: number, value: string | Buffer): Buffer {
  const bytes = Buffer.from(value);
  const header = Buffer.alloc(6);
  header.writeUInt32BE(bytes.length + 2, 0);
  header.writeUInt8(1, 4);
  header.writeUInt8(control, 5);
  return Buffer.concat([header, bytes]);
}

function pdu(type: number, ...parts: Buffer[]): Buffer {
  const body = Buffer.concat(parts);
  const header = Buffer.alloc(6);
  header.writeUInt8(type, 0);
  header.writeUInt32BE(body.length, 2);
  return Buffer.concat([header, body]);
}

/** PDUs of a stream of them: type, and control and value of each PDV. */
function pdusOf(stream: Buffer): [number, [number, string][] | string][] {
  const found: [number, [number, string][] | string][] = [];
  for (let at = 0; at < stream.length;) {
    const [type, end] = [stream.readUInt8(at), at + 6 + stream.readUInt32BE(at + 2)];
    const pdvs: [number, string][] = [];
    let inner = at + 6;
    while (type === 4 && inner < end) {
      const length = stream.readUInt32BE(inner);
      pdvs.push([stream.readUInt8(inner + 5), stream.toString('latin1', inner + 6, inner + 4 + length)]);
      inner += 4 + length;
    }
    found.push([type, type === 4 ? pdvs : stream.toString('latin1', at + 6, end)]);
    at = end;
  }
  return found;
}

/** What library and sink get of a stream in chunks; an object begins with a command that says `store`. */
function through(stream: Buffer, size: number): { library: [number, [number, string][] | string][]; taken: string[] } {
  const seen: Buffer[] = [];
  const taken: string[] = [];
  let isStore = false;
  const sink = {
    isReceiving: false,
    take: (chunk: Buffer) => void (taken[taken.length - 1] += chunk.toString('latin1')),
  };
  const library = (chunk: Buffer): void => {
    seen.push(chunk);
    const last = pdusOf(Buffer.concat(seen)).at(-1)?.[1];
    const [control, value] = (Array.isArray(last) ? last.at(-1) : undefined) ?? [0, ''];
    if ((control & COMMAND) !== 0) isStore = value === 'store';
    else if (isStore && chunk.length === 12 && !sink.isReceiving) {
      sink.isReceiving = true;
      taken.push('');
    } else if (sink.isReceiving && (control & LAST) !== 0) {
      [sink.isReceiving, isStore] = [false, false];
    }
  };
  const bypass = new BulkBypass(library, sink);
  for (let at = 0; at < stream.length; at += size) bypass.take(stream.subarray(at, at + size));
  return { library: pdusOf(Buffer.concat(seen)), taken };
}

const STREAM = Buffer.concat([
  pdu(1, Buffer.from('associate')),
  pdu(4, pdv(COMMAND | LAST, 'store'), pdv(0, 'abc')),
  pdu(4, pdv(0, Buffer.alloc(0)), pdv(LAST, 'def')),
  pdu(4, pdv(COMMAND | LAST, 'find')),
  pdu(4, pdv(0, 'que')),
  pdu(4, pdv(LAST, 'ry')),
  pdu(4, pdv(COMMAND, 'st'), pdv(COMMAND | LAST, 'ore')),
  pdu(4, pdv(COMMAND | LAST, 'store')),
  pdu(4, pdv(LAST, 'second')),
  pdu(5, Buffer.alloc(4)),
]);

describe('BulkBypass', () => {
  it.each([7, 13, 64, 10_000])(
    'gives data sets of objects to the sink, and the rest to the library (chunks of %i)',
    (size) => {
      const { library, taken } = through(STREAM, size);
      expect(taken).toEqual(['abcdef', 'second']);
      const data = library.filter(([type]) => type === 4).flatMap(([, pdvs]) => pdvs as [number, string][]);
      const values = data.map(([, value]) => value).filter((value) => value !== '');
      expect(values).toEqual(['store', 'find', 'que', 'ry', 'st', 'ore', 'store']);
      expect(library.filter(([type]) => type !== 4).map(([type]) => type)).toEqual([1, 5]);
    },
  );

  it('lets an object begin and end with empty fragments', () => {
    const stream = Buffer.concat([pdu(4, pdv(COMMAND | LAST, 'store')), pdu(4, pdv(LAST, 'all'))]);
    expect(through(stream, 1000).library).toEqual([
      [4, [[COMMAND | LAST, 'store']]],
      [4, [[0, '']]],
      [4, [[LAST, '']]],
    ]);
  });

  it.each([
    ['longer than its PDU', Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 8]), Buffer.from([0, 0, 0, 99, 1, 0, 1, 2])])],
    ['shorter than its header', Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 6]), Buffer.from([0, 0, 0, 1, 1, 0])])],
    [
      'followed by half a header',
      Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 9]), Buffer.from([0, 0, 0, 2, 1, 0, 1, 2, 3])]),
    ],
  ])('tells the library of a PDV that is %s, and takes nothing more', (_, stream) => {
    const seen: Buffer[] = [];
    const taken: Buffer[] = [];
    const sink = { isReceiving: false, take: (chunk: Buffer) => void taken.push(chunk) };
    const bypass = new BulkBypass((chunk) => seen.push(chunk), sink);
    bypass.take(stream);
    bypass.take(pdu(4, pdv(LAST, 'more')));
    const last = seen.at(-1);
    expect(last?.readUInt32BE(6)).toBeGreaterThan(last?.readUInt32BE(2) ?? 0);
    expect(taken).toEqual([]);
  });
});
