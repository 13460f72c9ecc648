// What an audit trail tells (PS3.15 A.5, after RFC 3881): who did what to which study, and how it ended. Patients and studies are
// named by keyed hashes alone: whoever holds the key finds them, nobody else.

/** Where a participant is reached. */
export interface Participant {
  /** AE title, user, destination, or `name@version` of a model. */
  id: string;
  /** Host or URL; absent where there is none. */
  address?: string | undefined;
  /** Other name: of a model `sha256:` and the hash of its weights. */
  alternative?: string | undefined;
  role: 'source' | 'destination' | 'application' | 'model';
  /** Whether it began the event. */
  isRequestor: boolean;
}

/** What a study is called in the trail. */
export interface AuditedStudy {
  /** Number in the journal. */
  number: number;
  /** HMAC-SHA-256 of the Study Instance UID and of the Patient ID, hexadecimal. */
  study: string;
  patient: string;
}

export interface AuditedObjects {
  sopClass: string;
  count: number;
}

/**
 * `start`, `stop`: of the program. `received`: objects of a series came. `analysed`: a model looked at a series. `sent`: an object went to a
 * destination of the trust domain; `exported`: to one outside. `deleted`: a study. `refused`: somebody who may not. `steered`: a person
 * decided something.
 */
export type AuditAction =
  'start' | 'stop' | 'received' | 'analysed' | 'sent' | 'exported' | 'deleted' | 'refused' | 'steered';

export interface AuditEvent {
  action: AuditAction;
  /** Whether it succeeded. */
  outcome: 'success' | 'failure';
  participants: readonly Participant[];
  study?: AuditedStudy | undefined;
  objects?: readonly AuditedObjects[];
  /** Stable code or short text of ours, without anything of a patient. */
  detail?: string | undefined;
  /** How many times it happened, where equal events are counted. */
  count?: number;
}

export interface TimedEvent extends AuditEvent {
  time: Date;
  /** Unique, so that events that were written twice are seen to be one. */
  id: string;
}
