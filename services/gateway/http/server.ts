// HTTP/JSON before the same methods: POST /v1/SERVICE/METHOD with the JSON of protobuf. Every call goes through the gateway's
// own gRPC server, over a socket that nobody else can open, so that routes, access, limits, logs and metrics are the same.

import type { ServerOptions } from 'node:https';
import { fromBinary, toJson } from '@bufbuild/protobuf';
import cors from '@fastify/cors';
import multipart from '@fastify/multipart';
import { type Client, Metadata, type ServiceError } from '@grpc/grpc-js';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { AutomedError, automedError } from '../../common/errors';
import { fromStatus, toStatus } from '../../common/grpc/status';
import type { Logger } from '../../common/logging';
import { httpMethods, type HttpMethod } from './api';
import { serveConsole } from './console';
import { httpError, httpStatus } from './errors';
import { refusalOfForeignPage } from './foreign-pages';
import { offerGrpcWeb } from './grpc-web';
import { setHeader, setPeer } from './metadata';
import { openApi } from './openapi';
import { readRequest } from './request';
import { resuming, streamEvents } from './stream';

export interface HttpDeps {
  /** A client of the gateway's own gRPC server. */
  client: Client;
  services: readonly string[];
  maxMessageBytes: number;
  /** What a call may take that names no time, milliseconds. */
  timeoutMs: number;
  log: Logger;
  /** TLS; absent: plain HTTP. */
  secure?: ServerOptions | undefined;
  /** Origins whose pages may call, e.g. `https://viewer.example.org`; `*` for all. Others' browsers keep the answers from them. */
  origins: readonly string[];
  /** Origins whose pages may show a result in a frame. */
  frames: readonly string[];
  /** Whether only this machine reaches it and nobody is asked for a key. */
  open: boolean;
}

/** Header fields that mean the same in gRPC. */
const PASSED = ['authorization', 'x-request-id', 'automed-model', 'automed-sticky-key', 'traceparent', 'tracestate'];
/** What pages of other origins may read of an answer. */
const EXPOSED = ['x-request-id', 'retry-after', 'grpc-status', 'grpc-message', 'grpc-status-details-bin'];
/** Base64 makes three bytes four, and the rest of a request is small. */
const jsonBytes = (bytes: number): number => Math.ceil((bytes * 4) / 3) + 65_536;

const same = (bytes: Buffer): Buffer => bytes;

export async function buildHttp(deps: HttpDeps): Promise<FastifyInstance> {
  const options = { bodyLimit: jsonBytes(deps.maxMessageBytes), exposeHeadRoutes: false, forceCloseConnections: true };
  const app: FastifyInstance = deps.secure ? fastify({ ...options, https: deps.secure }) : fastify(options);
  await app.register(multipart, { limits: { fileSize: deps.maxMessageBytes, files: 4, fields: 64 } });
  app.addHook('onRequest', (request, _reply, done) => done(refusalOfForeignPage(request, deps)));
  const { origins } = deps;
  if (origins.length > 0) {
    const origin = origins.includes('*') ? '*' : [...origins];
    await app.register(cors, { origin, methods: ['GET', 'POST'], exposedHeaders: EXPOSED, maxAge: 600 });
  }
  const methods = httpMethods(deps.services);
  const description = openApi(methods);
  app.get('/openapi.json', () => description);
  const missingPage = await serveConsole(app, deps.frames);
  for (const method of methods) {
    app.post(method.path, (request, reply) => (method.streams ? stream : answer)(method, request, reply, deps));
  }
  offerGrpcWeb(app, methods, deps.client);
  app.setNotFoundHandler((request, reply) => {
    const text = `There is no ${request.method} ${request.url.split('?')[0] ?? ''}; /openapi.json lists what there is.`;
    return missingPage(request, reply) ?? sendError(reply, automedError('NOT_FOUND', text));
  });
  app.setErrorHandler((error, _request, reply) => sendError(reply, typed(error, deps)));
  return app;
}

