/** Yields what `work` tells, in order and each as soon as it is told, and returns its result. Rejects as `work` does. */
export async function* told<Event, Result>(
  work: (tell: (event: Event) => void) => Promise<Result>,
): AsyncGenerator<Event, Result, void> {
  const waiting: Event[] = [];
  let wake: () => void = () => undefined;
  let ended = false;
  const result = work((event) => {
    waiting.push(event);
    wake();
  }).finally(() => {
    ended = true;
    wake();
  });
  // Heard below, after what was told before it.
  result.catch(() => undefined);
  for (;;) {
    const event = waiting.shift();
    if (event !== undefined) yield event;
    else if (ended) return await result;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}
