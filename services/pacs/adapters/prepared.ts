import type { Sent } from '../domain/delivery';
import { ourFault } from '../domain/failures';

/**
 * Sends what could be prepared, such as read from the disk. What could not has an outcome of its own, and ends no other delivery.
 * @param send answers one outcome for each of what it gets, in their order; not called without any
 */
export async function sendPrepared<Given, Ready>(
  objects: readonly Given[],
  prepare: (object: Given) => Promise<Ready>,
  send: (ready: readonly Ready[]) => Promise<Sent[]>,
): Promise<Sent[]> {
  const ready: Ready[] = [];
  const faults = new Map<Given, Sent>();
  for (const object of objects) {
    await prepare(object).then(
      (each) => ready.push(each),
      (error: unknown) => faults.set(object, ourFault(error)),
    );
  }
  const sent = ready.length === 0 ? [] : await send(ready);
  let next = 0;
  return objects.map((object) => faults.get(object) ?? (sent[next++] as Sent));
}