/** What fastify itself refuses: a body that is no JSON or too large, a form that is none. */
function typed(error: unknown, { log, maxMessageBytes }: HttpDeps): AutomedError {
  if (error instanceof AutomedError) return error;
  const { statusCode = 500, message } = error as { statusCode?: number; message: string };
  if (statusCode === 413) {
    const most = `${(maxMessageBytes / 2 ** 20).toFixed(0)} MiB`;
    const advice = 'Send a smaller image or fewer frames, or raise AUTOMED_MAX_MESSAGE_BYTES of the server.';
    return automedError('OUT_OF_MEMORY', `The request is larger than the ${most} that this server takes. ${advice}`);
  }
  if (statusCode < 500) return automedError('INVALID_ARGUMENT', message);
  log.error({ err: error }, 'an HTTP request failed');
  return automedError('INTERNAL', message);
}

function sendError(reply: FastifyReply, error: AutomedError): FastifyReply {
  const { code, details } = toStatus(error, '');
  if (error.retryAfterMs !== undefined) void reply.header('retry-after', Math.ceil(error.retryAfterMs / 1000));
  const shown = { code: error.code, message: details, field: error.field, retryAfterMs: error.retryAfterMs };
  return reply.code(httpStatus(code)).send(httpError(code, shown));
}

interface Prepared {
  message: Buffer;
  metadata: Metadata;
  deadline: number;
}

async function prepare(method: HttpMethod, request: FastifyRequest, { timeoutMs }: HttpDeps): Promise<Prepared> {
  const metadata = new Metadata();
  for (const name of PASSED) {
    const value = request.headers[name];
    if (typeof value === 'string') setHeader(metadata, name, value);
  }
  setPeer(metadata, request);
  const asked = request.headers['x-timeout-ms'];
  if (asked !== undefined && !/^[1-9]\d{0,9}$/.test(String(asked)))
    throw automedError('INVALID_ARGUMENT', 'x-timeout-ms must be milliseconds, 1 or more.', { field: 'x-timeout-ms' });
  const message = Buffer.from(await readRequest(request, method.descriptor.input));
  return { message, metadata, deadline: Date.now() + Number(asked ?? timeoutMs) };
}

async function answer(
  method: HttpMethod,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: HttpDeps,
): Promise<unknown> {
  const { message, metadata, deadline } = await prepare(method, request, deps);
  const bytes = await new Promise<Buffer>((resolve, reject) => {
    const done = (error: ServiceError | null, value?: Buffer): void =>
      error ? reject(fromStatus(error)) : resolve(value ?? Buffer.alloc(0));
    const call = deps.client.makeUnaryRequest(method.grpcPath, same, same, message, metadata, { deadline }, done);
    call.on('metadata', (header: Metadata) => {
      const [id] = header.get('x-request-id');
      if (id !== undefined) void reply.header('x-request-id', id.toString());
    });
    reply.raw.once('close', () => call.cancel());
  });
  return reply.send(toJson(method.descriptor.output, fromBinary(method.descriptor.output, bytes)));
}

async function stream(
  method: HttpMethod,
  request: FastifyRequest,
  reply: FastifyReply,
  deps: HttpDeps,
): Promise<unknown> {
  const { message, metadata, deadline } = await prepare(method, request, deps);
  // Streams last as long as what they watch, unless the caller says otherwise.
  const options = request.headers['x-timeout-ms'] === undefined ? {} : { deadline };
  const from = resuming(method.descriptor.input, request.headers['last-event-id']);
  const whole = Buffer.concat([message, from]); // of a field that comes twice the last counts
  const call = deps.client.makeServerStreamRequest(method.grpcPath, same, same, whole, metadata, options);
  const refused = await streamEvents(method.descriptor.output, call, reply);
  return refused ? sendError(reply, refused) : reply;
}
