// Sends objects by STOW-RS (PS3.18, 10.5). Only the list of what was stored counts, in either direction: receivers answer 200 to a
// body of which they kept nothing, and 400 to one of which they kept a part.

import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { access, constants, stat } from 'node:fs/promises';
import { request as plainRequest, type IncomingMessage } from 'node:http';
import { request as tlsRequest } from 'node:https';
import { pipeline } from 'node:stream/promises';
import { isTlsFault } from '../../../common/tls-faults';
import { tlsOptions, type WebService } from '../../../dicomweb/client';
import { failed, notTrusted, type Courier, type Sendable, type Sent } from '../../domain/delivery';
import { errnoOf } from '../../../store/durable';
import { sendPrepared } from '../prepared';

/** Of an answer, bytes. */
const MAX_ANSWER = 4 * 1024 * 1024;

/** What is sent, and how long its file is. */
interface Measured {
  object: Sendable;
  bytes: number;
}

interface Answer {
  status: number;
  body: string;
}

type Json = Record<string, { Value?: Record<string, { Value?: unknown[] }>[] }>;

const SOP_INSTANCE = '00081155';
const STORED = '00081199';
const FAILED = '00081198';
const FAILURE_REASON = '00081197';
/** Of a failure (PS3.18 table I.2-2). */
const SOP_CLASS_NOT_SUPPORTED = 0x0122;

function entries(answer: Json | undefined, sequence: string): Map<string, number> {
  const found = new Map<string, number>();
  for (const item of answer?.[sequence]?.Value ?? []) {
    const uid = item[SOP_INSTANCE]?.Value?.[0];
    if (typeof uid === 'string') found.set(uid, Number(item[FAILURE_REASON]?.Value?.[0] ?? 0));
  }
  return found;
}

function parsed(body: string): Json | undefined {
  try {
    return JSON.parse(body) as Json;
  } catch {
    return undefined;
  }
}

/** What an answer says of one object. */
function ofAnswer({ status, body }: Answer, { sopInstance }: Sendable): Sent {
  const answer = parsed(body);
  if (entries(answer, STORED).has(sopInstance)) return { stored: true };
  const reason = entries(answer, FAILED).get(sopInstance);
  if (reason === SOP_CLASS_NOT_SUPPORTED) {
    return failed('permanent', 'NOT_SUPPORTED', 'The receiver does not take objects of this kind.');
  }
  if (reason !== undefined) {
    const full = reason >> 8 === 0xa7;
    const kind = full ? 'away' : reason === 0x0110 ? 'transient' : 'permanent';
    return failed(
      kind,
      full ? 'OUT_OF_RESOURCES' : 'REFUSED',
      `The receiver does not keep the object (reason ${reason}).`,
    );
  }
  if (status === 401 || status === 403) {
    return failed('permanent', 'NOT_AUTHORISED', `The receiver does not accept user or password (HTTP ${status}).`);
  }
  if (status === 503 || status === 429) return failed('away', 'BUSY', `The receiver is busy (HTTP ${status}).`);
  if (status >= 500 || status === 408) {
    return failed('transient', 'SERVER', `The receiver failed (HTTP ${status}).`);
  }
  if (status >= 400) return failed('permanent', 'REFUSED', `The receiver refuses the object (HTTP ${status}).`);
  return failed('suspect', 'NOT_LISTED', `The receiver does not list the object as stored (HTTP ${status}).`);
}

/** Sends objects to one service, a request for each. */
export class StowCourier implements Courier {
  constructor(private readonly service: WebService) {}

  send(objects: readonly Sendable[]): Promise<Sent[]> {
    const measured = async (object: Sendable): Promise<Measured> => {
      await access(object.path, constants.R_OK);
      return { object, bytes: (await stat(object.path)).size };
    };
    return sendPrepared(objects, measured, async (ready) => {
      const sent: Sent[] = [];
      for (const each of ready) sent.push(await this.sendOne(each));
      return sent;
    });
  }

  private async sendOne(measured: Measured): Promise<Sent> {
    let tls: object;
    try {
      tls = tlsOptions(this.service);
    } catch (error) {
      return notTrusted(errnoOf(error) ?? 'ERR_TLS');
    }
    try {
      return ofAnswer(await this.post(measured, tls), measured.object);
    } catch (error) {
      const { code, name } = error as NodeJS.ErrnoException;
      if (isTlsFault(code)) return notTrusted(code);
      if (name === 'TimeoutError' || code === 'ETIMEDOUT') {
        return failed('transient', 'TIMEOUT', 'The receiver did not answer in time.');
      }
      return failed('away', 'UNREACHABLE', `The receiver cannot be reached (${code ?? name}).`);
    }
  }

  /** Sends a file with its length, which receivers handle better than chunks. */
  private async post({ object: { path }, bytes }: Measured, tls: object): Promise<Answer> {
    const { url, user, password, timeoutMs } = this.service;
    const boundary = randomUUID();
    const head = `--${boundary}\r\nContent-Type: application/dicom\r\n\r\n`;
    const tail = `\r\n--${boundary}--\r\n`;
    const length = Buffer.byteLength(head) + bytes + Buffer.byteLength(tail);
    const target = new URL(`${url.replace(/\/$/, '')}/studies`);
    const send = target.protocol === 'https:' ? tlsRequest : plainRequest;
    const request = send(target, {
      method: 'POST',
      ...(user === undefined ? {} : { auth: `${user}:${password ?? ''}` }),
      timeout: timeoutMs,
      ...tls,
      headers: {
        'content-type': `multipart/related; type="application/dicom"; boundary=${boundary}`,
        'content-length': length,
        accept: 'application/dicom+json',
      },
    });
    request.once('timeout', () => request.destroy(Object.assign(new Error('timeout'), { code: 'ETIMEDOUT' })));
    const answered = new Promise<Answer>((resolve, reject) => {
      request.once('error', reject);
      request.once('response', (response) => void bodyOf(response).then(resolve, reject));
    });
    answered.catch(() => undefined);
    request.write(head);
    // A server that refuses answers before the body has ended: the answer counts, not the broken pipe.
    await pipeline(createReadStream(path), request, { end: false }).catch(() => undefined);
    request.end(tail);
    return answered;
  }
}

async function bodyOf(response: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER) break;
    chunks.push(chunk);
  }
  return { status: response.statusCode ?? 0, body: Buffer.concat(chunks).toString('utf8') };
}
