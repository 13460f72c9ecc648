// Turns plain async functions into gRPC handlers. Errors thrown anywhere below become statuses here and nowhere else.

import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  Metadata,
  ServerDuplexStream,
  ServerUnaryCall,
  ServiceDefinition,
  UntypedServiceImplementation,
} from '@grpc/grpc-js';
import { automedError } from '../errors';
import type { Logger } from '../logging';
import type { EnumFields, UnknownEnum } from './enum-fields';
import { deadlineMs, recordOf } from './observe';
import { within } from './call-span';
import { asAutomedError, toStatus } from './status';

/** What a handler knows of its call besides the request. */
export interface CallContext {
  readonly requestId: string;
  readonly log: Logger;
  /** Aborts when the caller cancels, goes away, or its deadline passes. */
  readonly signal: AbortSignal;
  /** Milliseconds until the deadline, at least 0; absent without one. */
  remainingMs(): number | undefined;
  /** Who calls, as a gateway says that authenticated them (`key:NAME`, `user:SUBJECT`); empty without. Whoever may call without one can say anything. */
  readonly principal: string;
  /** The model of a request that names none: the metadata `automed-model`, else empty. */
  readonly modelHint: string;
  /** Names the model in the call's log line. */
  setModel(model: string): void;
  /** Names who calls in the call's log line. */
  setCaller(caller: string): void;
}

/** Metadata in which a gateway tells backends who calls; it lets nobody else set it. */
export const PRINCIPAL_KEY = 'automed-principal';

/** Metadata in which a gateway's other protocols tell its own server where a call came from; nobody else is believed. */
export const PEER_KEY = 'automed-peer';

/** What deserialisers answer for bytes that are no message: grpc-js would call a throw INTERNAL, though the caller erred. */
export class MalformedMessage {}

interface AnyCall {
  metadata: Metadata;
  cancelled: boolean;
  getDeadline: ServerUnaryCall<unknown, unknown>['getDeadline'];
  on(event: 'cancelled', listener: () => void): unknown;
}

/**
 * Why the signals of calls abort, the same for all: grpc-js says of every call that it was cancelled, also once it has ended, and a
 * reason of each one's own would be an error with its stack.
 */
const CANCELLED = new DOMException('The call was cancelled.', 'AbortError');

function contextOf(call: AnyCall, log: Logger): CallContext {
  const record = recordOf(call.metadata, log);
  const abort = new AbortController();
  call.on('cancelled', () => abort.abort(CANCELLED));
  if (call.cancelled) abort.abort(CANCELLED);
  const deadline = deadlineMs(call.getDeadline());
  return {
    requestId: record.requestId,
    log: record.log,
    signal: abort.signal,
    principal: String(call.metadata.get(PRINCIPAL_KEY)[0] ?? ''),
    modelHint: modelHint(call.metadata),
    remainingMs: () => (Number.isFinite(deadline) ? Math.max(0, deadline - Date.now()) : undefined),
    setModel: (model) => {
      record.model = model;
    },
    setCaller: (caller) => {
      record.caller = caller;
    },
  };
}

/** Runs a handler as part of its call's trace. */
const traced = <T>(call: AnyCall, log: Logger, run: () => T): T => within(recordOf(call.metadata, log).span, run);

function failure(call: AnyCall, log: Logger, thrown: unknown) {
  const record = recordOf(call.metadata, log);
  record.cause = asAutomedError(thrown);
  return toStatus(thrown, record.requestId);
}

export function unary<Request, Response>(
  log: Logger,
  handler: (request: Request, context: CallContext) => Response | Promise<Response>,
): handleUnaryCall<Request, Response> {
  return (call, callback) => {
    const run = async (): Promise<Response> => {
      const context = contextOf(call, log);
      return handler(withModel(wellFormed(call.request), context), context);
    };
    traced(call, log, run).then(
      (response) => callback(null, response),
      (thrown: unknown) => callback(failure(call, log, thrown)),
    );
  };
}

