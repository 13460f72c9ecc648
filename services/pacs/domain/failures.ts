// What an error means for the work that it ended: whether trying again can help, and what a person is told.

import { ModelsAwayError } from '../../analysis';
import {
  AutomedError,
  CancelledError,
  DeadlineError,
  DeviceError,
  InternalError,
  ResourceExhaustedError,
  UnavailableError,
} from '../../common/errors';
import { ResultError, type ResultDefect } from '../../dicom-results';
import { DicomError } from '../../imaging/dicom';
import { failed, type NotStored } from './delivery';
import type { Failure } from './work';

export interface JudgedFailure extends Failure {
  /** Whether the same work may succeed later without anybody changing anything. */
  transient: boolean;
  /** Whether any work would have failed: it is tried again until it does not. */
  away?: boolean;
}

const DEFECTS: Readonly<Record<ResultDefect, string>> = {
  TERMS: 'NO_TERMS',
  CONTENT: 'BAD_ANSWER',
  SOURCE: 'SOURCE_REJECTED',
  STACK: 'GEOMETRY_REJECTED',
  GEOMETRY: 'GEOMETRY_MISMATCH',
  ENCODING: 'ENCODING',
};

const TRANSIENT = [CancelledError, DeadlineError, DeviceError, InternalError, ResourceExhaustedError, UnavailableError];

export function judgeFailure(error: unknown): JudgedFailure {
  if (error instanceof ResultError) return { code: DEFECTS[error.defect], message: error.message, transient: false };
  if (error instanceof DicomError) {
    const code = error.defect === 'PIXEL_DECODE' ? 'PIXEL_DECODE' : `PIXELS_${error.defect}`;
    return { code, message: error.message, transient: false };
  }
  if (error instanceof AutomedError) {
    const transient = TRANSIENT.some((kind) => error instanceof kind);
    const away = error instanceof ModelsAwayError || error.code === 'STORAGE_FULL';
    return { code: error.code, message: error.message, transient, away };
  }
  if ((error as NodeJS.ErrnoException).code === 'ENOENT') {
    return { code: 'FILE_MISSING', message: 'A file of the study is missing from the spool.', transient: false };
  }
  // A fault of ours: its text may hold anything, and belongs into the log alone.
  return { code: 'INTERNAL', message: 'The work failed for a reason that the log tells.', transient: true };
}

/** What a delivery comes to that a fault of ours ended, such as a file that is gone. */
export function ourFault(error: unknown): NotStored {
  const { code, message, transient } = judgeFailure(error);
  return { ...failed(transient ? 'suspect' : 'permanent', code, message), cause: error };
}
