// Why work failed, as a code and a sentence for people.

import { AutomedError, type ErrorCode } from '../../common/errors';
import { FolderError } from '../../common/make-folder';

export interface Failure {
  code: ErrorCode;
  message: string;
  field?: string;
}

const FULL = { code: 'STORAGE_FULL', message: 'The disk is full; free some space, then resume the job.' } as const;
const READ_ONLY = {
  code: 'ILLEGAL_STATE',
  message: 'The store cannot be written: its folder is read-only, or belongs to another user.',
} as const;
const NO_MEMORY = { code: 'OUT_OF_MEMORY', message: 'The worker ran out of memory.' } as const;

/** Node reports a read-only file system under a recursive mkdir as ENOENT of that mkdir. */
function isRefusedFolder(error: Error): boolean {
  const { code, syscall } = error as NodeJS.ErrnoException;
  return code === 'ENOENT' && syscall === 'mkdir';
}

/** What the system and SQLite call the causes that a person can do something about. */
const KNOWN: Readonly<Record<string, Failure>> = {
  ENOSPC: FULL,
  EDQUOT: FULL,
  SQLITE_FULL: FULL,
  EROFS: READ_ONLY,
  EACCES: READ_ONLY,
  EPERM: READ_ONLY,
  SQLITE_READONLY: READ_ONLY,
  SQLITE_READONLY_DIRECTORY: READ_ONLY,
  SQLITE_CANTOPEN: READ_ONLY,
  ENOMEM: NO_MEMORY,
  ERR_WORKER_OUT_OF_MEMORY: NO_MEMORY,
};

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1);

/** The failure behind whatever was thrown; undefined for a fault of ours, whose text is for the log. */
export function knownFailure(error: unknown): Failure | undefined {
  for (let each = error; each instanceof Error; each = each.cause) {
    if (each instanceof AutomedError && each.code !== 'INTERNAL') {
      const { code, message, field } = each;
      // A bound that somebody has set is no full disk; the message names it.
      if (code === 'STORAGE_FULL' && !message.includes('AUTOMED_')) return FULL;
      return { code, message, ...(field === undefined ? {} : { field }) };
    }
    if (isRefusedFolder(each)) return READ_ONLY;
    const known = KNOWN[String((each as { code?: unknown }).code)];
    if (known) return known;
    // What is in the way of a folder, a person can move.
    if (each instanceof FolderError) return { code: 'ILLEGAL_STATE', message: `${sentence(each.message)}.` };
  }
  return undefined;
}

/** What the system refuses only when there is little left, bytes; more than the allocator keeps of what a failed step gave back. */
const LITTLE = 256 * 1024 * 1024;

/**
 * Whether this process gets no more memory, for errors that do not say so themselves (oneDNN's "could not create a
 * primitive"): it asks for a little and gives it back.
 */
export function starvation(): Failure | undefined {
  try {
    Buffer.allocUnsafeSlow(LITTLE);
    return undefined;
  } catch {
    return NO_MEMORY;
  }
}
