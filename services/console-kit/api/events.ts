// Streams of answers as server-sent events, read with fetch so that the token travels in a header.

import { t } from '../texts/en';
import { CallError, post } from './call';

/** Messages of a stream, as they come, until its event `end`. @throws CallError where it breaks off before; Error where the stream says so */
export async function* events<Message>(
  service: string,
  method: string,
  request: object,
  signal: AbortSignal,
): AsyncGenerator<Message> {
  const { body } = await post(service, method, request, signal);
  if (!body) return;
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let rest = '';
  for (;;) {
    const { value, done } = await reader.read();
    // Only the event `end` ends it; the connection alone ends where a server goes away.
    if (done) throw new CallError(t.errors.unreachable, 'UNREACHABLE', 'UNAVAILABLE');
    const blocks = (rest + value).split('\n\n');
    rest = blocks.pop() ?? '';
    for (const block of blocks) {
      const { event, data } = fields(block);
      if (event === 'end') return;
      if (event === 'error') throw streamError(data);
      if (data !== '') yield JSON.parse(data) as Message;
    }
  }
}

function fields(block: string): { event: string; data: string } {
  let [event, data] = ['message', ''];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7);
    if (line.startsWith('data: ')) data += line.slice(6);
  }
  return { event, data };
}

function streamError(data: string): Error {
  const { error } = JSON.parse(data) as { error?: { message?: string } };
  return new Error(error?.message ?? data);
}
