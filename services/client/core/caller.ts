import type { Channel, ServiceDefinition } from '@grpc/grpc-js';
import { InvalidInputError } from '../../common/errors';
import { ApiClient, type CallSettings, type Input, type Output } from '../../common/grpc/client';
import { alive, isHeartbeat } from './alive';
import type { CallOptions, ClientOptions, StreamOptions } from './options';
import { resumed, type Resumable, type ResumeOptions } from './resumed';
import { retrying } from './retry';

const DEFAULT_TIMEOUT_MS = 120_000;
const DEFAULT_ATTEMPTS = 4;

type Defaults = Pick<ClientOptions, 'timeoutMs' | 'attempts' | 'metadata'>;

/** Calls of one service with the settings of its client: deadlines, header fields, retries. */
export class Caller<D extends ServiceDefinition> {
  private readonly api: ApiClient<D>;
  private readonly timeoutMs: number;
  private readonly attempts: number;
  private readonly metadata: Record<string, string>;

  /** @throws InvalidInputError */
  constructor(
    service: string,
    channel: Channel,
    { timeoutMs = DEFAULT_TIMEOUT_MS, attempts = DEFAULT_ATTEMPTS, metadata = {} }: Defaults,
  ) {
    if (!Number.isInteger(attempts) || attempts < 1)
      throw invalid('attempts', 'a whole number of at least 1', attempts);
    this.api = new ApiClient(service, channel);
    this.timeoutMs = checkedTimeout(timeoutMs);
    this.attempts = attempts;
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
  ): AsyncGenerator<Output<D, M>> {
    const settings = this.settings(options);
    return alive((signal) => this.api.serverStream(method, request, { ...settings, signal }), options.signal);
  }

  /**
   * As serverStream(), but a stream that breaks goes on behind the last message, unless the client never repeats.
   * @param always whether also one that broke before its first message
   */
  resumedStream<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    { patienceMs, onBroken, ...options }: StreamOptions & ResumeOptions = {},
    always = false,
  ): AsyncGenerator<Output<D, M> & Resumable> {
    type Message = Output<D, M> & Resumable;
    const open = (resumeToken: string): AsyncGenerator<Message> => {
      const from = resumeToken === '' ? request : { ...(request as object), resumeToken };
      return this.serverStream(method, from as Input<D, M>, options) as AsyncGenerator<Message>;
    };
    const patience = this.attempts === 1 ? 0 : patienceMs;
    return resumed(open, { patienceMs: patience, onBroken, signal: options.signal }, always);
  }

  /** Sends a series, as fast as the server reads it, and yields the answers. */
  series<M extends keyof D & string>(
    method: M,
    requests: Iterable<Input<D, M>> | AsyncIterable<Input<D, M>>,
    options: StreamOptions = {},
  ): AsyncGenerator<Output<D, M>> {
    return withoutHeartbeats(this.api.series(method, requests, this.settings(options)));
  }

  private settings({ metadata, ...rest }: CallOptions): CallSettings {
    return { ...rest, metadata: { ...this.metadata, ...metadata } };
  }
}

async function* withoutHeartbeats<Message>(messages: AsyncIterable<Message>): AsyncGenerator<Message> {
  for await (const message of messages) if (!isHeartbeat(message)) yield message;
}

function checkedTimeout(timeoutMs: number): number {
  if (timeoutMs > 0) return timeoutMs;
  throw invalid('timeoutMs', 'more than 0', timeoutMs);
}

function invalid(field: string, what: string, got: number): InvalidInputError {
  return new InvalidInputError('INVALID_ARGUMENT', `${field} must be ${what}, not ${got}.`, { field });
}
