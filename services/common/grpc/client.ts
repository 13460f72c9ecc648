import {
  Channel,
  Client,
  credentials,
  Metadata,
  type CallOptions,
  type ChannelCredentials,
  type ChannelOptions,
  type ClientDuplexStream,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js';
import type { MethodDefinition } from '@grpc/proto-loader';
import { deadlineIn } from '../timers';
import { serviceDefinition } from './proto';
import { fromStatus } from './status';

export interface ClientConfig {
  /** Largest message in either direction, bytes; default 64 MiB. */
  maxMessageBytes?: number;
  /** HTTP/2 window granted to the server, bytes; default 4 MiB. */
  flowControlWindowBytes?: number;
  /** TLS; default: plain text. */
  credentials?: ChannelCredentials | undefined;
}

export interface CallSettings {
  /** From now, milliseconds; default: none, and so are 2^31 and more. */
  timeoutMs?: number | undefined;
  signal?: AbortSignal | undefined;
  /** Header fields, e.g. `x-request-id`. */
  metadata?: Record<string, string> | undefined;
  /** Called with the header of the answer. */
  onHeader?: ((metadata: Metadata) => void) | undefined;
}

export type Input<D, M extends keyof D> =
  D[M] extends MethodDefinition<infer I, infer _R, infer _O, infer _S> ? I : never;
export type Output<D, M extends keyof D> =
  D[M] extends MethodDefinition<infer _I, infer _R, infer _O, infer S> ? S : never;

export function channelOptions(config: ClientConfig = {}): ChannelOptions {
  const bytes = config.maxMessageBytes ?? 64 * 1024 * 1024;
  return {
    'grpc.max_receive_message_length': bytes,
    'grpc.max_send_message_length': bytes,
    'grpc-node.flow_control_window': config.flowControlWindowBytes ?? 4 * 1024 * 1024,
  };
}

/** A channel that several clients share; it connects at the first call. */
export function openChannel(address: string, config: ClientConfig = {}): Channel {
  return new Channel(address, config.credentials ?? credentials.createInsecure(), channelOptions(config));
}

/** A client of one service whose failures are the typed errors of services/common/errors.ts. */
export class ApiClient<D extends ServiceDefinition> {
  private readonly definition: D;
  private readonly client: Client;

  /** @param target address of a server, or a channel of openChannel(), which close() then closes for all */
  constructor(serviceName: string, target: string | Channel, config: ClientConfig = {}) {
    this.definition = serviceDefinition<D>(serviceName);
    const channel = typeof target === 'string' ? openChannel(target, config) : target;
    this.client = new Client(channel.getTarget(), credentials.createInsecure(), { channelOverride: channel });
  }

  /** Whether calling twice does no more than calling once, as the proto's `idempotency_level` says. */
  isIdempotent(method: keyof D & string): boolean {
    // proto-loader adds the options of a method, which grpc-js's type of a definition lacks.
    const { options } = this.method(method) as Partial<Pick<MethodDefinition<object, object>, 'options'>>;
    return options !== undefined && (options.idempotency_level as string) !== 'IDEMPOTENCY_UNKNOWN';
  }

  /** Calls a unary method, e.g. `Segment`. */
  unary<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    settings: CallSettings = {},
  ): Promise<Output<D, M>> {
    const { path, requestSerialize, responseDeserialize } = this.method(method);
    return new Promise((resolve, reject) => {
      const { metadata, options } = prepare(settings);
      const call = this.client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        metadata,
        options,
        (error, response) => {
          settings.signal?.removeEventListener('abort', cancel);
          if (error) reject(fromStatus(error));
          else resolve(response as Output<D, M>);
        },
      );
      const cancel = (): void => call.cancel();
      if (settings.onHeader) call.on('metadata', settings.onHeader);
      if (settings.signal?.aborted) cancel();
      else settings.signal?.addEventListener('abort', cancel, { once: true });
    });
  }

  /** Opens a stream in both directions; its `error` events are statuses, which fromStatus() turns into typed errors. */
  stream<M extends keyof D & string>(
    method: M,
    settings: CallSettings = {},
  ): ClientDuplexStream<Input<D, M>, Output<D, M>> {
    const { path, requestSerialize, responseDeserialize } = this.method(method);
    const { metadata, options } = prepare(settings);
    const call = this.client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, metadata, options);
    if (settings.onHeader) call.on('metadata', settings.onHeader);
    const cancel = (): void => call.cancel();
    call.once('status', () => settings.signal?.removeEventListener('abort', cancel));
    if (settings.signal?.aborted) cancel();
    else settings.signal?.addEventListener('abort', cancel, { once: true });
    return call as ClientDuplexStream<Input<D, M>, Output<D, M>>;
  }

  /**
   * Sends a series and yields its answers in order. Sends ahead only as far as the server reads.
   * @throws the typed error that ended the stream
   */
  async *series<M extends keyof D & string>(
    method: M,
    requests: Iterable<Input<D, M>> | AsyncIterable<Input<D, M>>,
    settings: CallSettings = {},
  ): AsyncGenerator<Output<D, M>> {
    const call = this.stream(method, settings);
    const send = async (): Promise<void> => {
      for await (const request of requests) {
        if (call.destroyed || call.closed) return;
        if (!call.write(request)) await new Promise((resolve) => call.once('drain', resolve).once('close', resolve));
      }
      call.end();
    };
    let unsendable: { reason: unknown } | undefined;
    send().catch((reason: unknown) => {
      unsendable = { reason };
      call.cancel();
    });
    try {
      for await (const response of call) yield response as Output<D, M>;
    } catch (error) {
      throw unsendable ? unsendable.reason : fromStatus(error as StatusObject);
    } finally {
      call.cancel();
    }
  }

  /**
   * Sends one request and yields what is streamed back, no faster than it is taken.
   * @throws the typed error that ended the stream
   */
  async *serverStream<M extends keyof D & string>(
    method: M,
    request: Input<D, M>,
    settings: CallSettings = {},
  ): AsyncGenerator<Output<D, M>> {
    const { path, requestSerialize, responseDeserialize } = this.method(method);
    const { metadata, options } = prepare(settings);
    const { client } = this;
    const call = client.makeServerStreamRequest(
      path,
      requestSerialize,
      responseDeserialize,
      request,
      metadata,
      options,
    );
    const cancel = (): void => call.cancel();
    settings.signal?.addEventListener('abort', cancel, { once: true });
    if (settings.signal?.aborted) cancel();
    try {
      for await (const response of call) yield response as Output<D, M>;
    } catch (error) {
      throw fromStatus(error as StatusObject);
    } finally {
      settings.signal?.removeEventListener('abort', cancel);
      cancel();
    }
  }

  /** Resolves when the server answers on its socket; rejects after the timeout. */
  waitForReady(timeoutMs: number): Promise<void> {
    return new Promise((resolve, reject) =>
      this.client.waitForReady(deadlineIn(timeoutMs) ?? Infinity, (error) => (error ? reject(error) : resolve())),
    );
  }

  close(): void {
    this.client.close();
  }

  private method(name: string) {
    const method = this.definition[name];
    if (!method) throw new Error(`no method ${name}`);
    return method;
  }
}

function prepare(settings: CallSettings): { metadata: Metadata; options: CallOptions } {
  const metadata = new Metadata();
  for (const [key, value] of Object.entries(settings.metadata ?? {})) metadata.set(key, value);
  const deadline = settings.timeoutMs === undefined ? undefined : deadlineIn(settings.timeoutMs);
  return { metadata, options: deadline === undefined ? {} : { deadline } };
}
