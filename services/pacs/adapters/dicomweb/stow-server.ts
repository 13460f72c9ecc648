// Receives objects by STOW-RS (PS3.18, 10.5). Bodies go to the disk as they come, part by part; each object has its own answer.

import type { Server as TlsServer, ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import { MultipartError, readMultipart, type PartHeaders, type PartSink } from '../../../dicomweb/multipart';
import { parseAccept, parseMediaType } from '../../../dicomweb/media-type';
import { AutomedError } from '../../../common/errors';
import type { Logger } from '../../../common/logging';
import { afterMs } from '../../../common/timers';
import type { Outcome, Source } from '../../../dicom-net/reception';
import { FileIntake } from '../file-intake';
import type { Receiver } from '../receiver';
import { storeAnswer } from './store-answer';

export interface StowDeps {
  receiver: Receiver;
  /** Name of who calls; empty where everybody may. @throws AutomedError */
  admit: (authorization: string | undefined) => Promise<string>;
  /** AE title that such objects count as sent to. */
  ownTitle: () => string;
  /** Longest body, bytes. */
  mostBytes: () => number;
  /** Between two packets of a body, milliseconds. */
  idleMs: number;
  maxConnections: number;
  log: Logger;
  tls?: ServerOptions | undefined;
}

/** Below which the service is, as archives have it. */
export const WEB_ROOT = '/dicom-web';
const DICOM = 'application/dicom';
const JSON_ANSWER = 'application/dicom+json';
/** What the rest of a body that is not read any more gets, milliseconds. */
const CLOSE_MS = 2_000;
const RETRY_SECONDS = 60;

/** Refuses a request as a whole. */
class RefusedRequest extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
    this.name = 'RefusedRequest';
  }
}

/** The connection outlives an error within the body: whoever sent it gets an answer. */
function bodyOf({ raw }: FastifyRequest): AsyncIterable<Buffer> {
  return raw.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>;
}

/** What still comes of a body is not read for long. */
function leaveRest({ raw }: FastifyRequest, reply: FastifyReply): void {
  if (raw.complete) return;
  void reply.header('connection', 'close');
  raw.resume();
  const alarm = afterMs(CLOSE_MS, () => raw.destroy(), { unref: true });
  raw.once('close', () => alarm.cancel());
}

async function* limited(body: AsyncIterable<Buffer>, most: number): AsyncGenerator<Buffer> {
  let bytes = 0;
  for await (const chunk of body) {
    bytes += chunk.length;
    if (bytes > most) throw tooLarge(most);
    yield chunk;
  }
}

const tooLarge = (most: number): RefusedRequest =>
  new RefusedRequest(413, `The body is longer than ${most} bytes; send fewer objects at a time.`);

/** The boundary of the request's body. @throws RefusedRequest */
function boundaryOf({ headers }: FastifyRequest): string {
  const { type, parameters } = parseMediaType(headers['content-type'] ?? '');
  const of = parseMediaType(parameters.get('type') ?? '').type;
  if (type !== 'multipart/related' || of !== DICOM) {
    throw new RefusedRequest(415, 'Send multipart/related; type="application/dicom"; boundary=...');
  }
  const boundary = parameters.get('boundary') ?? '';
  if (boundary === '') throw new RefusedRequest(400, 'The Content-Type names no boundary.');
  return boundary;
}

function requireJson({ headers }: FastifyRequest): void {
  const accepted = parseAccept(headers.accept ?? '*/*').map(({ type }) => type);
  if (accepted.some((type) => [JSON_ANSWER, 'application/json', 'application/*', '*/*'].includes(type))) return;
  throw new RefusedRequest(406, `Answers are ${JSON_ANSWER}.`);
}

/** Receives studies over HTTP. */
export class StowServer {
  private constructor(
    private readonly app: FastifyInstance,
    private readonly deps: StowDeps,
  ) {}

  static build(deps: StowDeps): StowServer {
    const options = { connectionTimeout: deps.idleMs, requestTimeout: 0, exposeHeadRoutes: false };
    const app: FastifyInstance = deps.tls
      ? fastify({ ...options, https: deps.tls })
      : fastify({ ...options, forceCloseConnections: true });
    app.server.maxConnections = deps.maxConnections;
    const server = new StowServer(app, deps);
    app.removeAllContentTypeParsers();
    // The body stays a stream.
    app.addContentTypeParser('*', (_request, body, done) => done(null, body));
    app.post(`${WEB_ROOT}/studies`, (request, reply) => server.store(request, reply, undefined));
    app.post<{ Params: { study: string } }>(`${WEB_ROOT}/studies/:study`, (request, reply) =>
      server.store(request, reply, request.params.study),
    );
    app.setErrorHandler((error, request, reply) => server.refuse(error, request, reply));
    app.setNotFoundHandler((request, reply) =>
      server.refuse(new RefusedRequest(404, `Objects are stored by POST ${WEB_ROOT}/studies.`), request, reply),
    );
    return server;
  }

