import { MultipartError, readMultipart, type PartHeaders } from '../../../../services/dicomweb/multipart';
import { parseAccept, parseMediaType } from '../../../../services/dicomweb/media-type';

interface Seen {
  headers: PartHeaders;
  body: string;
  ended: boolean;
  aborted: boolean;
}

function* cut(text: string, size: number): Generator<Buffer> {
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** Reads a body in chunks of a size; answers its parts, and what it throws. */
async function read(text: string, size = 7, boundary = 'B'): Promise<{ parts: Seen[]; error: unknown }> {
  const parts: Seen[] = [];
  async function* body(): AsyncGenerator<Buffer> {
    for (const chunk of cut(text, size)) yield await Promise.resolve(chunk);
  }
  const error = await readMultipart(body(), boundary, (headers) => {
    const part: Seen = { headers, body: '', ended: false, aborted: false };
    parts.push(part);
    return {
      write: (chunk) => void (part.body += chunk.toString('latin1')),
      end: async () => void (part.ended = true),
      abort: async () => void (part.aborted = true),
    };
  }).catch((thrown: unknown) => thrown);
  return { parts, error };
}

const GOOD = '--B\r\nContent-Type: application/dicom\r\n\r\none\r\n--A\r\n-\r\n--B  \r\n\r\ntwo--B\r\n--B--\r\nafter';

describe('readMultipart', () => {
  it.each([1, 2, 3, 5, 1000])('reads parts whatever the chunks are (%i bytes)', async (size) => {
    const { parts, error } = await read(GOOD, size);
    expect(error).toBeUndefined();
    expect(parts.map(({ body, ended }) => [body, ended])).toEqual([
      ['one\r\n--A\r\n-', true],
      ['two--B', true],
    ]);
    expect(parts[0]?.headers.get('content-type')).toBe('application/dicom');
  });

  it('reads an empty part, and a body with a preamble', async () => {
    const { parts, error } = await read('ignored\r\n--B\r\n\r\n\r\n--B--');
    expect(error).toBeUndefined();
    expect(parts.map(({ body }) => body)).toEqual(['']);
  });

  it.each([
    ['without its closing boundary', '--B\r\n\r\none\r\n--B\r\n\r\ntwo', 1],
    ['with LF only', '--B\n\none\n--B--\n', 0],
    ['without any boundary', 'one', 0],
    ['that is empty', '', 0],
    ['with another boundary', '--C\r\n\r\none\r\n--C--\r\n', 0],
    ['with text behind a boundary', '--B\r\n\r\none\r\n--Bogus\r\n\r\n--B--', 1],
  ])('refuses a body %s, and keeps the parts that were whole before', async (_, text, whole) => {
    const { parts, error } = await read(text);
    expect(error).toBeInstanceOf(MultipartError);
    expect(parts.filter(({ ended }) => ended)).toHaveLength(whole);
    expect(parts.filter(({ ended, aborted }) => ended === aborted)).toEqual([]);
  });

  it('refuses header fields without an end', async () => {
    expect((await read(`--B\r\nX: ${'y'.repeat(20_000)}`, 1000)).error).toBeInstanceOf(MultipartError);
  });

  it('aborts its part when the body breaks', async () => {
    const aborted = jest.fn(() => Promise.resolve());
    async function* broken(): AsyncGenerator<Buffer> {
      yield await Promise.resolve(Buffer.from('--B\r\n\r\none'));
      throw new Error('the sender is gone');
    }
    const sink = { write: () => undefined, end: () => Promise.resolve(), abort: aborted };
    await expect(readMultipart(broken(), 'B', () => sink)).rejects.toThrow('gone');
    expect(aborted).toHaveBeenCalledTimes(1);
  });
});

describe('media types', () => {
  it('have parameters with and without quotes', () => {
    const { type, parameters } = parseMediaType('Multipart/Related; type="application/dicom"; boundary=a-b_c');
    expect(type).toBe('multipart/related');
    expect(Object.fromEntries(parameters)).toEqual({ type: 'application/dicom', boundary: 'a-b_c' });
  });

  it('are listed by Accept, commas within quotes aside', () => {
    const accepted = parseAccept('application/dicom+json;q=1, multipart/related; type="a,b"');
    expect(accepted.map(({ type }) => type)).toEqual(['application/dicom+json', 'multipart/related']);
  });
});
