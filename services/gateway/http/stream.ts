// Streams of answers as server-sent events.

import { create, fromBinary, toBinary, toJson, type DescMessage } from '@bufbuild/protobuf';
import type { ClientReadableStream, ServiceError } from '@grpc/grpc-js';
import type { FastifyReply } from 'fastify';
import type { AutomedError } from '../../common/errors';
import { fromStatus } from '../../common/grpc/status';
import { httpError } from './errors';

/** Between two signs of life, milliseconds: proxies end what is silent for a minute. */
const HEARTBEAT_MS = 15_000;
/** How long a stream that says nothing may still be refused with a status of HTTP, milliseconds. */
const DECIDED_MS = 1_000;
const ALIVE = ': alive\n\n';

/** The field of a request that says where a stream goes on: what the id of the last event of the one that broke was. */
export function resuming(input: DescMessage, lastEventId: string | string[] | undefined): Uint8Array {
  const field = input.fields.find(({ name }) => name === 'resume_token');
  if (!field || typeof lastEventId !== 'string' || lastEventId === '') return new Uint8Array();
  return toBinary(input, create(input, { [field.localName]: lastEventId }));
}

/**
 * Sends what a call says: `data` is the JSON of a message, `id` its place, where it has one; the last event is `end`, or `error` with what
 * an answer would hold.
 * @returns why the stream is refused, when it has not begun
 */
export function streamEvents(
  output: DescMessage,
  call: ClientReadableStream<Buffer>,
  reply: FastifyReply,
): Promise<AutomedError | undefined> {
  const { raw } = reply;
  let heartbeat: NodeJS.Timeout | undefined;
  return new Promise((resolve) => {
    const begin = (): void => {
      if (heartbeat) return;
      clearTimeout(undecided);
      begun(reply);
      heartbeat = setInterval(() => raw.write(ALIVE), HEARTBEAT_MS);
      resolve(undefined);
    };
    const undecided = setTimeout(begin, DECIDED_MS);
    const end = (event: string, data: object): void => {
      begin();
      clearInterval(heartbeat);
      raw.end(`event: ${event}\ndata: ${JSON.stringify(data)}\n\n`);
    };
    raw.once('close', () => {
      clearTimeout(undecided);
      clearInterval(heartbeat);
      call.cancel();
      resolve(undefined);
    });
    call.on('data', (bytes: Buffer) => {
      begin();
      if (raw.write(eventOf(output, bytes))) return;
      call.pause();
      raw.once('drain', () => call.resume());
    });
    const ended = (): void => end('end', {});
    call.on('end', ended);
    call.on('error', (error: ServiceError) => {
      call.off('end', ended); // which follows
      if (raw.destroyed) return;
      clearTimeout(undecided);
      if (heartbeat) end('error', httpError(error.code, fromStatus(error)));
      else resolve(fromStatus(error));
    });
  });
}

function begun(reply: FastifyReply): void {
  reply.hijack();
  const already = reply.getHeaders() as Record<string, string>; // as of other origins
  reply.raw.writeHead(200, { ...already, 'content-type': 'text/event-stream', 'cache-control': 'no-store' });
}

/** A message as an event; a heartbeat is a comment here. */
function eventOf(output: DescMessage, bytes: Uint8Array): string {
  const json = toJson(output, fromBinary(output, bytes)) as { heartbeat?: boolean; resumeToken?: string };
  const { heartbeat, resumeToken, ...message } = json;
  if (heartbeat) return ALIVE;
  const id = resumeToken === undefined ? '' : `id: ${resumeToken}\n`;
  return `${id}data: ${JSON.stringify(message)}\n\n`;
}
