// Names for what must not be named: keyed hashes, so that who knows an ID cannot try whether it is the one.

import { createHmac } from 'node:crypto';

/** UIDs of the standard: classes, syntaxes, well-known instances. */
const STANDARD = '1.2.840.10008.';
const DAYS = 365;

export class Pseudonyms {
  /** @param key secret of the site; the same key gives the same names */
  constructor(private readonly key: Buffer) {}

  private hash(kind: string, value: string): Buffer {
    return createHmac('sha256', this.key).update(`${kind}\0${value}`).digest();
  }

  /** A UID under 2.25 for another one; those of the standard stay. */
  uid(uid: string): string {
    if (uid === '' || uid.startsWith(STANDARD)) return uid;
    const uuid = this.hash('uid', uid).subarray(0, 16);
    // Version 8 of RFC 9562: made by a rule of the program's own.
    uuid.writeUInt8((uuid.readUInt8(6) & 0x0f) | 0x80, 6);
    uuid.writeUInt8((uuid.readUInt8(8) & 0x3f) | 0x80, 8);
    return `2.25.${BigInt(`0x${uuid.toString('hex')}`)}`;
  }

  /** Of a patient, by ID and issuer: 16 characters, which are ID and name. */
  patient(id: string): string {
    return this.hash('patient', id).toString('hex').slice(0, 16).toUpperCase();
  }

  /** Days by which the dates of a patient are moved back, [1, 365]. */
  days(id: string): number {
    return 1 + (this.hash('days', id).readUInt32BE(0) % DAYS);
  }
}
