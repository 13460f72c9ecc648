// Reads multipart bodies (RFC 2046, 5.1) as a stream, strictly: a body that does not end with its closing boundary, or whose lines
// end without CR, is an error. Lenient readers take such a body for one without parts, and say that all is well.

/** What is wrong with a body; the message holds nothing of it. */
export class MultipartError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'MultipartError';
  }
}

/** Takes the bytes of one part. */
export interface PartSink {
  write(chunk: Buffer): Promise<void> | void;
  /** The part is whole. */
  end(): Promise<void>;
  /** The body broke within the part. */
  abort(): Promise<void>;
}

/** Header fields of a part, by their names in lower case. */
export type PartHeaders = ReadonlyMap<string, string>;

const CRLF = Buffer.from('\r\n');
const HEADERS_END = Buffer.from('\r\n\r\n');
const CLOSING = '--';
/** Before the first boundary, of header fields, and of a boundary's padding, bytes. */
const MAX_PREAMBLE = 64 * 1024;
const MAX_HEADERS = 16 * 1024;
const MAX_PADDING = 256;
/** Longest boundary (RFC 2046, 5.1.1). */
const MAX_BOUNDARY = 70;

type State = 'preamble' | 'boundary' | 'headers' | 'body' | 'epilogue';

function parseHeaders(text: string): PartHeaders {
  const headers = new Map<string, string>();
  for (const line of text.split('\r\n')) {
    const colon = line.indexOf(':');
    if (colon > 0) headers.set(line.slice(0, colon).trim().toLowerCase(), line.slice(colon + 1).trim());
  }
  return headers;
}

class MultipartReader {
  // A body may begin with its first boundary, which belongs to a line all the same.
  private rest: Buffer = CRLF;
  private state: State = 'preamble';
  private sink: PartSink | undefined;
  private readonly mark: Buffer;

  constructor(
    boundary: string,
    private readonly open: (headers: PartHeaders) => PartSink | Promise<PartSink>,
  ) {
    if (boundary === '' || boundary.length > MAX_BOUNDARY) throw new MultipartError('The body has no valid boundary.');
    this.mark = Buffer.from(`\r\n--${boundary}`, 'latin1');
  }

  async take(chunk: Buffer): Promise<void> {
    this.rest = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    while (await this.step());
  }

  /** @throws MultipartError when the body is not whole */
  end(): void {
    if (this.state === 'epilogue') return;
    throw new MultipartError(
      this.state === 'preamble'
        ? 'The body holds no boundary on a line of its own that ends with CR LF.'
        : 'The body ends without its closing boundary.',
    );
  }

  async abort(): Promise<void> {
    const { sink } = this;
    this.sink = undefined;
    await sink?.abort();
  }

  /** Goes on by one part of the grammar; false when it needs more bytes. */
  private async step(): Promise<boolean> {
    switch (this.state) {
      case 'preamble':
        return this.preamble();
      case 'boundary':
        return this.boundary();
      case 'headers':
        return this.headers();
      case 'body':
        return this.body();
      case 'epilogue':
        this.rest = Buffer.alloc(0);
        return false;
    }
  }

  private preamble(): boolean {
    const at = this.rest.indexOf(this.mark);
    if (at < 0) {
      if (this.rest.length > MAX_PREAMBLE) throw new MultipartError('The body does not begin with a boundary.');
      return false;
    }
    return this.goOn('boundary', at + this.mark.length);
  }

  /** After a boundary: two hyphens when it is the last one; else spaces, and the end of the line. */
  private boundary(): boolean {
    if (this.rest.length < 2) return false;
    if (this.rest.toString('latin1', 0, 2) === CLOSING) return this.goOn('epilogue', 2);
    const end = this.rest.indexOf(CRLF);
    const padding = this.rest.toString('latin1', 0, end < 0 ? this.rest.length : end);
    if (/[^ \t\r]/.test(padding) || padding.length > MAX_PADDING) {
      throw new MultipartError('A boundary is followed by something else than the end of its line.');
    }
    // The line's end stays: it begins the header fields, of which there may be none.
    return end >= 0 && this.goOn('headers', end);
  }

  private async headers(): Promise<boolean> {
    const end = this.rest.indexOf(HEADERS_END);
    if (end < 0) {
      if (this.rest.length > MAX_HEADERS) throw new MultipartError('The header fields of a part are too long.');
      return false;
    }
    const text = this.rest.toString('latin1', 0, end);
    this.goOn('body', end + HEADERS_END.length);
    this.sink = await this.open(parseHeaders(text));
    return true;
  }

  private async body(): Promise<boolean> {
    const at = this.rest.indexOf(this.mark);
    if (at < 0) {
      // The end of what is there may be the beginning of a boundary.
      const sure = this.rest.length - this.mark.length + 1;
      if (sure > 0) await this.pass(sure);
      return false;
    }
    if (at > 0) await this.pass(at);
    const { sink } = this;
    this.sink = undefined;
    await sink?.end();
    return this.goOn('boundary', this.mark.length);
  }

  private async pass(count: number): Promise<void> {
    const bytes = this.rest.subarray(0, count);
    this.rest = this.rest.subarray(count);
    await this.sink?.write(bytes);
  }

  private goOn(state: State, from: number): true {
    this.state = state;
    this.rest = this.rest.subarray(from);
    return true;
  }
}

/**
 * Reads a body; `open` is asked for each part, whose bytes go to what it answers, one chunk after the other.
 * @throws MultipartError for a body that is malformed or cut short, after its unfinished part was aborted; errors of sinks as they are
 */
export async function readMultipart(
  body: AsyncIterable<Buffer>,
  boundary: string,
  open: (headers: PartHeaders) => PartSink | Promise<PartSink>,
): Promise<void> {
  const reader = new MultipartReader(boundary, open);
  try {
    for await (const chunk of body) await reader.take(chunk);
    reader.end();
  } catch (error) {
    await reader.abort();
    throw error;
  }
}