  /** Resolves to the port. */
  async listen(host: string, port: number): Promise<number> {
    await this.app.listen({ host, port });
    return (this.app.server.address() as AddressInfo).port;
  }

  /** Shows another certificate from now on. */
  setSecureContext(identity: ServerOptions): void {
    (this.app.server as TlsServer).setSecureContext(identity);
  }

  async close(): Promise<void> {
    await this.app.close();
  }

  private async store(request: FastifyRequest, reply: FastifyReply, study: string | undefined): Promise<FastifyReply> {
    const { receiver, admit, ownTitle, mostBytes } = this.deps;
    const calling = await admit(request.headers.authorization);
    requireJson(request);
    const boundary = boundaryOf(request);
    if (Number(request.headers['content-length'] ?? 0) > mostBytes()) throw tooLarge(mostBytes());
    if (!receiver.hasRoom) throw new RefusedRequest(503, 'There is no room on the disk.');
    const source: Source = { way: 'stow', calling, called: ownTitle() };
    const outcomes: Outcome[] = [];
    const open = (headers: PartHeaders): PartSink => this.sinkOf(headers, source, study, outcomes);
    try {
      await readMultipart(limited(bodyOf(request), mostBytes()), boundary, open);
    } catch (error) {
      if (!(error instanceof MultipartError)) throw error;
      leaveRest(request, reply);
      return this.answer(reply, outcomes, error.message);
    }
    return this.answer(reply, outcomes, undefined);
  }

  private sinkOf(headers: PartHeaders, source: Source, study: string | undefined, outcomes: Outcome[]): PartSink {
    const { type } = parseMediaType(headers.get('content-type') ?? DICOM);
    if (type !== DICOM) {
      const outcome: Outcome = { refused: 'unreadable', message: 'A part is not application/dicom.' };
      return {
        write: () => undefined,
        end: () => Promise.resolve(void outcomes.push(outcome)),
        abort: () => Promise.resolve(),
      };
    }
    const intake = new FileIntake(this.deps.receiver, source, { study, mayBeCut: true });
    return {
      write: (chunk) => intake.write(chunk),
      end: async () => void outcomes.push(await intake.finish()),
      abort: () => intake.discard(),
    };
  }

  /** @param malformed what is wrong with the body as a whole; objects before that are kept nevertheless */
  private answer(reply: FastifyReply, outcomes: readonly Outcome[], malformed: string | undefined): FastifyReply {
    const { status, body } = storeAnswer(outcomes, malformed === undefined);
    const refused = outcomes.flatMap((outcome) => ('refused' in outcome ? [outcome.refused] : []));
    if (refused.length > 0 || malformed !== undefined) {
      this.deps.log.warn({ event: 'stow-refused', status, refused, malformed }, 'objects of a request were refused');
    }
    const [said] = outcomes.length === 0 ? ['The body holds no object.'] : outcomes.flatMap(messageOf);
    const why = malformed ?? said;
    if (why !== undefined) void reply.header('warning', warning(why));
    if (status === 503) void reply.header('retry-after', RETRY_SECONDS);
    return reply.code(status).header('content-type', JSON_ANSWER).send(JSON.stringify(body));
  }

  private refuse(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
    const status = statusOf(error);
    if (status === 500) this.deps.log.error({ err: error }, 'a request failed');
    else this.deps.log.warn({ event: 'stow-refused', status }, 'a request was refused');
    if (status === 401) void reply.header('www-authenticate', 'Bearer, Basic realm="automed"');
    if (status === 503) void reply.header('retry-after', RETRY_SECONDS);
    const message = status === 500 ? 'The objects could not be kept.' : (error as Error).message;
    leaveRest(request, reply);
    return reply.code(status).header('warning', warning(message)).send({ message });
  }
}

const messageOf = (outcome: Outcome): string[] => ('refused' in outcome ? [outcome.message] : []);

/** Warn-text of a Warning header (RFC 7234, 5.5), ASCII. */
function warning(message: string): string {
  return `299 automed "${message.replace(/[^\x20-\x7e]|["\\]/g, ' ')}"`;
}

const STATUS: Readonly<Record<string, number>> = { UNAUTHENTICATED: 401, PERMISSION_DENIED: 403 };

function statusOf(error: unknown): number {
  if (error instanceof RefusedRequest) return error.status;
  if (error instanceof AutomedError) return STATUS[error.code] ?? 500;
  const { statusCode = 500 } = error as { statusCode?: number };
  return statusCode >= 400 && statusCode < 500 ? statusCode : 500;
}
