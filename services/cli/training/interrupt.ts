// Ctrl-C while a training is watched: it is cancelled, or left to go on.

import { createInterface } from 'node:readline/promises';

export type OnInterrupt = 'cancel' | 'detach';
export const ON_INTERRUPT: readonly OnInterrupt[] = ['cancel', 'detach'];

/** Asks once; anything but a clear yes, and a second Ctrl-C, leaves the training alone. */
export async function askWhatToDo(
  question: string,
  input: NodeJS.ReadableStream,
  output: NodeJS.WritableStream,
): Promise<OnInterrupt> {
  const lines = createInterface({ input, output });
  const given = new AbortController();
  lines.once('SIGINT', () => given.abort());
  lines.once('close', () => given.abort());
  try {
    const answer = await lines.question(question, { signal: given.signal });
    return /^\s*c/i.test(answer) ? 'cancel' : 'detach';
  } catch {
    return 'detach';
  } finally {
    lines.close();
  }
}

/** What to do at a signal: what was said before, else what the person at the terminal says, else to leave the training alone. */
export async function choice(
  said: OnInterrupt | undefined,
  signal: NodeJS.Signals,
  goesOn: string,
): Promise<OnInterrupt> {
  if (said !== undefined) return said;
  const { stdin, stderr } = process;
  if (signal !== 'SIGINT' || !stdin.isTTY || !stderr.isTTY) return 'detach';
  return askWhatToDo(`\nCancel the training (c), or ${goesOn} (Enter)? `, stdin, stderr);
}
