// Streams of answers as server-sent events, read with fetch so that the token travels in a header.

import { t } from '../texts/en';
import { CallError, post } from './call';

/** A place in a stream: the id of the newest event. One that broke goes on behind it. */
export interface Place {
  id: string;
}

/**
 * Messages of a stream, as they come, until its event `end`.
 * @param place where it begins, and afterwards where it has come to
 * @throws CallError where it breaks off before; Error where the stream says so
 */
export async function* events<Message>(
  service: string,
  method: string,
  request: object,
  signal: AbortSignal,
  place: Place = { id: '' },
): AsyncGenerator<Message> {
  const from: Record<string, string> = place.id === '' ? {} : { 'last-event-id': place.id };
  const { body } = await post(service, method, request, signal, from);
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
      const { event, data, id } = fields(block);
      if (event === 'end') return;
      if (event === 'error') throw streamError(data);
      if (data === '') continue;
      if (id !== '') place.id = id;
      yield JSON.parse(data) as Message;
    }
  }
}

function fields(block: string): { event: string; data: string; id: string } {
  let [event, data, id] = ['message', '', ''];
  for (const line of block.split('\n')) {
    if (line.startsWith('event: ')) event = line.slice(7);
    if (line.startsWith('data: ')) data += line.slice(6);
    if (line.startsWith('id: ')) id = line.slice(4);
  }
  return { event, data, id };
}

function streamError(data: string): Error {
  const { error } = JSON.parse(data) as { error?: { message?: string } };
  return new Error(error?.message ?? data);
}
