// gRPC-Web, which browsers can speak: the frames of gRPC in a body of HTTP/1.1, and the status in a last frame.

import { type Client, Metadata, status as Code, type StatusObject } from '@grpc/grpc-js';
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { automedError } from '../../common/errors';
import type { HttpMethod } from './api';
import { setHeader, setPeer } from './metadata';

const BINARY = 'application/grpc-web';
const TEXT = 'application/grpc-web-text';
const TYPES = [BINARY, `${BINARY}+proto`, TEXT, `${TEXT}+proto`];

const TRAILER_FRAME = 0x80;
const HEAD_BYTES = 5;
/** Header fields of a request that belong to one connection, or to HTTP. */
const OF_HTTP =
  /^(:|connection$|content-|accept|host$|te$|transfer-encoding$|user-agent$|origin$|referer$|cookie$|sec-|access-control-|x-grpc-web$|x-user-agent$|grpc-timeout$|keep-alive$)/;

const same = (bytes: Buffer): Buffer => bytes;

/** Offers the methods at `/package.Service/Method`. */
export function offerGrpcWeb(app: FastifyInstance, methods: readonly HttpMethod[], client: Client): void {
  app.addContentTypeParser(TYPES, { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  for (const { grpcPath } of methods) {
    app.post(grpcPath, (request, reply) => serve(grpcPath, request, reply, client));
  }
}

function serve(path: string, request: FastifyRequest, reply: FastifyReply, client: Client): void {
  const type = String(request.headers['content-type']);
  if (!Buffer.isBuffer(request.body))
    throw automedError('INVALID_ARGUMENT', `This path takes ${BINARY}, or POST /v1${path} JSON.`);
  const text = type.startsWith(TEXT);
  const message = messageIn(text ? Buffer.from(request.body.toString('latin1'), 'base64') : request.body);
  const call = client.makeServerStreamRequest(path, same, same, message, metadataOf(request), optionsOf(request));
  reply.hijack();
  const { raw } = reply;
  // What hooks set, as of other origins.
  const already = reply.getHeaders() as Record<string, string | string[]>;
  const begin = (header?: Metadata): void => {
    if (raw.headersSent) return;
    raw.writeHead(200, { ...already, ...plain(header), 'content-type': type, 'cache-control': 'no-store' });
  };
  const write = (frame: Buffer): boolean => raw.write(text ? frame.toString('base64') : frame);
  raw.once('close', () => call.cancel());
  call.on('metadata', begin);
  call.on('data', (bytes: Buffer) => {
    begin();
    if (write(frameOf(0, bytes))) return;
    call.pause();
    raw.once('drain', () => call.resume());
  });
  call.on('error', () => undefined); // `status` follows
  let status: StatusObject | undefined;
  let ended = false;
  const finish = (): void => {
    if (!status || (status.code === Code.OK && !ended) || raw.destroyed || raw.writableEnded) return;
    begin();
    write(frameOf(TRAILER_FRAME, Buffer.from(trailersOf(status))));
    raw.end();
  };
  call.on('end', () => {
    ended = true;
    finish();
  });
  call.on('status', (received: StatusObject) => {
    status = received;
    finish();
  });
}

/** The one message of a request. @throws InvalidInputError */
function messageIn(body: Buffer): Buffer {
  const length = body.length < HEAD_BYTES ? -1 : body.readUInt32BE(1);
  if (length !== body.length - HEAD_BYTES || body[0] !== 0)
    throw automedError('INVALID_ARGUMENT', 'The body is not one frame of gRPC, uncompressed.');
  return body.subarray(HEAD_BYTES);
}

function frameOf(kind: number, bytes: Buffer): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head[0] = kind;
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

function metadataOf(request: FastifyRequest): Metadata {
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(request.headers)) {
    if (typeof value !== 'string' || OF_HTTP.test(name)) continue;
    setHeader(metadata, name, value);
  }
  setPeer(metadata, request);
  return metadata;
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 };

/** `grpc-timeout` means here what it means in gRPC. */
function optionsOf({ headers }: FastifyRequest): { deadline?: number } {
  const [, amount, unit = ''] = /^(\d{1,8})([HMSmun])$/.exec(String(headers['grpc-timeout'] ?? '')) ?? [];
  return amount === undefined ? {} : { deadline: Date.now() + Number(amount) * (UNIT_MS[unit] ?? 1) };
}

function plain(metadata: Metadata | undefined): Record<string, string | string[]> {
  const shown = Object.entries(metadata?.toHttp2Headers() ?? {}).filter(([name]) => !OF_HTTP.test(name));
  return Object.fromEntries(
    shown.map(([name, value]) => [name, Array.isArray(value) ? value.map(String) : String(value)]),
  );
}

function trailersOf({ code, details, metadata }: StatusObject): string {
  const fields = { ...plain(metadata), 'grpc-status': String(code), 'grpc-message': encodeURIComponent(details) };
  return Object.entries(fields)
    .flatMap(([name, values]) => [values].flat().map((value) => `${name}: ${value}\r\n`))
    .join('');
}
