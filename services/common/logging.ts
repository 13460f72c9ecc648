import pino from 'pino';

export type Logger = pino.Logger;

/**
 * JSON lines on standard output. What is logged: request id, model, codes, durations, counts. Never pixels, patient tags
 * or full paths: callers log names and numbers, and `redact` catches the keys under which data could slip in.
 */
export function createLogger(service: string, level: string, destination?: pino.DestinationStream): Logger {
  return pino(
    {
      level,
      base: { service, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      messageKey: 'message',
      serializers: { err: describeError },
      redact: { paths: ['*.data', '*.encoded', '*.pixels', '*.image'], censor: '[redacted]' },
    },
    destination ?? pino.destination({ fd: 1, sync: true }),
  );
}

/** An error with its causes; the stack only of faults of ours, which carry no `code` of the taxonomy but INTERNAL. */
function describeError(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = (error as { code?: unknown }).code;
  return {
    type: error.name,
    code,
    message: error.message,
    ...(code === undefined || code === 'INTERNAL' ? { stack: error.stack } : {}),
    ...(error.cause === undefined ? {} : { cause: describeError(error.cause) }),
  };
}