export function bidi<Request, Response>(
  log: Logger,
  handler: (call: ServerDuplexStream<Request, Response>, context: CallContext) => Promise<void>,
): handleBidiStreamingCall<Request, Response> {
  return (call) => {
    bufferOneMessage(call);
    const context = contextOf(call, log);
    traced(call, log, () => handler(call, context)).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!context.signal.aborted) call.emit('error', failure(call, log, thrown));
      },
    );
  };
}

/** Sends what the handler yields, as fast as the caller reads; the handler runs no further ahead than one message. */
export function serverStream<Request, Response>(
  log: Logger,
  handler: (request: Request, context: CallContext) => AsyncIterable<Response>,
): handleServerStreamingCall<Request, Response> {
  return (call) => {
    const context = contextOf(call, log);
    const run = async (): Promise<void> => {
      for await (const response of handler(withModel(wellFormed(call.request), context), context)) {
        if (context.signal.aborted) return;
        if (!call.write(response)) await drained(call, context.signal);
      }
    };
    traced(call, log, run).then(
      () => call.end(),
      (thrown: unknown) => {
        if (!context.signal.aborted) call.emit('error', failure(call, log, thrown));
      },
    );
  };
}

/** Resolves when the caller has read, or is gone. */
function drained(
  call: { once: (event: 'drain', listener: () => void) => unknown },
  signal: AbortSignal,
): Promise<void> {
  return new Promise((resolve) => {
    const done = (): void => {
      signal.removeEventListener('abort', done);
      resolve();
    };
    call.once('drain', done);
    signal.addEventListener('abort', done, { once: true });
  });
}

/**
 * Lets a stream of messages hold one in each direction. An object stream buffers 16 by default, which at 64 MB each is a
 * gigabyte, and Node has no way to say otherwise once gRPC has made the stream.
 */
export function bufferOneMessage(stream: object): void {
  const { _readableState: readable, _writableState: writable } = stream as unknown as Record<string, StreamState>;
  if (!readable || !writable) throw new Error('this version of Node has no known way to bound a stream');
  readable.highWaterMark = 1;
  writable.highWaterMark = 1;
}

interface StreamState {
  highWaterMark: number;
}

/** Requests that hold a number which is none of its enum, and where. */
const unknownEnums = new WeakMap<object, UnknownEnum>();

/** The request, or InvalidInputError when its bytes were no message. Its enums may hold numbers that are not known. */
export function readable<Request>(request: Request): Request {
  if (request instanceof MalformedMessage) {
    throw automedError('INVALID_ARGUMENT', 'The request cannot be read: its bytes are not the message of this method.');
  }
  return request;
}

/** The request, or InvalidInputError when its bytes were no message or an enum holds a number that is not known. */
export function wellFormed<Request>(request: Request): Request {
  const unknown = unknownEnums.get(readable(request) as object);
  if (!unknown) return request;
  const { field, number } = unknown;
  throw automedError('INVALID_ARGUMENT', `The number ${number} is no value of ${field}.`, { field });
}

/** The metadata `automed-model` of a call, empty without it. */
export function modelHint(metadata: Metadata): string {
  return String(metadata.get('automed-model')[0] ?? '');
}

/** The request, addressing the model of the call's metadata where it has the field and names none. */
export function withModel<Request>(request: Request, { modelHint: hint }: CallContext): Request {
  const { model } = request as { model?: unknown };
  return model === '' && hint !== '' ? { ...request, model: hint } : request;
}

/** A definition whose deserialisers answer MalformedMessage instead of throwing, and note enums for wellFormed(). */
export function tolerant(definition: ServiceDefinition, enums?: EnumFields): ServiceDefinition {
  return Object.fromEntries(
    Object.entries(definition).map(([name, method]) => {
      const requestDeserialize = (bytes: Buffer): unknown => {
        try {
          const request = method.requestDeserialize(bytes) as object;
          const unknown = enums?.findUnknown(method.path, request);
          if (unknown) unknownEnums.set(request, unknown);
          return request;
        } catch {
          return new MalformedMessage();
        }
      };
      return [name, { ...method, requestDeserialize }];
    }),
  );
}

/** One service as a server takes it. */
export interface ServiceRegistration {
  /** Full name, e.g. `automed.segmentation.v1.SegmentationService`. */
  name: string;
  definition: ServiceDefinition;
  implementation: UntypedServiceImplementation;
}
