import { AutomedError, type ErrorCode } from '../../common/errors';
import { INTERRUPTED } from './signals';

/** A failure that the command line itself finds; the message says what to do. */
export class CliError extends Error {
  constructor(
    message: string,
    /** 1: it did not work; 2: it was called wrongly; 130: Ctrl-C ended it. */
    readonly exitCode: 1 | 2 | 130 = 1,
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

/** The user ended it: exit code 130. */
export class InterruptedError extends CliError {
  constructor(message: string) {
    super(message, INTERRUPTED);
    this.name = 'InterruptedError';
  }
}

const HINTS: Partial<Record<ErrorCode, string>> = {
  WRONG_TASK: '`automed models list` shows what each model does',
  CHECKPOINT_CORRUPT: 'train or register the model again, or restore its files',
  STORAGE_FULL: 'free some space, or choose another folder with --home',
  SERVICE_UNAVAILABLE: 'is the server running? `automed serve` starts one',
};

/** What shows the names that there are, by the field or the noun of the one that there is not. */
const LISTS: Readonly<Record<string, string>> = {
  model: 'automed models list',
  alias: 'automed models list',
  startFrom: 'automed models list',
  start_from: 'automed models list',
  base: 'automed bases list',
  backbone: 'automed bases list',
  dataset: 'automed data list',
  evaluation: 'automed evaluations list',
  training: 'automed jobs list',
};

function hintOf({ code, field = '', message }: AutomedError): string | undefined {
  if (code !== 'NOT_FOUND') return HINTS[code];
  if (field === 'home') return '`automed bases create NAME --arch tiny` makes one there; --home names another';
  const noun = /^There is no (?:finished )?(\w+)/.exec(message)?.[1] ?? '';
  const list = LISTS[field.split('.').at(-1) ?? ''] ?? LISTS[noun];
  return list === undefined ? undefined : `\`${list}\` shows what there is`;
}

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
    const hint = hintOf(error);
    if (error.retryAfterMs !== undefined) text = `${text.replace(/\.$/, '')}; try again in ${error.retryAfterMs} ms`;
    else if (hint !== undefined && !text.includes('`')) text = `${text.replace(/\.$/, '')}; ${hint}`;
  }
  return text;
}

export function exitCodeOf(error: unknown): number {
  return error instanceof CliError ? error.exitCode : 1;
}
