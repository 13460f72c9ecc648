import { NotFoundError } from '../../common/errors';
import { Breaks, type ResumeOptions } from './breaks';

const DEFAULT_PATIENCE_MS = 10 * 60_000;

export interface Resumable {
  resumeToken: string;
}

/**
 * Reads a stream to its end, each message once: one that breaks is opened again behind the last message.
 * @param open opens it, and calls `heard` at heartbeats; the token is empty until the stream has named a place
 * @param always whether also one that has named no place is opened again
 */
export async function* resumed<Message extends Resumable>(
  open: (token: string, heard: () => void) => AsyncGenerator<Message>,
  options: ResumeOptions,
  always = false,
): AsyncGenerator<Message> {
  const breaks = new Breaks(options.patienceMs ?? DEFAULT_PATIENCE_MS, options);
  let token = '';
  for (;;) {
    try {
      for await (const message of open(token, () => breaks.heard(false))) {
        breaks.heard(message.resumeToken !== token);
        token = message.resumeToken;
        yield message;
      }
      return;
    } catch (error) {
      await breaks.after(error, always || token !== '');
      if (error instanceof NotFoundError) token = '';
    }
  }
}
