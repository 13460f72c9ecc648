// What a destination says of an object that was sent to it.

export interface Sendable {
  sopClass: string;
  sopInstance: string;
  /** Of the Part 10 file on this disk. */
  path: string;
}

/**
 * `permanent`: sending it again cannot help before a person changes something. `transient`: it may work later. `suspect`: looks like
 * a fault of the network and is, when it repeats, a refusal: given up after a few attempts. `away`: the receiver is not there or has
 * no room, whatever is sent to it: tried again until it is, however long that takes.
 */
export type FailureClass = 'permanent' | 'transient' | 'suspect' | 'away';

export interface NotStored {
  stored: false;
  code: string;
  message: string;
  class: FailureClass;
  /** Of a fault of ours; for the log alone. */
  cause?: unknown;
}

export type Sent = { stored: true } | NotStored;

/** Sends objects; answers one outcome for each, in their order, and never throws for what a destination does. */
export interface Courier {
  send(objects: readonly Sendable[]): Promise<Sent[]>;
}

export function failed(kind: FailureClass, code: string, message: string): NotStored {
  return { stored: false, class: kind, code, message };
}

/** The other side's certificate, or ours, does not hold or cannot be read. @param code of the system, Node or OpenSSL */
export function notTrusted(code: string): NotStored {
  return failed('permanent', 'NOT_TRUSTED', `Certificates of the connection do not hold (${code}).`);
}

/** What a C-STORE status means (PS3.4 B.2.3, PS3.7 annex C). */
export function ofStatus(status: number): Sent {
  const hex = `0x${status.toString(16).toUpperCase().padStart(4, '0')}`;
  const isWarning = status >> 12 === 0xb || status === 0x0001 || status === 0x0107 || status === 0x0116;
  // The receiver has an object of this UID, and UIDs follow from content: it is this one.
  const isKnown = status === 0x0111;
  if (status === 0 || isWarning || isKnown) return { stored: true };
  if (status >> 8 === 0xa7 || status === 0x0213) {
    return failed('away', 'OUT_OF_RESOURCES', `The receiver has no room (status ${hex}).`);
  }
  if (status === 0x0110) return failed('transient', 'PROCESSING_FAILURE', `The receiver failed (status ${hex}).`);
  if (status === 0x0124) return failed('permanent', 'NOT_AUTHORISED', `The receiver refuses us (status ${hex}).`);
  if (status === 0x0122) {
    return failed('permanent', 'NOT_SUPPORTED', `The receiver does not take objects of this kind (status ${hex}).`);
  }
  if (status >> 8 === 0xa9) {
    return failed(
      'permanent',
      'MISMATCH',
      `The receiver says that the object is not what was announced (status ${hex}).`,
    );
  }
  return failed('permanent', 'NOT_UNDERSTOOD', `The receiver does not accept the object (status ${hex}).`);
}
