// Processes of their own for the C code that decodes PNG, JPEG, TIFF and WebP: what a file may do to it, it does neither to models
// and keys nor to the images of others.

import { automedError } from '../../common/errors';
import { MAX_SECONDS, type DecodeLimits, type InspectImage } from '../decode';
import { SAMPLE_BYTES, type Pixels } from '../pixels/pixels';
import type { DecodeAnswer, DecodeRequest } from './decode-child';
import { DecoderEnded, IsolatedDecoder } from './isolated-decoder';

/** Node, libvips and their threads, bytes. */
const OWN_BYTES = 512 * 1024 * 1024;
/** The most that a pixel takes: as RGB with alpha in the file and as RGB in the answer, 16 bits each, and twice in the message of it. */
const PIXEL_BYTES = 26;
/** libvips ends what takes too long by itself; after so much more its process is ended, milliseconds. */
const GRACE_MS = 5_000;
const RETRY_MS = 1_000;
/** A process that answered more pixels ends, bytes: it would keep their memory. The next one starts in a fraction of their time. */
const LARGE_BYTES = 64 * 1024 * 1024;
/** Ends that the image did not cause: out of the system's memory, or stopped by somebody. */
const FOREIGN = new Set(['SIGKILL', 'SIGTERM', 'SIGINT', 'SIGHUP']);

export interface IsolatedDecodersOptions {
  /** Images that are decoded at a time, each in a process. */
  count: number;
  /** Of the images that will come. */
  limits: DecodeLimits;
  /** What a process may write to, bytes; default: what an image at the limits takes. */
  memoryBytes?: number;
  /** Told of each process that ended with an image. */
  onEnded?: (error: DecoderEnded) => void;
}

/**
 * Images are begun in the order in which they came. One that ends its process is tried once more in another one, then refused; where
 * something else ended that, whoever sent the image may try again.
 */
export class IsolatedDecoders {
  private readonly idle: IsolatedDecoder[] = [];
  private readonly waiting: (() => void)[] = [];
  private readonly count: number;
  private readonly memoryBytes: number;
  private readonly onEnded: (error: DecoderEnded) => void;
  private busy = 0;

  private constructor({ count, limits, memoryBytes, onEnded }: IsolatedDecodersOptions) {
    this.count = count;
    this.memoryBytes = memoryBytes ?? OWN_BYTES + 2 * limits.maxBytes + PIXEL_BYTES * limits.maxPixels;
    this.onEnded = onEnded ?? (() => undefined);
  }

  /** @throws UnavailableError when they do not start */
  static async start(options: IsolatedDecodersOptions): Promise<IsolatedDecoders> {
    const decoders = new IsolatedDecoders(options);
    const started = Array.from({ length: options.count }, () => decoders.startOne());
    decoders.idle.push(...(await Promise.all(started)));
    return decoders;
  }

  /**
   * As inspectImage(). Bytes are sent for the header and again for the pixels: in between, images that wait take memory here alone.
   * @throws as inspectImage(); UnavailableError
   */
  readonly inspect: InspectImage = async (bytes, limits, also = []) => {
    const request = { bytes, limits, also };
    const answer = await this.ask({ ...request, wanted: 'header' });
    if (!('header' in answer)) throw unexpected();
    const { width, height, decodeBytes } = answer.header;
    const decode = async (): Promise<Pixels> => {
      const decoded = await this.ask({ ...request, wanted: 'pixels' });
      if (!('pixels' in decoded)) throw unexpected();
      return aligned(decoded.pixels);
    };
    return { width, height, decodeBytes: 2 * decodeBytes, decode }; // in both processes
  };

  close(): void {
    this.idle.splice(0).forEach((decoder) => decoder.close());
  }

  private async ask(request: DecodeRequest): Promise<DecodeAnswer> {
    const again = (error: unknown): Promise<DecodeAnswer> => {
      if (error instanceof DecoderEnded && !error.late) return this.askOnce(request);
      throw error;
    };
    const refuse = (error: unknown): never => {
      throw error instanceof DecoderEnded ? refusal(error) : error;
    };
    const answer = await this.askOnce(request).catch(again).catch(refuse);
    if ('code' in answer) throw automedError(answer.code, answer.message, { field: 'image' });
    if ('fault' in answer) throw automedError('INTERNAL', answer.fault);
    return answer;
  }

  private async askOnce(request: DecodeRequest): Promise<DecodeAnswer> {
    await this.turn();
    try {
      const decoder = this.takeIdle() ?? (await this.startOne());
      const answer = await decoder.ask(request, (request.limits.maxSeconds ?? MAX_SECONDS) * 1_000 + GRACE_MS);
      if ('pixels' in answer && answer.pixels.data.length > LARGE_BYTES) decoder.close();
      else this.idle.push(decoder);
      return answer;
    } catch (error) {
      if (error instanceof DecoderEnded) this.onEnded(error);
      throw error;
    } finally {
      this.endTurn();
    }
  }

  private takeIdle(): IsolatedDecoder | undefined {
    const decoder = this.idle.pop();
    return decoder && !decoder.alive ? this.takeIdle() : decoder;
  }

  private async startOne(): Promise<IsolatedDecoder> {
    return IsolatedDecoder.start(this.memoryBytes).catch((cause: unknown) => {
      throw automedError('SERVICE_UNAVAILABLE', 'No process that decodes images could be started.', {
        retryAfterMs: RETRY_MS,
        cause,
      });
    });
  }

  private async turn(): Promise<void> {
    if (this.busy < this.count) this.busy += 1;
    else await new Promise<void>((resolve) => this.waiting.push(resolve));
  }

  private endTurn(): void {
    const next = this.waiting.shift();
    if (next) next();
    else this.busy -= 1;
  }
}

const unexpected = (): Error => new Error('a process answered what was not asked');

function refusal({ signal, message, late }: DecoderEnded): Error {
  if (late)
    return automedError('UNSUPPORTED_IMAGE', 'The image cannot be read: decoding takes too long.', { field: 'image' });
  if (signal !== null && FOREIGN.has(signal)) {
    return automedError('SERVICE_UNAVAILABLE', `The image was not decoded: ${message}.`, { retryAfterMs: RETRY_MS });
  }
  return automedError('UNSUPPORTED_IMAGE', `The image cannot be read: ${message}.`, { field: 'image' });
}

/** Samples of several bytes begin at a multiple of their size. */
function aligned(pixels: Pixels): Pixels {
  const { data, sampleType } = pixels;
  return data.byteOffset % SAMPLE_BYTES[sampleType] === 0 ? pixels : { ...pixels, data: new Uint8Array(data) };
}
