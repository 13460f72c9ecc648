import { once } from 'node:events';
import type { ServerDuplexStream } from '@grpc/grpc-js';

/**
 * Answers each message of a stream, in order, with at most `maxInFlight` answers under way. Reading stops while that many
 * are unanswered, and writing stops while the caller does not read, so that HTTP/2 flow control holds the sender back.
 * @param answer must not reject for what concerns one message only: it resolves to an answer that carries a status
 * @param inTurn completes an answer when all those before it are written
 */
export async function answerInOrder<Request, Response>(
  call: ServerDuplexStream<Request, Response>,
  maxInFlight: number,
  signal: AbortSignal,
  answer: (request: Request, index: number) => Promise<Response>,
  inTurn: (response: Response) => Response = (response) => response,
): Promise<void> {
  const waiting: Promise<Response>[] = [];
  const changed = new Bell();
  let reading = true;
  let failed: { reason: unknown } | undefined;

  const read = async (): Promise<void> => {
    let index = 0;
    // destroyOnReturn: false, because a destroyed call could no longer send its status.
    for await (const request of call.iterator({ destroyOnReturn: false })) {
      if (failed) return;
      const answered = answer(request as Request, index);
      answered.catch(() => undefined); // awaited, and so reported, by the writer
      waiting.push(answered);
      index += 1;
      changed.ring();
      while (waiting.length >= maxInFlight && !failed) await changed.wait();
    }
  };
  const write = async (): Promise<void> => {
    for (;;) {
      const next = waiting[0];
      if (!next) {
        if (!reading) return;
        await changed.wait();
        continue;
      }
      const response = await next;
      if (signal.aborted) return;
      if (!call.write(inTurn(response))) await once(call, 'drain', { signal });
      void waiting.shift(); // answered
      changed.ring();
    }
  };

  const reader = read().finally(() => {
    reading = false;
    changed.ring();
  });
  reader.catch(() => undefined);
  const stopped = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
  await Promise.race([
    write().catch((reason: unknown) => {
      failed = { reason };
      changed.ring();
    }),
    stopped,
  ]);
  if (failed) throw failed.reason;
  if (!signal.aborted) await reader;
}

/** Wakes everyone who waits. */
class Bell {
  private wake: () => void = () => undefined;
  private rung = new Promise<void>((resolve) => (this.wake = resolve));

  wait(): Promise<void> {
    return this.rung;
  }

  ring(): void {
    const { wake } = this;
    this.rung = new Promise<void>((resolve) => (this.wake = resolve));
    wake();
  }
}
