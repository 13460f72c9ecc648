// Processes of their own for the C code that decodes PNG, JPEG, TIFF and WebP: what a file makes of it ends there, and not with the
// process that serves models.

import { automedError } from '../common/errors';
import { MAX_SECONDS, type DecodeLimits, type InspectImage } from '../imaging/decode';
import { SAMPLE_BYTES, type Pixels } from '../imaging/pixels/pixels';
import { DecoderEnded, IsolatedDecoder, type Answered } from './isolated-decoder';
import type { DecodeAnswer, DecodeRequest } from './messages';

/** Node, libvips and their threads, bytes. */
const OWN_BYTES = 512 * 1024 * 1024;
/** The most that a pixel takes: as RGB with alpha in the file and as RGB in the answer, 16 bits each, and once more on its way. */
const PIXEL_BYTES = 20;
/** libvips ends what takes too long by itself; after so much more its process is ended, milliseconds. */
const GRACE_MS = 5_000;
const RETRY_MS = 1_000;
/** A process that answered more pixels ends, bytes: it would keep their memory. The next one starts in a fraction of their time. */
const LARGE_BYTES = 64 * 1024 * 1024;

export interface IsolatedDecodersOptions {
  /** Images that are decoded at a time, each in a process. */
  count: number;
  /** Of the images that will come. */
  limits: DecodeLimits;
  /** What a process may write to, bytes; default: what an image at the limits takes. */
  memoryBytes?: number;
  /** Beyond the time that an image may take, milliseconds; default 5,000. */
  graceMs?: number;
  /** Told of each process that ended with an image. */
  onEnded?: (error: DecoderEnded) => void;
}

/** One request, and what its answer must hold. */
interface Task<T> {
  bytes: Uint8Array;
  request: DecodeRequest;
  /** Samples that may be answered at most. */
  mostBytes: number;
  /** Undefined for what is no answer to the request. */
  read: (answered: Answered) => T | undefined;
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
  private readonly graceMs: number;
  private readonly onEnded: (error: DecoderEnded) => void;
  private busy = 0;

  private constructor({ count, limits, memoryBytes, graceMs = GRACE_MS, onEnded }: IsolatedDecodersOptions) {
    this.count = count;
    this.memoryBytes = memoryBytes ?? OWN_BYTES + 2 * limits.maxBytes + PIXEL_BYTES * limits.maxPixels;
    this.graceMs = graceMs;
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
    const header = await this.ask({
      bytes,
      request: { limits, also, wanted: 'header' },
      mostBytes: 0,
      read: ({ answer }) => ('header' in answer && fits(answer.header, limits) ? answer.header : undefined),
    });
    const { width, height, decodeBytes } = header;
    const decode = (): Promise<Pixels> =>
      this.ask({
        bytes,
        request: { limits, also, wanted: 'pixels' },
        mostBytes: decodeBytes,
        read: ({ answer, samples }) => {
          const pixels = 'pixels' in answer ? { ...answer.pixels, data: samples } : undefined;
          return pixels?.width === width && pixels.height === height && isWhole(pixels) ? pixels : undefined;
        },
      });
    return { width, height, decodeBytes: bytes.length + 2 * decodeBytes, decode }; // the file there, and pixels in both
  };

  close(): void {
    this.idle.splice(0).forEach((decoder) => decoder.close());
  }

  private async ask<T>(task: Task<T>): Promise<T> {
    const again = (error: unknown): Promise<T> => {
      if (error instanceof DecoderEnded && (error.reason === 'crashed' || error.reason === 'stopped')) {
        return this.askOnce(task);
      }
      throw error;
    };
    const refuse = (error: unknown): never => {
      throw error instanceof DecoderEnded ? refusal(error) : error;
    };
    return this.askOnce(task).catch(again).catch(refuse);
  }

  private async askOnce<T>({ bytes, request, mostBytes, read }: Task<T>): Promise<T> {
    await this.turn();
    let decoder: IsolatedDecoder | undefined;
    try {
      decoder = this.takeIdle() ?? (await this.startOne());
      const limitMs = (request.limits.maxSeconds ?? MAX_SECONDS) * 1_000 + this.graceMs;
      const answered = await decoder.ask(bytes, request, { limitMs, mostBytes });
      const outcome = failureOf(answered.answer) ?? read(answered);
      if (outcome === undefined) throw new DecoderEnded('untrue', 'it answered something else');
      if (answered.samples.length > LARGE_BYTES) decoder.close();
      else this.idle.push(decoder);
      if (outcome instanceof Error) throw outcome;
      return outcome;
    } catch (error) {
      if (error instanceof DecoderEnded) {
        decoder?.close();
        this.onEnded(error);
      }
      throw error;
    } finally {
      this.endTurn();
    }
  }

  private takeIdle(): IsolatedDecoder | undefined {
    const decoder = this.idle.pop();
    if (!decoder || decoder.alive) return decoder;
    decoder.close();
    return this.takeIdle();
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

/** What is wrong with the image, or with us. */
function failureOf(answer: DecodeAnswer): Error | undefined {
  if ('code' in answer) return automedError(answer.code, answer.message, { field: 'image' });
  return 'fault' in answer ? automedError('INTERNAL', answer.fault) : undefined;
}

function refusal({ reason, message }: DecoderEnded): Error {
  if (reason === 'stopped') {
    return automedError('SERVICE_UNAVAILABLE', `The image was not decoded: ${message}.`, { retryAfterMs: RETRY_MS });
  }
  return automedError('UNSUPPORTED_IMAGE', `The image cannot be read: ${message}.`, { field: 'image' });
}

const fits = (
  { width, height, decodeBytes }: { width: number; height: number; decodeBytes: number },
  limits: DecodeLimits,
) => width * height <= limits.maxPixels && decodeBytes <= width * height * PIXEL_BYTES;

const isWhole = ({ width, height, channels, sampleType, data }: Pixels): boolean =>
  data.length === width * height * channels * SAMPLE_BYTES[sampleType];
