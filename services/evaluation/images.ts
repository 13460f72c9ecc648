import { readFile } from 'node:fs/promises';
import { AutomedError } from '../common/errors';
import { mapLimited } from './concurrency';

/** Calls in flight at a time: one is decoded while the other is computed. */
const IN_FLIGHT = 2;

export interface Failure {
  image: string;
  error: { code: string; message: string };
}

export type Outcome<T> = { image: string; result: T } | Failure;

export interface ForEachOptions {
  /** Calls in flight at a time, `[1, inf)`; default 2. */
  inFlight?: number | undefined;
  /** What a person reads of an error; default: its message. */
  describe?: ((error: unknown) => string) | undefined;
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Runs a call for each image file; an image that fails does not keep the others from being answered. */
export async function forEachImage<T>(
  images: readonly string[],
  call: (bytes: Buffer, image: string, index: number) => Promise<T>,
  onDone: (outcome: Outcome<T>) => void,
  { inFlight = IN_FLIGHT, describe = messageOf }: ForEachOptions = {},
): Promise<Outcome<T>[]> {
  return mapLimited(images, inFlight, async (image, index) => {
    const outcome = await attempt(image, async () => call(await readFile(image), image, index), describe);
    onDone(outcome);
    return outcome;
  });
}

async function attempt<T>(
  image: string,
  run: () => Promise<T>,
  describe: (error: unknown) => string,
): Promise<Outcome<T>> {
  try {
    return { image, result: await run() };
  } catch (error) {
    // Which server was wanted concerns every image: stop.
    if (
      error instanceof AutomedError &&
      ['DEVICE_UNAVAILABLE', 'SERVICE_UNAVAILABLE', 'NOT_FOUND', 'WRONG_TASK'].includes(error.code)
    )
      throw error;
    return { image, error: { code: codeOf(error), message: describe(error) } };
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
