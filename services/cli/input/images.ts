import { describeFailure, failed, forEachImage as forEach, type Outcome } from '../../evaluation/images';
import { CliError, oneLine } from '../program/errors';

/** Runs a call for each image file; an image that fails does not keep the others from being answered. */
export function forEachImage<T>(
  images: readonly string[],
  call: (bytes: Buffer, image: string, index: number) => Promise<T>,
  onDone: (outcome: Outcome<T>) => void,
): Promise<Outcome<T>[]> {
  return forEach(images, call, onDone, { describe: oneLine });
}

/** The error that makes the command fail when images did; nothing else is thrown for them. */
export function failureOf<T>(outcomes: readonly Outcome<T>[]): CliError | undefined {
  const failures = outcomes.filter(failed);
  const [first] = failures;
  if (!first) return undefined;
  if (outcomes.length === 1) return new CliError(describeFailure(first));
  return new CliError(`${failures.length} of ${outcomes.length} images failed; the first: ${describeFailure(first)}`);
}
