import { readFile } from 'node:fs/promises';
import { AutomedError } from '../../common/errors';
import { CliError, oneLine } from '../program/errors';
import { mapLimited } from './concurrency';

/** Calls in flight at a time: one is decoded while the other is computed. */
const IN_FLIGHT = 2;

export interface Failure {
  image: string;
  error: { code: string; message: string };
}

export type Outcome<T> = { image: string; result: T } | Failure;

/** Runs a call for each image file; an image that fails does not keep the others from being answered. */
export async function forEachImage<T>(
  images: readonly string[],
  call: (bytes: Buffer, image: string, index: number) => Promise<T>,
  onDone: (outcome: Outcome<T>) => void,
  inFlight = IN_FLIGHT,
): Promise<Outcome<T>[]> {
  return mapLimited(images, inFlight, async (image, index) => {
    const outcome = await attempt(image, async () => call(await readFile(image), image, index));
    onDone(outcome);
    return outcome;
  });
}

async function attempt<T>(image: string, run: () => Promise<T>): Promise<Outcome<T>> {
  try {
    return { image, result: await run() };
  } catch (error) {
    // Which server was wanted concerns every image: stop.
    if (
      error instanceof AutomedError &&
      ['DEVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'NOT_FOUND', 'WRONG_TASK'].includes(error.code)
    )
      throw error;
    return { image, error: { code: codeOf(error), message: oneLine(error) } };
  }
}

function codeOf(error: unknown): string {
  if (error instanceof AutomedError) return error.code;
  return (error as NodeJS.ErrnoException).code ?? 'INTERNAL';
}

/** What a person reads of an image that failed. */
export function describeFailure({ image, error }: Failure): string {
  return error.message.startsWith(image) ? error.message : `${image}: ${error.message}`;
}

export function failed<T>(outcome: Outcome<T>): outcome is Failure {
  return 'error' in outcome;
}

/** The error that makes the command fail when images did; nothing else is thrown for them. */
export function failureOf<T>(outcomes: readonly Outcome<T>[]): CliError | undefined {
  const failures = outcomes.filter(failed);
  const [first] = failures;
  if (!first) return undefined;
  if (outcomes.length === 1) return new CliError(describeFailure(first));
  return new CliError(`${failures.length} of ${outcomes.length} images failed; the first: ${describeFailure(first)}`);
}
