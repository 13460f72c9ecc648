import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes of memory that this process may use: the limit of its control group, else what the machine has. */
export function availableMemory(constrained = process.constrainedMemory(), total = totalmem()): number {
  // Without a limit Node says 0, or a number beyond any machine.
  return constrained > 0 && constrained < total ? constrained : total;
}

/**
 * Makes the function that frees V8's garbage. V8 itself lets what requests leave behind pile up to tens of megabytes before it
 * collects all of it, so that memory after some reloads tells little. Stops the JavaScript thread while it collects: tens of
 * milliseconds.
 */
export function garbageCollector(): () => void {
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
