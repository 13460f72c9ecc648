import { AutomedError, type ErrorCode } from '../common/errors';

/** A failure that the command line itself finds; the message says what to do. */
export class CliError extends Error {
  constructor(
    message: string,
    /** 1: it did not work; 2: it was called wrongly. */
    readonly exitCode: 1 | 2 = 1,
  ) {
    super(message);
    this.name = 'CliError';
  }
}

/** A command line that makes no sense: exit code 2. */
export class UsageError extends CliError {
  constructor(message: string) {
    super(message, 2);
    this.name = 'UsageError';
  }
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  NOT_FOUND: '`automed models list`, `automed bases list` and `automed jobs list` show what there is',
  WRONG_TASK: '`automed models list` shows what each model does',
  CHECKPOINT_CORRUPT: 'train or register the model again, or restore its files',
  STORAGE_FULL: 'free some space, or choose another folder with --home',
  DEVICE_UNAVAILABLE: 'is the server running? `automed serve` starts one',
};

function messageOf(error: unknown): string {
  const { message, code, path, name } = (error ?? {}) as Partial<NodeJS.ErrnoException>;
  if (path !== undefined && code === 'ENOENT') return `${path} does not exist`;
  if (path !== undefined && code === 'EACCES') return `${path}: permission denied`;
  if (path !== undefined && code === 'EISDIR') return `${path} is a folder, not a file`;
  if (code === 'ENOSPC') return 'the disk is full; free some space, or choose another folder with --home';
  return (message ?? '') || (name ?? String(error));
}

/** One line that says what went wrong and, where it is known, what to do. */
export function oneLine(error: unknown): string {
  let text = messageOf(error).replace(/\s+/g, ' ').trim();
  if (error instanceof AutomedError) {
    if (error.code === 'INTERNAL') return `${text} (the server's log has the cause)`;
    const hint = HINTS[error.code];
    if (error.retryAfterMs !== undefined) text = `${text.replace(/\.$/, '')}; try again in ${error.retryAfterMs} ms`;
    else if (hint !== undefined && !text.includes('`')) text = `${text.replace(/\.$/, '')}; ${hint}`;
  }
  return text;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CliError ? error.exitCode : 1;
}
