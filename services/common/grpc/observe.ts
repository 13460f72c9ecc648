// What every call of every program gets, whatever answers it: a request id, one log line, one count.

import { randomUUID } from 'node:crypto';
import {
  type Metadata,
  ServerInterceptingCall,
  ServerListenerBuilder,
  status as Code,
  type Deadline,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import { cutText } from '../bounded-text';
import type { Logger } from '../logging';
import type { Telemetry } from '../telemetry';
import { YoungBuffers } from '../young-buffers';
import { CallSpan, traceIdOf, traceOf } from './call-span';
import { boundStatus } from './status-bounds';

/** Of a call's log line: a caller may name several models. */
const MAX_MODEL_BYTES = 256;

export const REQUEST_ID = 'x-request-id';

/** What is known of a call in flight; handlers add to it. */
export interface CallRecord {
  readonly requestId: string;
  readonly log: Logger;
  /** `name@version`, once it is known. */
  model?: string;
  /** Who calls, once it is known, e.g. `key:pacs-bridge`. */
  caller?: string;
  /** Its span; absent for health and reflection. */
  readonly span?: CallSpan;
  /** Why it failed, for the log; a fault of ours is logged with its causes. */
  cause?: unknown;
}

const records = new WeakMap<Metadata, CallRecord>();

const buffers = new YoungBuffers();

/** The record of the call that came with this metadata. */
export function recordOf(metadata: Metadata, log: Logger): CallRecord {
  return records.get(metadata) ?? begin(metadata, log);
}

/** Keeps a record of a call. @param called its service and method, when it gets a span */
function begin(metadata: Metadata, log: Logger, called?: { service: string; method: string }): CallRecord {
  const requestId = acceptRequestId(metadata);
  const span = called && CallSpan.start(metadata, called.service, called.method, requestId);
  const trace = traceIdOf(span) ?? traceOf(metadata.get('traceparent')[0]?.toString());
  const ids = trace === undefined ? { requestId } : { requestId, trace };
  const record: CallRecord = { requestId, log: log.child(ids), ...(span ? { span } : {}) };
  records.set(metadata, record);
  return record;
}

/** Milliseconds since the epoch of a deadline, Infinity when there is none. */
export function deadlineMs(deadline: Deadline): number {
  return deadline instanceof Date ? deadline.getTime() : deadline;
}

/** Counts and logs every call. */
export function observeCalls(log: Logger, telemetry: Telemetry): ServerInterceptor {
  return (method, call) => {
    const [service = '', name = ''] = method.path.slice(1).split('/');
    const started = performance.now();
    let record: CallRecord | undefined;
    let ended = false;
    const end = (code: Code, details: string): void => {
      if (ended) return;
      ended = true;
      const seconds = (performance.now() - started) / 1000;
      telemetry.callEnded(service, name, Code[code], seconds);
      record?.span?.end(code, { 'automed.model': record.model, 'automed.caller': record.caller });
      logCall(record, log, { service, method: name, code: Code[code], ms: Math.round(seconds * 1000) }, details);
      buffers.look();
    };
    telemetry.callStarted(service, name);
    return new ServerInterceptingCall(call, {
      start: (next) =>
        next(
          new ServerListenerBuilder()
            .withOnReceiveMetadata((metadata, proceed) => {
              record = begin(metadata, log, isQuiet(service) ? undefined : { service, method: name });
              proceed(metadata);
            })
            .withOnCancel(() => {
              // Also comes after each ordinary end. grpc-js answers a passed deadline by itself, past this interceptor.
              const late = deadlineMs(call.getDeadline()) <= Date.now();
              end(
                late ? Code.DEADLINE_EXCEEDED : Code.CANCELLED,
                late ? 'deadline exceeded' : 'cancelled by the caller',
              );
            })
            .build(),
        ),
      sendMetadata: (metadata, next) => {
        if (record) metadata.set(REQUEST_ID, record.requestId);
        next(metadata);
      },
      sendStatus: (status, next) => {
        // Every status leaves here, also those that neither a handler nor the relay made.
        const bounded = boundStatus(status);
        const code = bounded.code ?? Code.UNKNOWN;
        if (code !== Code.OK) end(code, bounded.details);
        next(bounded);
        // A stream that its caller abandoned ends like one that it closed: only now grpc-js looks, and says so before this.
        process.nextTick(() => end(code, bounded.details));
      },
    });
  };
}

/** Health and reflection, which are asked all the time. */
const isQuiet = (service: string): boolean => service.startsWith('grpc.');

function acceptRequestId(metadata: Metadata): string {
  const offered = metadata.get(REQUEST_ID)[0];
  return typeof offered === 'string' && /^[\w.-]{1,128}$/.test(offered) ? offered : randomUUID();
}

function logCall(record: CallRecord | undefined, log: Logger, facts: Record<string, unknown>, details: string): void {
  const logger = record?.log ?? log;
  const line = {
    event: 'call',
    ...facts,
    ...(record?.caller === undefined ? {} : { caller: cutText(record.caller, MAX_MODEL_BYTES) }),
    ...(record?.model === undefined ? {} : { model: cutText(record.model, MAX_MODEL_BYTES) }),
  };
  const quiet = isQuiet(String(facts.service));
  if (facts.code === 'OK') logger[quiet ? 'debug' : 'info'](line, 'answered');
  else if (facts.code === 'INTERNAL' || facts.code === 'UNKNOWN')
    logger.error({ ...line, err: record?.cause }, details);
  else logger[quiet ? 'debug' : 'warn']({ ...line, ...causeOf(record) }, details);
}

/** Causes below a typed error are ours to read in the log; callers never see them. */
function causeOf(record: CallRecord | undefined): { err?: unknown } {
  return record?.cause instanceof Error && record.cause.cause !== undefined ? { err: record.cause } : {};
}
