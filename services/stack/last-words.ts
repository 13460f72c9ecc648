import { z } from 'zod';

/** What a log line of services/common/logging.ts holds. */
const logLine = z.object({
  level: z.string(),
  message: z.string().default(''),
  err: z.object({ message: z.string() }).partial().optional(),
});

/** The text of an error's log line; nothing for another line, be it a log line or not. */
function loggedError(line: string): string | undefined {
  try {
    const { level, message, err } = logLine.parse(JSON.parse(line));
    if (level !== 'error' && level !== 'fatal') return undefined;
    return err?.message === undefined || err.message === message ? message : `${message}: ${err.message}`;
  } catch {
    return undefined; // A crash cut it, or a library wrote it.
  }
}

/** A line of Node's report on a crash that does not tell why. */
const NOISE = /^(\s+at |Node\.js v|\s*[\^~]+\s*$|\s*throw |[^ ]+:\d+$|\s*[}\]]|\{)/;

/** Keeps the end of what a process wrote, for the line that says why it died. */
export class LastWords {
  private text = '';

  add(chunk: Buffer): void {
    this.text = (this.text + chunk.toString('utf8')).slice(-16_384);
  }

  /** The last error that was logged, else the last line that is neither a log line nor part of a stack. */
  reason(): string | undefined {
    const lines = this.text.split('\n').filter((line) => line.trim() !== '');
    const logged = lines.map(loggedError).findLast((message) => message !== undefined);
    return logged ?? lines.findLast((line) => !NOISE.test(line))?.trim();
  }
}
