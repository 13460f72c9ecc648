import type { Channel, ServiceDefinition } from '@grpc/grpc-js';
import { automedError, InvalidInputError } from '../../common/errors';
import { ApiClient, type CallSettings, type Input, type Output } from '../../common/grpc/client';
import { alive } from './alive';
import type { ResumeOptions } from './breaks';
import type { CallOptions, ClientOptions, StreamOptions } from './options';
import { resumed, type Resumable } from './resumed';
import { resumedSeries, type SeriesOptions, type SeriesRequest } from './resumed-series';
import { retrying } from './retry';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_ATTEMPTS = 4;

type Defaults = Pick<ClientOptions, 'timeoutMs' | 'attempts' | 'silenceMs' | 'metadata'>;

/** Calls of one service with the settings of its client: deadlines, header fields, retries. */
export class Caller<D extends ServiceDefinition> {
  private readonly api: ApiClient<D>;
  private readonly timeoutMs: number;
  private readonly attempts: number;
  private readonly silenceMs: number | undefined;
  private readonly metadata: Record<string, string>;

  /** @throws InvalidInputError */
  constructor(
    service: string,
    channel: Channel,
    { timeoutMs = DEFAULT_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS, silenceMs, metadata = {} }: Defaults,
  ) {
    if (!Number.isInteger(attempts) || attempts < 1)
      throw invalid('attempts', 'a whole number of at least 1', attempts);
    this.api = new ApiClient(service, channel);
    this.timeoutMs = checkedTimeout(timeoutMs);
    this.attempts = attempts;
    this.silenceMs = silenceMs;
    this.metadata = metadata;
  }

  /**
   * Makes a call, again where that is safe and may help.
   * @param idempotent whether it may be made twice; default: what its proto says
   */
  async unary<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    options: CallOptions = {},
    idempotent = this.api.isIdempotent(method),
  ): Promise<Output<D, M>> {
    const { timeoutMs = this.timeoutMs, signal } = options;
    const settings = { attempts: this.attempts, timeoutMs: checkedTimeout(timeoutMs), idempotent, signal };
    return retrying(settings, (leftMs) =>
      this.api.unary(method, request, { ...this.settings(options), timeoutMs: leftMs }),
    );
  }

  /** Sends one request and yields what is streamed back, once: see resumedStream(). */
  serverStream<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    options: StreamOptions = {},
    heard?: () => void,
  ): AsyncGenerator<Output<D, M>> {
    const settings = this.settings(options);
    const open = (signal: AbortSignal) => this.api.serverStream(method, request, { ...settings, signal });
    return alive(open, { signal: options.signal, heard, silenceMs: this.silenceMs });
  }

  /**
   * As serverStream(), but a stream that breaks goes on behind the last message, unless the client never repeats.
   * @param always whether also one that broke before its first message
   */
  resumedStream<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    options: StreamOptions & ResumeOptions = {},
    always = false,
  ): AsyncGenerator<Output<D, M> & Resumable> {
    type Message = Output<D, M> & Resumable;
    const left = timeLeft(options);
    const open = (resumeToken: string, heard: () => void): AsyncGenerator<Message> => {
      const from = resumeToken === '' ? request : { ...(request as object), resumeToken };
      return this.serverStream(method, from as Input<D, M>, left(), heard) as AsyncGenerator<Message>;
    };
    return resumed(open, this.breaks(options), always);
  }

  /** Sends a series, as fast as the server reads it, and yields the answers. */
  series<M extends keyof D & string>(
    method: M,
    requests: Iterable<Input<D, M>> | AsyncIterable<Input<D, M>>,
    options: StreamOptions = {},
    heard?: () => void,
  ): AsyncGenerator<Output<D, M>> {
    const settings = this.settings(options);
    const open = (signal: AbortSignal) => this.api.series(method, requests, { ...settings, signal });
    return alive(open, { signal: options.signal, heard, silenceMs: this.silenceMs });
  }

  /** As series(), but where the stream breaks, the requests without an answer go on another, unless the client never repeats. */
  resumedSeries<M extends keyof D & string>(
    method: M,
    requests: Iterable<Input<D, M> & SeriesRequest> | AsyncIterable<Input<D, M> & SeriesRequest>,
    options: StreamOptions & SeriesOptions = {},
  ): AsyncGenerator<Output<D, M> & Resumable & { index: number }> {
    type Answer = Output<D, M> & Resumable & { index: number };
    const left = timeLeft(options);
    const open = (unanswered: AsyncIterable<Input<D, M>>, heard: () => void): AsyncGenerator<Answer> =>
      this.series(method, unanswered, left(), heard) as AsyncGenerator<Answer>;
    return resumedSeries(open, requests, { ...this.breaks(options), onLastImage: options.onLastImage });
  }

  /** Sends a series and reads what is made of all of it; a stream that breaks behind the first message goes on, without the series. */
  resumedUpload<M extends keyof D & string>(
    method: M,
    requests: Iterable<Input<D, M>> | AsyncIterable<Input<D, M>>,
    options: StreamOptions & ResumeOptions = {},
  ): AsyncGenerator<Output<D, M> & Resumable> {
    type Message = Output<D, M> & Resumable;
    const left = timeLeft(options);
    let isSent = false;
    const open = (resumeToken: string, heard: () => void): AsyncGenerator<Message> => {
      if (resumeToken === '' && isSent)
        throw automedError('SERVICE_UNAVAILABLE', 'The server was started again: send it all again.');
      isSent = true;
      const sent = resumeToken === '' ? requests : [{ resumeToken } as Input<D, M>];
      return this.series(method, sent, left(), heard) as AsyncGenerator<Message>;
    };
    return resumed(open, this.breaks(options));
  }

  private breaks({ patienceMs, onBroken, signal }: ResumeOptions): ResumeOptions {
    return { patienceMs: this.attempts === 1 ? 0 : patienceMs, onBroken, signal };
  }

  private settings({ timeoutMs, signal, metadata }: CallOptions): CallSettings {
    return { timeoutMs, signal, metadata: { ...this.metadata, ...metadata } };
  }
}

/** The settings of each of the streams that together may take the time of one. */
function timeLeft(options: StreamOptions): () => StreamOptions {
  const { timeoutMs } = options;
  if (timeoutMs === undefined) return () => options;
  const end = performance.now() + timeoutMs;
  return () => ({ ...options, timeoutMs: Math.max(0, end - performance.now()) });
}

function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs > 0) return timeoutMs;
  throw invalid('timeoutMs', 'more than 0', timeoutMs);
}

function invalid(field: string, what: string, got: number): InvalidInputError {
  return new InvalidInputError('INVALID_ARGUMENT', `${field} must be ${what}, not ${got}.`, { field });
}
