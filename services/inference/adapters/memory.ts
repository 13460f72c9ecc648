import { totalmem } from 'node:os';

/** Bytes of memory that this process may use: the limit of its control group, else what the machine has. */
export function availableMemory(constrained = process.constrainedMemory(), total = totalmem()): number {
  // Without a limit Node says 0, or a number beyond any machine.
  return constrained > 0 && constrained < total ? constrained : total;
}
