import { PduWalker } from '../../../../services/dicom-net/connection-guard';

function pdu(type: number, length: number): Buffer {
  const header = Buffer.alloc(6);
  header.writeUInt8(type);
  header.writeUInt32BE(length, 2);
  return Buffer.concat([header, Buffer.alloc(Math.min(length, 4096))]);
}

const walker = (): PduWalker => new PduWalker(1024 * 1024);

describe('the guard of a connection', () => {
  it('lets an association and its data pass, in whatever packets they come', () => {
    const bytes = Buffer.concat([pdu(1, 200), pdu(4, 4000), pdu(5, 4)]);
    const guard = walker();
    for (const byte of bytes) expect(guard.take(Buffer.from([byte]))).toBeUndefined();
    expect(guard.associated).toBe(true);
    expect(walker().take(bytes)).toBeUndefined();
  });

  it('is not fooled into an association by a request that is not complete', () => {
    const guard = walker();
    guard.take(pdu(1, 200).subarray(0, 150));
    expect(guard.associated).toBe(false);
  });

  it.each([
    ['HTTP', Buffer.from('GET / HTTP/1.1\r\n')],
    ['TLS', Buffer.from([0x16, 3, 1, 2, 0, 1])],
    ['data first', pdu(4, 10)],
    ['an association request of 4 GiB', pdu(1, 0xffffffff)],
    ['one without contents', pdu(1, 0)],
  ])('cuts %s', (_, bytes) => {
    expect(walker().take(bytes)).toBe('not-dicom');
  });

  it('cuts data of a length that nobody announced it would take', () => {
    expect(walker().take(Buffer.concat([pdu(1, 200), pdu(4, 0xffffffff)]))).toBe('pdu-too-long');
  });

  it('cuts a second association request, and types that there are not', () => {
    expect(walker().take(Buffer.concat([pdu(1, 200), pdu(1, 200)]))).toBe('not-dicom');
    expect(walker().take(Buffer.concat([pdu(1, 200), pdu(9, 4)]))).toBe('not-dicom');
  });
});
