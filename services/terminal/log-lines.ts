// The services' JSON log lines as a person reads them on a terminal.

import { z } from 'zod';

const logLine = z.looseObject({
  level: z.string(),
  time: z.string(),
  service: z.string().default(''),
  message: z.string().default(''),
});

/** Fields that say nothing on a terminal. */
const LEFT_OUT = new Set(['pid', 'event', 'config']);

function shown(value: unknown): string {
  if (typeof value === 'string') return /^[\w@.:/+-]+$/.test(value) ? value : JSON.stringify(value);
  const { message } = (value ?? {}) as { message?: unknown };
  return typeof message === 'string' ? JSON.stringify(message) : JSON.stringify(value);
}

/** `12:03:04 gateway: ready  address=127.0.0.1:50051`, warnings and errors named; a line that is no log line stays as it is. */
export function readableLine(text: string): string {
  let parsed: z.infer<typeof logLine>;
  try {
    parsed = logLine.parse(JSON.parse(text));
  } catch {
    return text;
  }
  const { level, time, service, message, ...fields } = parsed;
  const at = new Date(time);
  const clock = Number.isNaN(at.getTime()) ? time : at.toTimeString().slice(0, 8);
  const rest = Object.entries(fields).filter(([key]) => !LEFT_OUT.has(key));
  const pairs = rest.map(([key, value]) => `${key}=${shown(value)}`).join(' ');
  const named = ['warn', 'error', 'fatal'].includes(level) ? ` ${level.toUpperCase()}` : '';
  return `${clock} ${service}:${named} ${message}${pairs === '' ? '' : `  ${pairs}`}`;
}

/** Log lines as they are for programs, readable for a person at a terminal. */
export function logTo(stream: NodeJS.WriteStream): (line: string) => void {
  return (line) => stream.write(`${stream.isTTY ? readableLine(line) : line}\n`);
}
