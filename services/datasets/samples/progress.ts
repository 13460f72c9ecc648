// What is told while samples are read and loaded, and of files that cannot be used.

import { automedError } from '../../common/errors';
import type { Problem } from './sample';

/** What reading and loading samples tell while they go on. */
export type DataEvent =
  { type: 'preparing'; done: number; total: number } | { type: 'log'; level: 'info' | 'warn'; message: string };

export type Emit = (event: DataEvent) => void;

/** Files named one by one in the log, or in the error of a strict run. */
export const NAMED_PROBLEMS = 50;

const nameProblem = ({ name, problem }: Problem): string => `${name}: ${problem}`;

/** Stops a strict run at the first problems, or names them and goes on. */
export function reportProblems(problems: readonly Problem[], strict: boolean, emit: Emit): void {
  if (problems.length === 0) return;
  const named = problems.slice(0, NAMED_PROBLEMS).map(nameProblem);
  const more = problems.length - named.length;
  if (strict) {
    const list = named.slice(0, 10).join('; ');
    throw automedError('INVALID_ARGUMENT', `${problems.length} files of the data folder cannot be used: ${list}`, {
      field: 'data',
    });
  }
  for (const message of named) emit({ type: 'log', level: 'warn', message: `left out ${message}` });
  if (more > 0) emit({ type: 'log', level: 'warn', message: `left out ${more} more files` });
}
