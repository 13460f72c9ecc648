import pino from 'pino';
import { cutText } from './bounded-text';

export type Logger = pino.Logger;

/** Of one string in a log line, bytes. */
const MAX_TEXT_BYTES = 2_048;
/** Of a stack, bytes: its top tells where. */
const MAX_STACK_BYTES = 4_096;
const MAX_CAUSES = 5;
const MAX_ITEMS = 100;
const MAX_DEPTH = 5;

/**
 * JSON lines on standard output. What is logged: request id, model, codes, durations, counts. Never pixels, patient tags
 * or full paths: callers log names and numbers, and `redact` catches the keys under which data could slip in.
 * Texts, lists and causes are cut: what a caller sent may be in any of them.
 */
export function createLogger(service: string, level: string, destination?: pino.DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }), log: (fields) => bounded(fields) as Record<string, unknown> },
      hooks: { logMethod: boundMessage },
      messageKey: 'message',
      serializers: { err: (error: unknown) => describeError(error) },
      redact: { paths: ['*.data', '*.encoded', '*.pixels', '*.image'], censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** An error with its first causes; the stack only of faults of ours, which carry no `code` of the taxonomy but INTERNAL. */
function describeError(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return bounded(error);
  const code = (error as { code?: unknown }).code;
  const stack = code === undefined || code === 'INTERNAL' ? error.stack : undefined;
  return {
    type: error.name,
    code: bounded(code),
    message: cutText(error.message, MAX_TEXT_BYTES),
    ...(stack === undefined ? {} : { stack: cutText(stack, MAX_STACK_BYTES) }),
    ...(error.cause === undefined || depth === MAX_CAUSES ? {} : { cause: describeError(error.cause, depth + 1) }),
  };
}

/** Texts, arrays and plain objects cut to a size that a log line can hold; anything else as it is. */
function bounded(value: unknown, depth = 0): unknown {
  if (typeof value === 'string') return cutText(value, MAX_TEXT_BYTES);
  if (typeof value !== 'object' || value === null) return value;
  const isArray = Array.isArray(value);
  if (!isArray && Object.getPrototypeOf(value) !== Object.prototype) return value;
  if (depth === MAX_DEPTH) return '[deeper]';
  const entries = Object.entries(value);
  const kept = entries.slice(0, MAX_ITEMS).map(([key, each]) => [key, bounded(each, depth + 1)] as const);
  if (!isArray) return Object.fromEntries(kept);
  const more = entries.length - kept.length;
  return [...kept.map(([, each]) => each), ...(more > 0 ? [`and ${more} more`] : [])];
}

function boundMessage(this: pino.Logger, args: Parameters<pino.LogFn>, method: pino.LogFn): void {
  const texts = (args as unknown[]).map((each) => (typeof each === 'string' ? cutText(each, MAX_TEXT_BYTES) : each));
  method.apply(this, texts as Parameters<pino.LogFn>);
}
